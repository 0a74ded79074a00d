//! Markdown, written from the parts of a page.

use super::tokens::{Token, attribute, decode, tokens};
use super::twin_of;

/// What is there for people with a pointer, or says what the page does not.
const LEFT_OUT: [&str; 9] = ["nav", "form", "script", "style", "svg", "button", "template", "title", "noscript"];

/// The content (`main`) of a page as markdown.
pub(crate) fn markdown(page: &str) -> String {
    let mut writer = Writer::default();
    let content = tokens(page).skip_while(|token| !matches!(token, Token::Open("main", _)));
    content.take_while(|token| *token != Token::Close("main")).for_each(|token| writer.token(token));
    let mut text = writer.out.pop().unwrap_or_default();
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

#[derive(Debug)]
struct Writer {
    /// What is written: the text, then what is open in it: a link, a cell.
    out: Vec<String>,
    links: Vec<String>,
    /// What is left out, and how deep we are in it.
    left_out: Option<(String, usize)>,
    /// Text is written as it stands.
    is_pre: bool,
    is_code: bool,
    cells: Vec<String>,
    rows: usize,
}

impl Default for Writer {
    fn default() -> Self {
        Self {
            out: vec![String::new()],
            links: Vec::new(),
            left_out: None,
            is_pre: false,
            is_code: false,
            cells: Vec::new(),
            rows: 0,
        }
    }
}

impl Writer {
    fn token(&mut self, token: Token<'_>) {
        if let Some((name, depth)) = &mut self.left_out {
            match token {
                Token::Open(open, _) if open == name => *depth += 1,
                Token::Close(close) if close == name => *depth -= 1,
                _ => {}
            }
            self.left_out.take_if(|(_, depth)| *depth == 0);
            return;
        }
        match token {
            Token::Open(name, _) if LEFT_OUT.contains(&name) => self.left_out = Some((name.to_owned(), 1)),
            Token::Open(name, attributes) => self.open(name, attributes),
            Token::Close(name) => self.close(name),
            Token::Text(text) => self.text(&decode(text)),
        }
    }

    fn open(&mut self, name: &str, attributes: &str) {
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.block();
                let level = name[1..].parse().unwrap_or(1);
                self.push(&format!("{} ", "#".repeat(level)));
            }
            "pre" => {
                self.block();
                self.push("```\n");
                self.is_pre = true;
            }
            "code" if !self.is_pre => {
                self.push("`");
                self.is_code = true;
            }
            "strong" | "b" | "summary" if !self.is_pre => self.push("**"),
            "em" | "i" if !self.is_pre => self.push("*"),
            "a" => {
                self.links.push(decode(attribute(attributes, "href").unwrap_or_default()));
                self.out.push(String::new());
            }
            "li" => {
                self.line();
                self.push("- ");
            }
            "table" => {
                self.block();
                self.rows = 0;
            }
            "td" | "th" => self.out.push(String::new()),
            "br" => self.line(),
            "p" | "div" | "section" | "ul" | "ol" | "dl" | "dt" | "dd" | "details" | "blockquote" => self.block(),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "pre" => {
                self.is_pre = false;
                self.line();
                self.push("```");
                self.block();
            }
            "code" if !self.is_pre => {
                self.is_code = false;
                self.push("`");
            }
            "strong" | "b" if !self.is_pre => self.push("**"),
            "summary" => {
                self.push("**");
                self.block();
            }
            "em" | "i" if !self.is_pre => self.push("*"),
            "a" => self.link(),
            "td" | "th" => {
                let cell = self.out.pop().unwrap_or_default();
                self.cells.push(cell.trim().replace('|', "\\|"));
            }
            "tr" => self.row(),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "p" | "ul" | "ol" | "dl" | "dt" | "dd" | "table" => self.block(),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.is_pre {
            self.push(text);
            return;
        }
        let text = if self.is_code { text.to_owned() } else { text.replace('<', "&lt;") };
        let ends = |blank: bool| if blank { " " } else { "" };
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let before = ends(text.starts_with(char::is_whitespace) && !self.ends_blank());
        let after = ends(text.ends_with(char::is_whitespace) && !words.is_empty());
        self.push(&format!("{before}{words}{after}"));
    }

    fn link(&mut self) {
        let (text, link) = (self.out.pop().unwrap_or_default(), self.links.pop().unwrap_or_default());
        let text = text.trim();
        if link.is_empty() || text.is_empty() {
            self.push(text);
        } else {
            self.push(&format!("[{text}]({})", twin_of(&link)));
        }
    }

    /// A row of a table; the first is its head.
    fn row(&mut self) {
        let cells = std::mem::take(&mut self.cells);
        self.line();
        self.push(&format!("| {} |\n", cells.join(" | ")));
        if self.rows == 0 {
            self.push(&format!("|{}\n", " --- |".repeat(cells.len())));
        }
        self.rows += 1;
    }

    fn push(&mut self, text: &str) {
        if let Some(out) = self.out.last_mut() {
            out.push_str(text);
        }
    }

    fn ends_blank(&self) -> bool {
        self.out.last().is_none_or(|out| out.is_empty() || out.ends_with(char::is_whitespace))
    }

    /// Begins a line. There are none in links and cells.
    fn line(&mut self) {
        if self.out.len() > 1 {
            let blank = if self.ends_blank() { "" } else { " " };
            self.push(blank);
        } else if let Some(out) = self.out.last_mut() {
            out.truncate(out.trim_end_matches(' ').len());
            if !out.is_empty() && !out.ends_with('\n') {
                out.push('\n');
            }
        }
    }

    /// Begins a paragraph; the sign of a list is none yet.
    fn block(&mut self) {
        if self.out.last().is_some_and(|out| out.ends_with("\n- ") || out == "- ") {
            return;
        }
        self.line();
        if self.out.len() == 1
            && let Some(out) = self.out.last_mut()
            && !out.is_empty()
            && !out.ends_with("\n\n")
        {
            out.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(content: &str) -> String {
        markdown(&format!("<html><title>x</title><main class=\"a\">{content}</main><p>after</p></html>"))
    }

    #[test]
    fn content_is_told_and_what_is_around_it_is_not() {
        let page = "<nav><a href=\"/\">n</a></nav><h1>Cart</h1>\n<p class=\"x\">What <em>users</em>\n  want, <a href=\"/docs/doc/a/b\">more</a>.</p>\
                    <ul><li><p>one</p></li><li><code>a&lt;b</code></li></ul><form><p>f</p></form>";
        assert_eq!(of(page), "# Cart\n\nWhat *users* want, [more](/docs/doc/a/b.md).\n\n- one\n\n- `a<b`\n");
    }

    #[test]
    fn tables_and_code_keep_their_form() {
        let page = "<table><thead><tr><th>A</th><th>B</th></tr></thead><tbody><tr><td>1<br>2</td><td>x|y</td></tr></tbody></table><pre><code>a  {\n  b: 1\n}</code></pre>";
        assert_eq!(of(page), "| A | B |\n| --- | --- |\n| 1 2 | x\\|y |\n\n```\na  {\n  b: 1\n}\n```\n");
    }

    #[test]
    fn text_of_strangers_is_no_element() {
        assert_eq!(of("<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"), "&lt;script>alert(1)&lt;/script>\n");
    }
}

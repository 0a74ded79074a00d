//! Text of documents for pages: markdown, of which nothing is left that a browser would run or fetch.

mod clean;

use ammonia::Builder;
use comrak::nodes::{AstNode, NodeHtmlBlock, NodeValue};
use comrak::{Arena, Options, format_html, parse_document};

use self::clean::{CLEANER, PAGE_CLEANER};

/// HTML that can stand in a page as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Html(String);

impl Html {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// A text as it is.
    pub(crate) fn of_text(text: &str) -> Self {
        Self(ammonia::clean_text(text))
    }
}

impl std::fmt::Display for Html {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Html {}

/// A page of the portal's operator.
#[derive(Debug)]
pub(crate) struct Prose {
    /// Its first heading, if that is of the first level; it is not in the HTML.
    pub(crate) title: Option<String>,
    pub(crate) html: Html,
    /// Its words.
    pub(crate) text: String,
}

/// A page as HTML. `lead` says where a link of it leads, none where it stays as it is; `size` how large a picture is.
pub(crate) fn page(
    markdown: &str,
    lead: &mut dyn FnMut(&str) -> Option<String>,
    size: &dyn Fn(&str) -> Option<(usize, usize)>,
) -> Prose {
    let (arena, options) = (Arena::new(), options());
    let root = parse_document(&arena, markdown, &options);
    let level = |node: &AstNode<'_>| match &node.data.borrow().value {
        NodeValue::Heading(heading) => Some(heading.level),
        _ => None,
    };
    // There may be a picture or a word before it.
    let first = root.children().find(|node| level(node).is_some()).filter(|node| level(node) == Some(1));
    let title = first.map(|heading| {
        heading.detach();
        words(heading)
    });
    set_headings(root, 2);
    put_tables_in_boxes(&arena, root);
    for node in root.descendants() {
        if let NodeValue::Link(link) | NodeValue::Image(link) = &mut node.data.borrow_mut().value
            && let Some(to) = lead(&link.url)
        {
            link.url = to;
        }
    }
    set_sizes(root, size);
    let text = words(root);
    Prose {
        title: title.filter(|title| !title.is_empty()),
        html: rendered(root, &options, &PAGE_CLEANER, markdown),
        text,
    }
}

/// A description without markup.
pub(crate) fn text(markdown: &str) -> String {
    let arena = Arena::new();
    words(parse_document(&arena, markdown, &options()))
}

/// The text of a node.
fn words<'a>(node: &'a AstNode<'a>) -> String {
    let mut text = String::new();
    for node in node.descendants() {
        match &node.data.borrow().value {
            NodeValue::Text(part) => text.push_str(part),
            NodeValue::Code(code) => text.push_str(&code.literal),
            NodeValue::CodeBlock(code) => text.push_str(&code.literal),
            NodeValue::SoftBreak | NodeValue::LineBreak => text.push(' '),
            NodeValue::Paragraph | NodeValue::Heading(_) | NodeValue::Item(_) | NodeValue::TableCell => text.push(' '),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn options() -> Options<'static> {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.strikethrough = true;
    options.extension.autolink = true;
    // What is HTML is made harmless when it is rendered, not here: descriptions may hold some.
    options.render.r#unsafe = true;
    options
}

fn rendered<'a>(root: &'a AstNode<'a>, options: &Options<'_>, cleaner: &Builder<'_>, markdown: &str) -> Html {
    let mut rendered = String::new();
    match format_html(root, options, &mut rendered) {
        Ok(()) => Html(cleaner.clean(&rendered).to_string()),
        Err(_) => Html::of_text(markdown),
    }
}

/// Gives headings the levels from `top` on, and leaves none out between two: who hears a page goes from one to the next.
fn set_headings<'a>(root: &'a AstNode<'a>, top: u8) {
    let mut open: Vec<u8> = Vec::new();
    for node in root.descendants() {
        if let NodeValue::Heading(heading) = &mut node.data.borrow_mut().value {
            let written = heading.level;
            open.retain(|above| *above < written);
            heading.level = open.iter().fold(top, |level, _| level + 1).min(6);
            open.push(written);
        }
    }
}

/// Says of each picture how large it is, so that nothing moves when it comes.
fn set_sizes<'a>(root: &'a AstNode<'a>, size: &dyn Fn(&str) -> Option<(usize, usize)>) {
    for node in root.descendants().collect::<Vec<_>>() {
        let NodeValue::Image(link) = &node.data.borrow().value.clone() else { continue };
        let Some((width, height)) = size(&link.url) else { continue };
        let [url, alt, title] = [&link.url, &words(node), &link.title].map(|text| ammonia::clean_text(text));
        let picture =
            format!("<img src=\"{url}\" alt=\"{alt}\" title=\"{title}\" width=\"{width}\" height=\"{height}\">");
        node.children().collect::<Vec<_>>().into_iter().for_each(|child| child.detach());
        node.data.borrow_mut().value = NodeValue::HtmlInline(picture.replace(" title=\"\"", ""));
    }
}

/// What is too wide is scrolled by itself, not with the page, and is called by the words of its head.
fn put_tables_in_boxes<'a>(arena: &'a Arena<'a>, root: &'a AstNode<'a>) {
    let is_table = |node: &&AstNode<'_>| matches!(node.data.borrow().value, NodeValue::Table(_));
    for table in root.descendants().filter(is_table).collect::<Vec<_>>() {
        let html = |literal: String| arena.alloc(NodeValue::HtmlBlock(NodeHtmlBlock { block_type: 0, literal }).into());
        let name = ammonia::clean_text(&table.first_child().map(words).unwrap_or_default());
        let before = format!("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{name}\">\n");
        table.insert_before(html(before));
        table.insert_after(html("</div>\n".to_owned()));
    }
}

/// A description as HTML, whose headings are from the level `top` on: below the one that it stands under.
pub(crate) fn html(markdown: &str, top: u8) -> Html {
    let options = options();
    let arena = Arena::new();
    let root = parse_document(&arena, markdown, &options);
    set_headings(root, top);
    put_tables_in_boxes(&arena, root);
    rendered(root, &options, &CLEANER, markdown)
}

/// The first line of a description, without markup, for lists.
pub(crate) fn summary(markdown: &str) -> String {
    let arena = Arena::new();
    let root = parse_document(&arena, markdown, &Options::default());
    let Some(first) = root.children().find(|node| matches!(node.data.borrow().value, NodeValue::Paragraph)) else {
        return String::new();
    };
    let mut text = String::new();
    for node in first.descendants() {
        match &node.data.borrow().value {
            NodeValue::Text(part) => text.push_str(part),
            NodeValue::Code(code) => text.push_str(&code.literal),
            NodeValue::SoftBreak | NodeValue::LineBreak => text.push(' '),
            _ => {}
        }
    }
    if text.chars().count() > LONGEST {
        text = text.chars().take(LONGEST).collect::<String>() + "…";
    }
    text
}

/// The longest line of a list.
const LONGEST: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_is_rendered_below_the_headings_of_the_page() {
        let html = html(
            "# Carts\n\nA *cart* with `sku`s, see [docs](https://a.example/?b=c).\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
            3,
        )
        .to_string();
        assert!(
            html.contains("<h3>Carts</h3>") && html.contains("<em>cart</em>") && html.contains("<td>1</td>"),
            "{html}"
        );
        assert!(html.contains(r#"rel="noopener noreferrer nofollow""#), "{html}");
    }

    #[test]
    fn wide_things_have_boxes_of_their_own_and_nothing_else_comes_of_it() {
        let table = html("| a \"x\" | <b>b</b> |\n|---|---|\n| 1 | 2 |\n\n```\nx\n```", 2).to_string();
        assert!(
            table.contains(r#"<div class="scroll" role="region" tabindex="0" aria-label="a &quot;x&quot; b">"#),
            "{table}"
        );
        assert!(table.contains("</table>\n</div>") && table.contains("<pre tabindex=\"0\">"), "{table}");
        let other =
            html("<div class=\"scroll evil\" role=\"alert\" tabindex=\"9\" onclick=\"x\">x</div>", 2).to_string();
        assert!(other.contains("<div class=\"scroll\">x</div>"), "{other}");
    }

    #[test]
    fn no_level_of_headings_is_left_out() {
        let levels = |markdown: &str, top: u8| {
            let html = html(markdown, top).to_string();
            html.match_indices("<h").map(|(at, _)| html[at + 2..at + 3].to_owned()).collect::<String>()
        };
        assert_eq!(levels("# A\n\n#### B\n\n## C\n\n### D\n\n# E", 2), "23342");
        assert_eq!(levels("### A\n\n## B\n\n# C\n\n### D", 3), "3334");
        assert_eq!(levels("# A\n\n## B\n\n### C\n\n#### D", 5), "5666");
        let page = page("![](a.png)\n\nTitle\n===\n\n### Sub\n\n# Other", &mut |_| None, &|_| None);
        assert_eq!(page.title.as_deref(), Some("Title"));
        assert_eq!(page.html.to_string().matches("<h").count(), 2, "{}", page.html);
        assert!(page.html.to_string().contains("<h2>Sub</h2>"), "{}", page.html);
        assert_eq!(super::page("## Sub\n\n# Title", &mut |_| None, &|_| None).title, None, "it stands below another");
    }

    #[test]
    fn nothing_is_run_or_fetched() {
        for attack in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "![x](https://evil.example/pixel.png)",
            "[x](javascript:alert(1))",
            "[x](data:text/html,<script>alert(1)</script>)",
            "<a href=\"java\nscript:alert(1)\">x</a>",
            "<iframe src=https://evil.example></iframe>",
            "<svg onload=alert(1)><style>*{color:red}</style></svg>",
            "<form action=https://evil.example><input name=password></form>",
            "<p style=\"position:fixed\" id=main class=x onclick=alert(1)>x</p>",
            "<style>@import 'https://evil.example'</style>",
            "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
            "<base href=https://evil.example>",
            "<link rel=stylesheet href=https://evil.example><meta http-equiv=refresh content=0>",
        ] {
            let html = html(attack, 3).to_string().to_lowercase();
            for bad in [
                "<script",
                "onerror=",
                "onload=",
                "onclick=",
                "<img",
                "javascript:",
                "data:",
                "<iframe",
                "<form",
                "<input",
                "<style",
                "style=",
                "<base",
                "<link",
                "<meta",
                "<svg",
                " id=",
                " class=",
            ] {
                // Text about an attack is none: what is escaped stays text.
                let html = html.replace("&lt;", "");
                assert!(!html.contains(bad), "{attack}: {html}");
            }
        }
    }

    #[test]
    fn summaries_are_text() {
        assert_eq!(summary("# Title\n\nA **cart** with `sku`s\nof [users](x).\n\nMore."), "A cart with skus of users.");
        assert_eq!(summary(""), "");
        assert!(summary(&"x".repeat(500)).chars().count() == LONGEST + 1);
    }
}

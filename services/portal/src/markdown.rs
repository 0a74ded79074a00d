//! Text of documents for pages: markdown, of which nothing is left that a browser would run or fetch.

use std::borrow::Cow;
use std::sync::LazyLock;

use ammonia::Builder;
use comrak::nodes::{AstNode, NodeValue};
use comrak::{Arena, Options, format_html, parse_document};

/// The level of a page's headings that are above those of a description.
const ABOVE: u8 = 2;

/// HTML that can stand in a page as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Html(String);

impl Html {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Display for Html {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Html {}

/// What may stay: text with structure. No pictures, which would be fetched from elsewhere, and no names or styles.
static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = Builder::default();
    cleaner
        .rm_tags([
            "img",
            "map",
            "area",
            "article",
            "aside",
            "header",
            "footer",
            "nav",
            "hgroup",
            "figure",
            "figcaption",
        ])
        .url_schemes(["http", "https", "mailto"].into())
        .link_rel(Some("noopener noreferrer nofollow"));
    cleaner
});

/// The same with pictures, of the portal's own.
static PAGE_CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = Builder::default();
    cleaner
        .rm_tags(["map", "area", "header", "footer", "nav"])
        .url_schemes(["http", "https", "mailto"].into())
        .link_rel(Some("noopener noreferrer"))
        .attribute_filter(|element, attribute, value| match (element, attribute) {
            ("img", "src") => own_picture(value).map(Cow::Borrowed),
            _ => Some(Cow::Borrowed(value)),
        });
    cleaner
});

fn own_picture(source: &str) -> Option<&str> {
    let is_own = source.starts_with(PICTURES) && !source.split('/').any(|part| part == "..");
    is_own.then_some(source)
}

/// Where pictures of pages are.
const PICTURES: &str = "/docs/files/";

/// A page of the portal's operator.
#[derive(Debug)]
pub(crate) struct Prose {
    /// Its first heading, if it begins with one; that is not in the HTML.
    pub(crate) title: Option<String>,
    pub(crate) html: Html,
    /// Its words.
    pub(crate) text: String,
}

/// A page as HTML. `lead` says where a link of it leads; none where it stays as it is.
pub(crate) fn page(markdown: &str, lead: &mut dyn FnMut(&str) -> Option<String>) -> Prose {
    let (arena, options) = (Arena::new(), options());
    let root = parse_document(&arena, markdown, &options);
    let first = root.first_child();
    let first =
        first.filter(|node| matches!(&node.data.borrow().value, NodeValue::Heading(heading) if heading.level == 1));
    let title = first.map(|heading| {
        heading.detach();
        words(heading)
    });
    for node in root.descendants() {
        match &mut node.data.borrow_mut().value {
            NodeValue::Heading(heading) => heading.level = heading.level.max(2),
            NodeValue::Link(link) | NodeValue::Image(link) => {
                if let Some(to) = lead(&link.url) {
                    link.url = to;
                }
            }
            _ => {}
        }
    }
    let text = words(root);
    Prose {
        title: title.filter(|title| !title.is_empty()),
        html: rendered(root, &options, &PAGE_CLEANER, markdown),
        text,
    }
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
        Err(_) => Html(ammonia::clean_text(markdown)),
    }
}

/// A description as HTML.
pub(crate) fn html(markdown: &str) -> Html {
    let options = options();
    let arena = Arena::new();
    let root = parse_document(&arena, markdown, &options);
    for node in root.descendants() {
        if let NodeValue::Heading(heading) = &mut node.data.borrow_mut().value {
            heading.level = (heading.level + ABOVE).min(6);
        }
    }
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
        )
        .to_string();
        assert!(
            html.contains("<h3>Carts</h3>") && html.contains("<em>cart</em>") && html.contains("<td>1</td>"),
            "{html}"
        );
        assert!(html.contains(r#"rel="noopener noreferrer nofollow""#), "{html}");
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
            let html = html(attack).to_string().to_lowercase();
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

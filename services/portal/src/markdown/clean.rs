//! What may stay of HTML that strangers or operators wrote.

use std::borrow::Cow;
use std::sync::LazyLock;

use ammonia::Builder;

/// What may stay: text with structure. No heading of a page, and no pictures, which would be fetched from elsewhere, and no names or styles.
pub(super) static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = Builder::default();
    cleaner
        .rm_tags([
            "h1",
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
        .link_rel(Some("noopener noreferrer nofollow"))
        .attribute_filter(|element, attribute, value| boxes(element, attribute, value).map(Cow::Borrowed));
    with_boxes(&mut cleaner);
    cleaner
});

/// The same with pictures, of the portal's own.
pub(super) static PAGE_CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = Builder::default();
    cleaner
        .rm_tags(["h1", "map", "area", "header", "footer", "nav"])
        .url_schemes(["http", "https", "mailto"].into())
        .link_rel(Some("noopener noreferrer"))
        .attribute_filter(|element, attribute, value| match (element, attribute) {
            ("img", "src") => own_picture(value).map(Cow::Borrowed),
            _ => boxes(element, attribute, value).map(Cow::Borrowed),
        });
    with_boxes(&mut cleaner);
    cleaner
});

/// Lets boxes stay in which what is wide is scrolled, by the keyboard as well.
fn with_boxes(cleaner: &mut Builder<'static>) {
    cleaner
        .add_allowed_classes("div", ["scroll"])
        .add_tag_attributes("div", ["role", "tabindex", "aria-label"])
        .set_tag_attribute_value("pre", "tabindex", "0");
}

fn boxes<'v>(element: &str, attribute: &str, value: &'v str) -> Option<&'v str> {
    let is_kept = match (element, attribute) {
        ("div", "role") => value == "region",
        ("div", "tabindex") => value == "0",
        _ => true,
    };
    is_kept.then_some(value)
}

fn own_picture(source: &str) -> Option<&str> {
    let is_own = source.starts_with(PICTURES) && !source.split('/').any(|part| part == "..");
    is_own.then_some(source)
}

/// Where pictures of pages are.
const PICTURES: &str = "/docs/files/";

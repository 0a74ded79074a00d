//! The parts of one of our pages. They are written by templates and by a sanitiser, so there is nothing to mend in them.

/// A part of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// `<name …>`, with what is between the name and the end.
    Open(&'a str, &'a str),
    Close(&'a str),
    Text(&'a str),
}

/// The parts, in order.
pub(super) fn tokens(mut page: &str) -> impl Iterator<Item = Token<'_>> {
    std::iter::from_fn(move || {
        let (token, rest) = next(page)?;
        page = rest;
        Some(token)
    })
}

fn next(page: &str) -> Option<(Token<'_>, &str)> {
    let Some(tag) = page.strip_prefix('<') else {
        let end = page.find('<').unwrap_or(page.len());
        return (end > 0).then(|| (Token::Text(&page[..end]), &page[end..]));
    };
    let end = end_of_tag(tag);
    let (tag, rest) = (&tag[..end], tag.get(end + 1..).unwrap_or_default());
    if let Some(name) = tag.strip_prefix('/') {
        return Some((Token::Close(name.trim()), rest));
    }
    let tag = tag.trim_end_matches('/');
    let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
    Some((Token::Open(name, attributes), rest))
}

/// The end of a tag: a `>` that is in no value.
fn end_of_tag(tag: &str) -> usize {
    let mut quoted = false;
    let end = tag.bytes().position(|byte| {
        quoted ^= byte == b'"';
        byte == b'>' && !quoted
    });
    end.unwrap_or(tag.len())
}

/// The value of an attribute, as it is written.
pub(super) fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let start = attributes.find(&format!("{name}=\""))? + name.len() + 2;
    attributes[start..].split('"').next()
}

/// A text without references to characters.
pub(super) fn decode(text: &str) -> String {
    let mut parts = text.split('&');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(';').and_then(|(name, rest)| Some((character(name)?, rest))) {
            Some((character, rest)) => {
                decoded.push(character);
                decoded.push_str(rest);
            }
            None => {
                decoded.push('&');
                decoded.push_str(part);
            }
        }
    }
    decoded
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_hold_what_ends_a_tag() {
        let all: Vec<_> = tokens("<a href=\"x>y\" b>t</a ><br/>").collect();
        let expected = [Token::Open("a", "href=\"x>y\" b"), Token::Text("t"), Token::Close("a"), Token::Open("br", "")];
        assert_eq!(all, expected);
        assert_eq!(attribute("href=\"x>y\" b", "href"), Some("x>y"));
        assert_eq!(tokens("<a").count(), 1);
    }

    #[test]
    fn references_are_characters_and_all_else_is_text() {
        assert_eq!(decode("&lt;a&#39;&#x3C;&amp;lt; & b; &nothing;"), "<a'<&lt; & b; &nothing;");
    }
}

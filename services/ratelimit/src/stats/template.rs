//! Text with places for what a pattern found.

use regex::Captures;

/// `text` with `$1` and `${1}` replaced by what the groups found, and by nothing where they found nothing or there are
/// none. `$0` is all that was found.
pub(super) fn expand(text: &str, found: &Captures<'_>) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match group(rest) {
            Some((group, length)) => {
                expanded.push_str(found.get(group).map_or("", |group| group.as_str()));
                rest = &rest[length..];
            }
            None => expanded.push('$'),
        }
    }
    expanded.push_str(rest);
    expanded
}

/// The number of a group at the front, and how long it is.
fn group(text: &str) -> Option<(usize, usize)> {
    let braced = text.strip_prefix('{');
    let digits = braced.unwrap_or(text);
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    let number = digits[..length].parse().ok()?;
    match braced {
        None => Some((number, length)),
        Some(_) => digits[length..].starts_with('}').then_some((number, length + 2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_put_in() {
        let pattern = regex::Regex::new("(a)(x)?(b+)").unwrap();
        let found = pattern.captures("-abb-").unwrap();
        assert_eq!(expand("$1.${3}0.$2.$0.$9 $ ${1 $", &found), "a.bb0..abb. $ ${1 $");
    }
}

//! Plain scalars: text, numbers, and words that are values.

/// What a scalar is taken for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::config) enum Kind {
    Null,
    Bool(bool),
    Int(i64),
    /// Above what a signed integer holds.
    Large(u64),
    Float(f64),
    /// `<<`: as a key it stands for the keys of its value.
    Merge,
    Text,
}

/// What a plain scalar is (yaml.v2, `resolve.go`).
pub(super) fn resolve(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Kind::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Kind::Bool(false);
        }
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Kind::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Kind::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Kind::Float(f64::NAN),
        "<<" => return Kind::Merge,
        _ => {}
    }
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return Kind::Text;
    }
    number(&text.replace('_', "")).unwrap_or(Kind::Text)
}

fn number(plain: &str) -> Option<Kind> {
    let (negative, digits) = match plain.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, plain.strip_prefix('+').unwrap_or(plain)),
    };
    if let Some(magnitude) = magnitude(digits) {
        return match (negative, i64::try_from(magnitude)) {
            (false, Ok(number)) => Some(Kind::Int(number)),
            (false, Err(_)) => Some(Kind::Large(magnitude)),
            (true, _) => 0_i64.checked_sub_unsigned(magnitude).map(Kind::Int),
        };
    }
    let looks_like_float = digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
        && digits.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && digits.bytes().any(|byte| byte.is_ascii_digit());
    if looks_like_float { plain.parse().ok().map(Kind::Float) } else { None }
}

/// An integer in the bases that Go's `ParseInt(…, 0, …)` takes.
fn magnitude(digits: &str) -> Option<u64> {
    let (base, rest) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if !rest.starts_with(|first: char| first.is_ascii_hexdigit()) {
        return None;
    }
    u64::from_str_radix(rest, base).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_what_yaml_1_1_says() {
        for (text, kind) in [
            ("yes", Kind::Bool(true)),
            ("off", Kind::Bool(false)),
            ("~", Kind::Null),
            ("0x10", Kind::Int(16)),
            ("010", Kind::Int(8)),
            ("1_000", Kind::Int(1000)),
            ("-3", Kind::Int(-3)),
            ("1.5", Kind::Float(1.5)),
            ("1e3", Kind::Float(1000.0)),
            ("10.0.0.1", Kind::Text),
            ("1.2.3", Kind::Text),
            ("18446744073709551615", Kind::Large(u64::MAX)),
            ("99999999999999999999", Kind::Float(99_999_999_999_999_999_999.0)),
            ("08", Kind::Float(8.0)),
            ("a", Kind::Text),
        ] {
            assert_eq!(resolve(text), kind, "{text}");
        }
    }
}

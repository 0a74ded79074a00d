//! RE2's classes of characters.

use super::regex::character;

/// Names that may stand in `[:name:]`.
const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

/// Unicode's general categories.
const CATEGORIES: [&str; 37] = [
    "C", "Cc", "Cf", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl", "No", "P",
    "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs", "Any",
];

/// Reads a class behind its `[`; gives what follows its `]`.
pub(super) fn class(text: &str) -> Result<&str, String> {
    let open = || "a [ without its ]".to_owned();
    let mut rest = text.strip_prefix('^').unwrap_or(text);
    let mut first = true;
    loop {
        let c = rest.chars().next().ok_or_else(open)?;
        if c == ']' && !first {
            return Ok(&rest[1..]);
        }
        first = false;
        if let Some(posix) = rest.strip_prefix("[:")
            && let Some((name, after)) = posix.split_once(":]")
        {
            let name = name.strip_prefix('^').unwrap_or(name);
            if !POSIX.contains(&name) {
                return Err(format!("there is no class [:{}:]", crate::text::shorten(name)));
            }
            rest = after;
            continue;
        }
        let (low, after) = member(rest)?;
        rest = after;
        // A dash before the closing bracket is itself.
        if let Some(range) = rest.strip_prefix('-').filter(|range| !range.starts_with(']'))
            && let Some(low) = low
        {
            if range.is_empty() {
                return Err(open());
            }
            let (high, after) = member(range)?;
            match high {
                Some(high) if low <= high => rest = after,
                _ => return Err("a range in a class runs from the smaller character to the larger".to_owned()),
            }
        }
    }
}

/// Reads one member of a class; its character, if it is a single one.
fn member(text: &str) -> Result<(Option<char>, &str), String> {
    let mut characters = text.chars();
    match characters.next() {
        Some('\\') => {
            let escaped = characters.as_str();
            let rest = character(escaped)?;
            let written = &escaped[..escaped.len() - rest.len()];
            Ok((value(written), rest))
        }
        Some(c) => Ok((Some(c), characters.as_str())),
        None => Err("a [ without its ]".to_owned()),
    }
}

/// The character that an escape stands for; `None` if it stands for several.
fn value(written: &str) -> Option<char> {
    let first = written.chars().next()?;
    match first {
        'd' | 'D' | 's' | 'S' | 'w' | 'W' | 'p' | 'P' => None,
        'a' => Some('\x07'),
        'f' => Some('\x0c'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'v' => Some('\x0b'),
        'x' => {
            let digits = written[1..].trim_matches(['{', '}']);
            u32::from_str_radix(digits, 16).ok().map(|n| char::from_u32(n).unwrap_or(char::REPLACEMENT_CHARACTER))
        }
        '0'..='7' => u32::from_str_radix(written, 8).ok().and_then(char::from_u32),
        c => Some(c),
    }
}

/// Reads a Unicode property behind `\p`; gives what follows it.
pub(super) fn is_property(text: &str) -> Result<&str, String> {
    let unknown = |name: &str| format!("there is no Unicode class \\p{{{}}}", crate::text::shorten(name));
    let (name, rest) = match text.strip_prefix('{') {
        Some(braces) => braces.split_once('}').ok_or("a \\p{ without its }")?,
        None => text.split_at(text.chars().next().ok_or("\\p needs a class")?.len_utf8()),
    };
    let name = name.strip_prefix('^').unwrap_or(name);
    if CATEGORIES.contains(&name) || is_script(name) { Ok(rest) } else { Err(unknown(name)) }
}

/// Scripts are written as Unicode has them, `Old_Italic`.
fn is_script(name: &str) -> bool {
    let spelled = name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.len() > 2
        && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
    spelled && regex_syntax::parse(&format!("\\p{{Script={name}}}")).is_ok()
}

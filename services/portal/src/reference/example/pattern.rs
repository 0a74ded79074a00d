//! Texts that an expression matches.

use std::ops::RangeInclusive;

use regex_syntax::hir::{Class, Hir, HirKind};

/// The longest text.
const LONGEST: usize = 1_000;
/// How many parts of an expression are written for one text: what is repeated may be empty, and then no text ends it.
const MAX_STEPS: usize = 10_000;
/// How often what may be repeated is, in the order in which it is tried: once reads best.
const TIMES: [u32; 12] = [1, 0, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64];
/// What reads best of a class of characters.
const LIKED: [RangeInclusive<char>; 4] = ['a'..='z', 'A'..='Z', '1'..='9', '0'..='0'];

/// Texts that an expression may match; what stands around a place, as `\b`, is not looked at. `salt` makes others of them.
pub(super) fn texts(pattern: &str, salt: usize) -> Vec<String> {
    let Ok(hir) = regex_syntax::parse(pattern) else { return Vec::new() };
    let write = |times| {
        let mut writer = Writer { times, salt, steps: 0, text: String::new() };
        writer.write(&hir)?;
        Some(writer.text)
    };
    let mut texts: Vec<_> = TIMES.into_iter().filter_map(write).collect();
    texts.dedup();
    texts
}

struct Writer {
    times: u32,
    salt: usize,
    steps: usize,
    text: String,
}

impl Writer {
    /// Writes what matches; nothing where no text does, or one that would be too long.
    fn write(&mut self, hir: &Hir) -> Option<()> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return None;
        }
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => self.text.push_str(std::str::from_utf8(&literal.0).ok()?),
            HirKind::Class(class) => self.text.push(letter(class, self.salt)?),
            HirKind::Repetition(repeated) => {
                let times = self.times.max(repeated.min).min(repeated.max.unwrap_or(u32::MAX));
                for _ in 0..times {
                    self.write(&repeated.sub)?;
                }
            }
            HirKind::Capture(capture) => self.write(&capture.sub)?,
            HirKind::Concat(parts) => parts.iter().try_for_each(|part| self.write(part))?,
            HirKind::Alternation(parts) => self.write(parts.get(self.salt % parts.len())?)?,
        }
        (self.text.len() <= LONGEST).then_some(())
    }
}

/// A character of a class, another one for another `salt`.
fn letter(class: &Class, salt: usize) -> Option<char> {
    let ranges: Vec<RangeInclusive<char>> = match class {
        Class::Unicode(class) => class.ranges().iter().map(|range| range.start()..=range.end()).collect(),
        Class::Bytes(class) => class.ranges().iter().map(|range| range.start().into()..=range.end().into()).collect(),
    };
    let is_in = |letter: &char| ranges.iter().any(|range| range.contains(letter));
    let of = |wanted: RangeInclusive<char>| {
        let all: Vec<_> = wanted.filter(is_in).collect();
        all.get(salt.checked_rem(all.len())?).copied()
    };
    let printed = || ranges.iter().cloned().flatten().find(|letter| !letter.is_control());
    LIKED.into_iter().find_map(of).or_else(|| (' '..='~').find(is_in)).or_else(printed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_matched_and_read_well() {
        for (pattern, expected) in [
            ("^[a-z]{3}-\\d{2}$", "aaa-11"),
            ("^[A-Z][a-z]*$", "Aa"),
            ("^(red|green)$", "red"),
            ("^\\+?[0-9 ]+$", "+1"),
            ("^[^a-z]$", "A"),
            ("^[\\x00-\\x1f!]$", "!"),
            ("^sku_[0-9a-f]{8}$", "sku_aaaaaaaa"),
            ("", ""),
        ] {
            let texts = texts(pattern, 0);
            assert_eq!(texts.first().map(String::as_str), Some(expected), "{pattern}");
            assert!(
                texts.iter().all(|text| regex::Regex::new(pattern).unwrap().is_match(text)),
                "{pattern}: {texts:?}"
            );
        }
        assert_eq!(texts("^[a-z]$", 1), ["b"]);
        assert_eq!(texts("^(red|green)$", 1), ["green"]);
    }

    #[test]
    fn bombs_and_what_cannot_be_read_have_no_text() {
        let empty = ["(a?){4294967295}", "((a?){4294967295}){4294967295}", "(a{0,1}b{0,1}){4000000000}"];
        let written = empty.iter().flat_map(|pattern| texts(pattern, 0));
        assert!(written.into_iter().all(|text| text.len() <= LONGEST));
        for pattern in ["(a{100}){100}", "((a{1000}){1000}){1000}", "(?!a)", "[", "(?-u)\\xff"] {
            assert_eq!(texts(pattern, 0), [""; 0], "{pattern}");
        }
    }
}

//! RE2's regular expressions, as Envoy compiles them.
//!
//! RE2 is neither Perl nor Rust's `regex`: it takes `/api/{id}` for what it looks like, and knows no look-around. What is
//! taken here was compared with Envoy 1.40; see the tests.

use super::regex_class::{class, is_property};
use crate::parse::Issues;
use crate::text::shorten;
use crate::yaml::Path;

/// Most repetitions, of a part and of its parts multiplied.
const REPETITIONS: u64 = 1000;
/// How deep groups may be nested.
const DEPTH: usize = 200;

/// Checks an expression; gives the number of its groups if it is one.
pub(super) fn pattern(pattern: &str, path: &Path<'_>, issues: &mut Issues<'_>) -> Option<usize> {
    match check(pattern) {
        Ok(groups) => Some(groups),
        Err(message) => {
            let message = format!("\"{}\" is no RE2 expression: {message}", shorten(pattern));
            issues.error(path, "InvalidRegex", message);
            None
        }
    }
}

/// Checks what a match is replaced by: `\0` to `\9` stand for groups of the expression, `\\` for a backslash.
pub(super) fn substitution(text: &str, groups: usize, path: &Path<'_>, issues: &mut Issues<'_>) {
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            continue;
        }
        let message = match characters.next() {
            Some('\\') => continue,
            Some(digit) => match digit.to_digit(10) {
                Some(group) if group as usize <= groups => continue,
                Some(group) => format!("\\{group} refers to group {group}, and the pattern has {groups}"),
                None => format!("\\{digit} means nothing here: write \\\\ for a backslash"),
            },
            None => "ends in a lone backslash: write \\\\ for one".to_owned(),
        };
        return issues.error(path, "InvalidRegex", message);
    }
}

/// Checks an expression; gives the number of its groups.
pub(super) fn check(pattern: &str) -> Result<usize, String> {
    let mut parser = Parser { rest: pattern, groups: 0, depth: 0 };
    parser.alternatives()?;
    match parser.rest.chars().next() {
        None => Ok(parser.groups),
        Some(_) => Err("a ) without its (".to_owned()),
    }
}

struct Parser<'a> {
    rest: &'a str,
    groups: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// Everything up to the end or a `)`; gives the most repetitions in it, multiplied.
    fn alternatives(&mut self) -> Result<u64, String> {
        let mut repetitions = 1;
        // Whether there is something that could be repeated.
        let mut operand = None;
        while let Some(c) = self.rest.chars().next() {
            match c {
                ')' => break,
                '|' => {
                    self.rest = &self.rest[1..];
                    operand = None;
                }
                '*' | '+' | '?' => self.repetition(operand.take(), &self.rest[1..])?,
                '{' => match counted(self.rest) {
                    Some((min, max, rest)) => {
                        if min > REPETITIONS || max.is_some_and(|max| max > REPETITIONS || max < min) {
                            return Err(format!("repetitions are at most {REPETITIONS}, the smaller number first"));
                        }
                        let times = max.unwrap_or(min).max(1);
                        let inner = operand.unwrap_or(1);
                        self.repetition(operand.take(), rest)?;
                        repetitions = repetitions.max(inner * times);
                    }
                    None => {
                        self.rest = &self.rest[1..];
                        operand = Some(1);
                    }
                },
                _ => {
                    // Flags, `(?i)`, are nothing of their own.
                    operand = self.atom()?.or(operand);
                    repetitions = repetitions.max(operand.unwrap_or(1));
                }
            }
            if repetitions > REPETITIONS {
                return Err(format!("repetitions within repetitions come to more than {REPETITIONS}"));
            }
        }
        Ok(repetitions)
    }

    /// A repetition of `operand`, and what follows it.
    fn repetition(&mut self, operand: Option<u64>, rest: &'a str) -> Result<(), String> {
        let written = &self.rest[..self.rest.len() - rest.len()];
        if operand.is_none() {
            return Err(format!("there is nothing that {written} could repeat"));
        }
        let rest = rest.strip_prefix('?').unwrap_or(rest);
        let again = rest.starts_with(['*', '+', '?']) || counted(rest).is_some();
        if again {
            return Err(format!("{written} is itself repeated: put it in a group"));
        }
        self.rest = rest;
        Ok(())
    }

    /// One thing; gives the repetitions in it if it can be repeated.
    fn atom(&mut self) -> Result<Option<u64>, String> {
        let mut characters = self.rest.chars();
        match characters.next() {
            Some('(') => self.group(),
            Some('[') => {
                self.rest = class(characters.as_str())?;
                Ok(Some(1))
            }
            Some('\\') => {
                self.rest = escape(characters.as_str())?;
                Ok(Some(1))
            }
            _ => {
                self.rest = characters.as_str();
                Ok(Some(1))
            }
        }
    }

    fn group(&mut self) -> Result<Option<u64>, String> {
        let inside = &self.rest[1..];
        match inside.strip_prefix('?') {
            None => {
                self.groups += 1;
                self.rest = inside;
            }
            Some(special) => {
                if let Some(rest) = flags(special) {
                    self.rest = rest;
                    if !self.rest_opened(special) {
                        return Ok(None);
                    }
                } else {
                    self.rest = named(special)?;
                    self.groups += 1;
                }
            }
        }
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(format!("groups are nested more than {DEPTH} deep"));
        }
        let repetitions = self.alternatives()?;
        self.depth -= 1;
        self.rest = self.rest.strip_prefix(')').ok_or("a ( without its )")?;
        Ok(Some(repetitions))
    }

    /// Whether flags have been read that open a group, `(?i:`, instead of standing alone, `(?i)`.
    fn rest_opened(&self, special: &str) -> bool {
        special[..special.len() - self.rest.len()].ends_with(':')
    }
}

/// Reads flags behind `(?`, up to and with the `:` or `)` that ends them.
fn flags(text: &str) -> Option<&str> {
    let end = text.find([':', ')'])?;
    let (flags, rest) = text.split_at(end);
    let (on, off) = flags.split_once('-').map_or((flags, None), |(on, off)| (on, Some(off)));
    let known = |flags: &str| flags.bytes().all(|b| matches!(b, b'i' | b'm' | b's' | b'U'));
    let complete = off.is_none_or(|off| !off.is_empty()) && (!flags.is_empty() || rest.starts_with(':'));
    (known(on) && off.is_none_or(known) && complete).then(|| &rest[1..])
}

/// Reads the name of a group behind `(?`: `P<name>` or `<name>`.
fn named(text: &str) -> Result<&str, String> {
    let refused = |what: &str| Err(format!("RE2 has no {what}"));
    match text {
        _ if text.starts_with('=') || text.starts_with('!') => return refused("look-ahead, (?= and (?!"),
        _ if text.starts_with("<=") || text.starts_with("<!") => return refused("look-behind, (?<= and (?<!"),
        _ if text.starts_with("P=") => return refused("references to groups, (?P="),
        _ if text.starts_with('>') => return refused("atomic groups, (?>"),
        _ => {}
    }
    let Some(name) = text.strip_prefix("P<").or_else(|| text.strip_prefix('<')) else {
        return Err(format!("(?{} means nothing in RE2", shorten(&text.chars().take(1).collect::<String>())));
    };
    match name.split_once('>') {
        Some((name, rest)) if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => {
            Ok(rest)
        }
        _ => Err("a group's name consists of letters, digits and underscores".to_owned()),
    }
}

/// Reads `{2}`, `{2,}` or `{2,5}`; anything else in braces is text.
fn counted(text: &str) -> Option<(u64, Option<u64>, &str)> {
    let (inside, rest) = text.strip_prefix('{')?.split_once('}')?;
    let number = |digits: &str| match digits.bytes().all(|b| b.is_ascii_digit()) && !digits.is_empty() {
        true => Some(digits.parse().unwrap_or(u64::MAX)),
        false => None,
    };
    match inside.split_once(',') {
        None => number(inside).map(|n| (n, Some(n), rest)),
        Some((min, "")) => number(min).map(|min| (min, None, rest)),
        Some((min, max)) => Some((number(min)?, Some(number(max)?), rest)),
    }
}

/// Reads what follows a backslash outside of a class.
fn escape(text: &str) -> Result<&str, String> {
    let mut characters = text.chars();
    let Some(c) = characters.next() else { return Err("it ends in a lone backslash".to_owned()) };
    match c {
        'b' | 'B' | 'A' | 'z' | 'C' => Ok(characters.as_str()),
        'Q' => Ok(text.find("\\E").map_or("", |end| &text[end + 2..])),
        'Z' => Err("RE2 has no \\Z: use \\z".to_owned()),
        _ => character(text),
    }
}

/// Reads what follows a backslash anywhere: a character, or a class of them.
pub(super) fn character(text: &str) -> Result<&str, String> {
    let mut characters = text.chars();
    let Some(c) = characters.next() else { return Err("it ends in a lone backslash".to_owned()) };
    let rest = characters.as_str();
    match c {
        'd' | 'D' | 's' | 'S' | 'w' | 'W' | 'a' | 'f' | 'n' | 'r' | 't' | 'v' => Ok(rest),
        'p' | 'P' => is_property(rest),
        'x' => hexadecimal(rest),
        '0' => Ok(rest.trim_start_matches_max(|c| ('0'..='7').contains(&c), 2)),
        '1'..='7' if rest.starts_with(|c| ('0'..='7').contains(&c)) => {
            Ok(rest.trim_start_matches_max(|c| ('0'..='7').contains(&c), 2))
        }
        '1'..='9' => Err(format!("RE2 has no references to groups, \\{c}")),
        _ if c.is_ascii() && !c.is_ascii_alphanumeric() => Ok(rest),
        _ => Err(format!("\\{} means nothing in RE2", c.escape_debug())),
    }
}

/// `x41` and `x{1F600}`.
fn hexadecimal(text: &str) -> Result<&str, String> {
    let wrong = || "\\x needs two hexadecimal digits, or a character's number in braces".to_owned();
    let (digits, rest) = match text.strip_prefix('{') {
        Some(braces) => braces.split_once('}').ok_or_else(wrong)?,
        None => text.split_at_checked(2).ok_or_else(wrong)?,
    };
    let number = u32::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'));
    number.filter(|number| *number <= 0x10_FFFF).map(|_| rest).ok_or_else(wrong)
}

trait TrimMax {
    /// Trims at most `max` characters from the start.
    fn trim_start_matches_max(&self, matches: impl Fn(char) -> bool, max: usize) -> &str;
}

impl TrimMax for str {
    fn trim_start_matches_max(&self, matches: impl Fn(char) -> bool, max: usize) -> &str {
        let length = self.chars().take(max).take_while(|c| matches(*c)).map(char::len_utf8).sum();
        &self[length..]
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    /// Each row as Envoy 1.40 decides it in `--mode validate`; with the number of groups where it takes the expression.
    #[test]
    fn expressions_are_taken_and_refused_as_by_envoy() {
        #[rustfmt::skip]
        let good = [
            r"a", r"a{", r"a{1", r"a{,2}", r"a{1000}", r"/api/{id}", r"a*?", r"(?:a)", r"(?P<n>a)", r"(?<n>a)",
            r"(?P<n>a)(?P<n>b)", r"(?i)a", r"(?i:a)", r"(?s-i:a)", r"(?U)a", r"|", r"a||b", r"^*", r"$*",
            r"(?:)*", r"[a-z]", r"[]a]", r"[^]a]", r"[a-]", r"[-a]", r"[[:alpha:]]", r"[[:^alpha:]]", r"[a[b]c]",
            r"[a&&b]", r"[\d-z]", r"\d\D\s\S\w\W", r"\b\B\A\z", r"\C", r"\Qa*b\E", r"\Qabc", r"\0", r"\01",
            r"\123", r"\x41", r"\x{41}", r"\pL", r"\p{L}", r"\p{Greek}", r"\p{^Greek}", r"\PL", r"\-", r"\/",
            r"\_", r"\<", r"\ ", r"\a\f\n\r\t\v", r"é+", r"\p{Any}", r"\p{Lu}", r"(a{100}){10}", r"(((a)))",
            r"^^", r"(|a)*", r"(?i)(?s)a", r"(?P<1a>x)", r"(?ii)a", r"]", r"}", r"a]b}", r"[\pL]", "a\0b",
            r"x{2,3}?", r"[[.a.]]", r"[[=a=]]", r"[a-z&&[^b]]",
        ];
        for pattern in good {
            assert!(check(pattern).is_ok(), "{pattern}: {:?}", check(pattern));
        }
        #[rustfmt::skip]
        let bad = [
            r"a{2,1}", r"a{1001}", r"a{1,1001}", r"a**", r"a*??", r"a+*", r"(a", r"a)", r"(?P=n)", r"(?=a)",
            r"(?!a)", r"(?<=a)", r"(?<!a)", r"(?>a)", r"(?x)a", r"(?-)a", r"(?i", r"(?", r"(?:", r"*a", r"+",
            r"?", r"[z-a]", r"[a", r"[]", r"[[:foo:]]", r"[a-\d]", r"\Z", r"\E", r"\1", r"\8", r"\x{110000}", r"\x4",
            r"\xZZ", r"\u0041", r"\p{Nonsense}", r"\pX", r"\é", r"\y", r"\h", r"\e", r"a\", r"(a{1000}){1000}",
            r"a{1}{2}", r"a{1}*", r"a|*", r"(*)", r"(?P<>x)", r"(?P<a-b>x)", r"(?i-)a", r"(?i--s)a",
            r"\p{Latin}\p{sc=Greek}", r"\p{Script=Greek}", r"[\b]", r"[\Q]", r"\X", r"\N", r"\R", r"\K", r"\G",
            r"(?#c)a", r"x{2}{3}", r"(?P<n>", r"[[:alpha:]", r"\w{1,50}{1,50}",
        ];
        for pattern in bad {
            assert!(check(pattern).is_err(), "{pattern}");
        }
        for (pattern, groups) in [("a", 0), ("(a)(?:b)(?P<n>c(d))", 3), (r"\((a)", 1), ("[(](?i:x)(?<y>z)", 1)] {
            assert_eq!(check(pattern), Ok(groups), "{pattern}");
        }
    }
}

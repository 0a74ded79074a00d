//! Texts that look like YAML, and sometimes are.

use arbitrary::{Result, Unstructured};

use crate::World;
use crate::values::chance;

const PIECES: &[&str] = &[
    "apiVersion: getambassador.io/v3alpha1\n",
    "kind: Mapping\n",
    "kind: Host\n",
    "kind: Secret\n",
    "kind: List\n",
    "metadata: {name: a}\n",
    "metadata:\n",
    "  name: a\n",
    "spec:\n",
    "  prefix: /a/\n",
    "  service: b\n",
    "spec: {prefix: /a, service: b}\n",
    "  annotations:\n    getambassador.io/config: |\n      ---\n      kind: Mapping\n",
    "items:\n",
    "- ",
    "  - ",
    "? ",
    ": ",
    ":",
    "key",
    "key: ",
    "---\n",
    "--- ",
    "...\n",
    "\n",
    "  ",
    "\t",
    "\r\n",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "\0",
    "é",
    "\u{1f600}",
    "{",
    "}",
    "[",
    "]",
    ",",
    "&a ",
    "*a",
    "&b ",
    "*b ",
    "<<: ",
    "!!str ",
    "!!binary ",
    "!x ",
    "!<tag:x> ",
    "%YAML 1.1\n",
    "%TAG ! x\n",
    "|\n",
    ">-\n",
    "|2+\n",
    "\"",
    "'",
    "\\",
    "\\x",
    "\\u12",
    "#",
    " # c\n",
    "~",
    "null",
    "yes",
    "0x1F",
    "1e999",
    ".nan",
    "-.inf",
    "0b1",
    "1_000",
    "190:20:30",
    "2001-01-01",
    "@",
    "`",
    "&",
    "*",
    "$A",
    "${A}",
    "${",
    "a: &a [*a]\n",
    "x: &x {<<: *x}\n",
];

/// A text of a few kilobytes: raw bytes, pieces of YAML, or manifests with faults.
///
/// # Errors
/// Never in practice: where bytes run out, choices take the first.
pub fn text(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    match u.int_in_range(0..=3)? {
        0 => Ok(u.bytes(u.len())?.to_vec()),
        1 => pieces(u, PIECES),
        2 => deep(u),
        _ => {
            let text = World::arbitrary(u, &[8080])?.yaml().into_bytes();
            let text = broken(u, text, PIECES)?;
            if chance(u, 1, 3)? { Ok(text[..u.choose_index(text.len() + 1)?].to_vec()) } else { Ok(text) }
        }
    }
}

/// A text of these, as long as there are bytes.
///
/// # Errors
/// Where there are none of them.
pub fn pieces(u: &mut Unstructured<'_>, of: &[&str]) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    while !u.is_empty() && text.len() < 16_384 {
        text.extend_from_slice(u.choose(of)?.as_bytes());
    }
    Ok(text)
}

/// One piece over and over: nesting, aliases of aliases, documents without end.
fn deep(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let opening = *u.choose(&["[", "{a: ", "- ", "? ", "&a [", "a:\n ", "---\n", "!!str ", "'", "|\n ", "{{", "[{"])?;
    let mut text = opening.repeat(u.int_in_range(1..=8_000)?).into_bytes();
    let levels = u.int_in_range(0..=12)?;
    for level in 0..levels {
        let alias = format!("*l{level},").repeat(10);
        let line = if level == 0 {
            "l0: &l0 [x]\n".to_owned()
        } else {
            format!("l{level}: &l{level} [{}]\n", alias.replace(&format!("*l{level}"), &format!("*l{}", level - 1)))
        };
        text.extend_from_slice(line.as_bytes());
    }
    Ok(text)
}

/// A text in which bytes were changed, taken out, or doubled, and some of these put in. Not always.
///
/// # Errors
/// Where there are none of them.
pub fn broken(u: &mut Unstructured<'_>, mut text: Vec<u8>, of: &[&str]) -> Result<Vec<u8>> {
    for _ in 0..u.int_in_range(0..=8)? {
        if text.is_empty() {
            break;
        }
        let at = u.choose_index(text.len())?;
        let end = (at + u.int_in_range(1..=40)?).min(text.len());
        match u.int_in_range(0..=3)? {
            0 => text[at] = u.arbitrary()?,
            1 => drop(text.drain(at..end)),
            2 => drop(text.splice(at..at, text[at..end].to_vec())),
            _ => drop(text.splice(at..at, u.choose(of)?.bytes())),
        }
    }
    Ok(text)
}

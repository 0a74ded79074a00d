//! Colours: a few are said, the others follow, and none is taken that cannot be read.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Theme;
use super::settings::FILE;

/// The least contrast of text (WCAG 2.2, 1.4.3).
const CONTRAST: f64 = 4.5;
/// How much of the accent is behind what is chosen.
const TINT: f64 = 0.12;
const DARK: &str = "-dark";

/// Red, green and blue.
type Color = [u8; 3];

/// The colours of light or of dark pages. What is said by nobody is as in the style sheet.
struct Scheme {
    accent: Color,
    background: Color,
    text: Color,
    quiet: Color,
}

const LIGHT: Scheme = Scheme {
    accent: [0x2b, 0x4f, 0xd0],
    background: [0xff, 0xff, 0xff],
    text: [0x1b, 0x23, 0x30],
    quiet: [0x55, 0x60, 0x6f],
};
const NIGHT: Scheme = Scheme {
    accent: [0x8f, 0xab, 0xff],
    background: [0x11, 0x15, 0x1c],
    text: [0xe5, 0xe9, 0xf0],
    quiet: [0x9a, 0xa6, 0xb6],
};

/// The style sheet of the colours that are said, if any is.
pub(super) fn of(colors: &BTreeMap<String, String>, problems: &mut Vec<String>) -> Option<Theme> {
    let mut wrong = |why: String| problems.push(format!("{FILE}: colors: {why}"));
    let mut said: BTreeMap<&str, Color> = BTreeMap::new();
    for (name, value) in colors {
        let is_known = ["accent", "background", "text"].contains(&name.trim_end_matches(DARK));
        match color(value) {
            _ if !is_known => wrong(format!("{name}: expected accent, background or text, or one of them with {DARK}")),
            None => wrong(format!("{name}: expected a colour as #2b4fd0, found \"{value}\"")),
            Some(color) => drop(said.insert(name, color)),
        }
    }
    let light = scheme(&said, "", &LIGHT, &mut wrong);
    let dark = scheme(&said, DARK, &NIGHT, &mut wrong);
    if light.is_none() && dark.is_none() {
        return None;
    }
    let (light, dark) = (light.unwrap_or_default(), dark.unwrap_or_default());
    let css = format!(":root {{{light}}}\n@media (prefers-color-scheme: dark) {{ :root {{{dark}}} }}\n");
    let digest = xxhash_rust::xxh3::xxh3_64(css.as_bytes());
    Some(Theme { path: format!("/docs/theme/{digest:016x}.css"), css })
}

/// The variables of light or of dark pages, where something is said of them that can be read.
fn scheme(
    said: &BTreeMap<&str, Color>,
    suffix: &str,
    usual: &Scheme,
    wrong: &mut impl FnMut(String),
) -> Option<String> {
    let of = |name: &str, usual: Color| said.get(format!("{name}{suffix}").as_str()).copied().unwrap_or(usual);
    let scheme = Scheme {
        accent: of("accent", usual.accent),
        background: of("background", usual.background),
        text: of("text", usual.text),
        quiet: usual.quiet,
    };
    if said.keys().all(|name| name.ends_with(DARK) == suffix.is_empty()) {
        return None;
    }
    let tinted = mix(scheme.accent, scheme.background, TINT);
    for (what, color, behind) in [
        ("text", scheme.text, scheme.background),
        ("small text", scheme.quiet, scheme.background),
        ("accent", scheme.accent, scheme.background),
        ("accent", scheme.accent, tinted),
    ] {
        let found = contrast(color, behind);
        if found < CONTRAST {
            wrong(format!(
                "{what}{suffix} cannot be read: its contrast is {found:.1}, and has to be {CONTRAST} at least"
            ));
            return None;
        }
    }
    let mut css = String::new();
    for (name, color) in [
        ("accent", scheme.accent),
        ("accent-bg", tinted),
        ("bg", scheme.background),
        ("text", scheme.text),
        ("raised", mix(scheme.text, scheme.background, 0.04)),
        ("sunk", mix(scheme.text, scheme.background, 0.06)),
        ("line", mix(scheme.text, scheme.background, 0.16)),
        ("field", mix(scheme.text, scheme.background, 0.55)),
    ] {
        let [red, green, blue] = color;
        // Writing to a string does not fail.
        let _ = write!(css, " --{name}: #{red:02x}{green:02x}{blue:02x};");
    }
    Some(css + " ")
}

/// `#abc` or `#aabbcc`.
fn color(text: &str) -> Option<Color> {
    let digits = text.strip_prefix('#').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    let part = |at: usize, length: usize| u8::from_str_radix(&digits[at * length..(at + 1) * length], 16).ok();
    match digits.len() {
        3 => Some([part(0, 1)? * 17, part(1, 1)? * 17, part(2, 1)? * 17]),
        6 => Some([part(0, 2)?, part(1, 2)?, part(2, 2)?]),
        _ => None,
    }
}

/// So much of `one`, the rest of `other`.
fn mix(one: Color, other: Color, share: f64) -> Color {
    std::array::from_fn(|at| {
        let mixed = f64::from(one[at]) * share + f64::from(other[at]) * (1.0 - share);
        // From 0 to 255.
        mixed.round() as u8
    })
}

/// The contrast of two colours (WCAG 2.2, "contrast ratio").
fn contrast(one: Color, other: Color) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn luminance(color: Color) -> f64 {
    let [red, green, blue] = color.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

#[cfg(test)]
mod tests {
    use super::*;

    fn css(colors: &[(&str, &str)]) -> (String, Vec<String>) {
        let colors = colors.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut problems = Vec::new();
        (of(&colors, &mut problems).map(|theme| theme.css).unwrap_or_default(), problems)
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        assert!((contrast([0; 3], [255; 3]) - 21.0).abs() < 1e-9);
        assert!((contrast([0x77; 3], [255; 3]) - 4.48).abs() < 0.01);
    }

    #[test]
    fn what_is_not_said_follows() {
        let (css, problems) = css(&[("accent", "#0b6e4f"), ("accent-dark", "#7fd")]);
        assert!(problems.is_empty(), "{problems:?}");
        assert!(css.contains("--accent: #0b6e4f;") && css.contains("--accent: #77ffdd;"), "{css}");
        assert!(css.contains("--bg: #ffffff;") && css.contains("--bg: #11151c;"), "{css}");
        assert_eq!(super::of(&BTreeMap::new(), &mut Vec::new()), None);
    }

    #[test]
    fn nothing_is_taken_that_cannot_be_read() {
        let (text, problems) = css(&[("accent", "#ffd700")]);
        assert_eq!((text.as_str(), problems.len()), ("", 1), "{problems:?}");
        assert!(problems[0].contains("accent cannot be read: its contrast is 1.4"), "{problems:?}");
        for (name, value) in [("accent", "red"), ("accent", "#12345"), ("shadow", "#000"), ("text", "#1;}*{x:y")] {
            let (text, problems) = css(&[(name, value)]);
            assert_eq!((text.as_str(), problems.len()), ("", 1), "{name} {value} {problems:?}");
        }
    }
}

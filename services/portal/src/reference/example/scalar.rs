//! Texts and numbers: what they may be, and what they are in an example.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Number, Value, json};

use super::check::list;
use super::pattern;
use crate::document::text;

/// The longest text that an example is given only because it has to be that long.
const LONGEST: usize = 1_000;

/// Texts that schemas may allow together, the best to read first. `salt` makes others of them.
pub(super) fn texts(all: &[&Value], salt: usize) -> Vec<String> {
    let said = |key: &'static str| all.iter().filter_map(move |schema| text(schema, key));
    let of_format = said("format").filter_map(|format| formatted(format, salt));
    let of_pattern = said("pattern").flat_map(|pattern| pattern::texts(pattern, salt));
    let word = if salt == 0 { "text".to_owned() } else { format!("text{salt}") };
    let count = |key: &'static str| all.iter().filter_map(move |schema| schema.get(key)?.as_u64()?.try_into().ok());
    let (least, most) = (count("minLength").max().unwrap_or(0), count("maxLength").min().unwrap_or(usize::MAX));
    let best = of_format.chain(of_pattern).chain([word, salt.to_string()]);
    best.flat_map(|text| {
        let fitted = fitted(&text, least.min(LONGEST), most, salt > 0);
        [text, fitted]
    })
    .collect()
}

/// A text that is as long as it has to be, and keeps its beginning or its end.
fn fitted(text: &str, least: usize, most: usize, keeps_end: bool) -> String {
    let more = least.saturating_sub(text.chars().count());
    let more: String = "text".chars().cycle().take(more).collect();
    match keeps_end {
        true => {
            let whole = more + text;
            whole.chars().skip(whole.chars().count().saturating_sub(most)).collect()
        }
        false => text.chars().chain(more.chars()).take(most).collect(),
    }
}

/// A text of a format.
fn formatted(format: &str, salt: usize) -> Option<String> {
    Some(match format {
        "date" => format!("2026-01-{:02}", 31 - salt % 31),
        "date-time" => format!("2026-01-{:02}T12:00:00Z", 31 - salt % 31),
        "time" => format!("12:{:02}:00Z", salt % 60),
        "duration" => format!("PT{}H", salt + 1),
        "email" | "idn-email" => format!("ann{}@example.com", number(salt)),
        "uuid" => format!("3f2b8c1e-6d4a-4b7e-9a55-{:012x}", 0x0c1d_2e3f_4a5b + salt),
        "uri" | "url" | "iri" | "uri-reference" | "iri-reference" => format!("https://example.com/{}", number(salt)),
        "hostname" | "idn-hostname" => format!("www{}.example.com", number(salt)),
        "ipv4" => format!("192.0.2.{}", 1 + salt % 254),
        "ipv6" => format!("2001:db8::{:x}", 1 + salt % 0xffff),
        "byte" | "binary" => ["ZXhhbXBsZQ==", "b3RoZXI=", "bW9yZQ=="].get(salt % 3).map(ToString::to_string)?,
        "regex" => format!("^a{}$", number(salt)),
        "json-pointer" => format!("/a/{salt}"),
        _ => return None,
    })
}

/// Nothing for the first.
fn number(salt: usize) -> String {
    if salt == 0 { String::new() } else { salt.to_string() }
}

/// Whether a text is of a format. One that nobody knows is any.
pub(super) fn is_of_format(format: &str, text: &str) -> bool {
    match format {
        "date" => text.parse::<jiff::civil::Date>().is_ok() && text.len() == 10,
        "date-time" => text.parse::<jiff::Timestamp>().is_ok() && text.contains(['T', 't']),
        "uri" | "url" => text.parse::<reqwest::Url>().is_ok(),
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        // Its parts may be missing, but not all of them.
        "duration" if text.len() <= 2 => false,
        _ => FORMATS.get(format).is_none_or(|like| like.is_match(text)),
    }
}

/// Formats that are told by an expression.
static FORMATS: LazyLock<BTreeMap<&str, Regex>> = LazyLock::new(|| {
    let all = [
        ("time", r"^\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$"),
        ("duration", r"^P(\d+W|(\d+Y)?(\d+M)?(\d+D)?(T(\d+H)?(\d+M)?(\d+S)?)?)$"),
        ("email", r"^[^@\s]+@[^@\s]+$"),
        ("uuid", "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"),
        ("hostname", r"^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?)+$"),
        ("byte", "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"),
    ];
    all.into_iter().filter_map(|(format, like)| Some((format, Regex::new(like).ok()?))).collect()
});

/// Numbers that schemas may allow together, the best to read first. `salt` makes others of them.
pub(super) fn numbers(all: &[&Value], is_integer: bool, salt: usize) -> Vec<Value> {
    let said = |key: &'static str| all.iter().filter_map(move |schema| schema.get(key)?.as_f64());
    let least = said("minimum").chain(said("exclusiveMinimum")).reduce(f64::max);
    let most = said("maximum").chain(said("exclusiveMaximum")).reduce(f64::min);
    let step = said("multipleOf").filter(|step| *step > 0.0).reduce(|a, b| if is_multiple(a, b) { a } else { a * b });
    let step = step.unwrap_or(1.0);
    let salt = salt as f64 * step;
    let up = least.map(|least| (least / step).ceil() * step);
    let down = most.map(|most| (most / step).floor() * step);
    let mut found = vec![if is_integer { 1.0 } else { 1.5 } + salt, step + salt, salt];
    found.extend(up.into_iter().flat_map(|up| [up + salt, up + step + salt]));
    found.extend(down.into_iter().flat_map(|down| [down - salt, down - step - salt]));
    found.extend(least.zip(most).map(|(least, most)| least + (most - least) / (2.0 + salt)));
    // As they are written: not every number is one of this kind.
    let bounds = ["minimum", "maximum"].into_iter().flat_map(|key| all.iter().filter_map(move |one| one.get(key)));
    found.into_iter().filter_map(|number| written(number, is_integer)).chain(bounds.cloned()).collect()
}

/// Without a fraction where there is none.
fn written(number: f64, is_integer: bool) -> Option<Value> {
    /// From here on not every integer is one of this kind.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < EXACT {
        return Some(json!(number as i64));
    }
    Number::from_f64(number).map(Value::Number).filter(|_| !is_integer)
}

/// Whether a number is within the bounds of a schema, exclusive by themselves (3.1) or by a flag beside them (2.0, 3.0).
pub(super) fn is_within(schema: &Value, value: f64) -> bool {
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let is_flag = |key: &str| schema.get(key) == Some(&Value::Bool(true));
    let is_least = |least| if is_flag("exclusiveMinimum") { value > least } else { value >= least };
    let is_most = |most| if is_flag("exclusiveMaximum") { value < most } else { value <= most };
    let size = match text(schema, "format") {
        Some("int32") => f64::from(i32::MIN)..=f64::from(i32::MAX),
        _ => f64::MIN..=f64::MAX,
    };
    bound("minimum").is_none_or(is_least)
        && bound("maximum").is_none_or(is_most)
        && bound("exclusiveMinimum").is_none_or(|least| value > least)
        && bound("exclusiveMaximum").is_none_or(|most| value < most)
        && bound("multipleOf").is_none_or(|step| is_multiple(value, step))
        && size.contains(&value)
}

/// Whether a number is a multiple of another, as far as numbers of this kind can tell: 0.3 is one of 0.1.
fn is_multiple(value: f64, step: f64) -> bool {
    let times = value / step;
    step == 0.0 || (times - times.round()).abs() < 1e-9 * times.abs().max(1.0)
}

/// The types that a schema speaks of without saying its type.
pub(super) fn implied(schema: &Value) -> Option<&'static str> {
    let has = |keys: &[&str]| keys.iter().any(|key| schema.get(*key).is_some());
    let is_object = ["properties", "additionalProperties", "patternProperties", "required", "minProperties"];
    match () {
        () if has(&is_object) => Some("object"),
        () if has(&["items", "prefixItems", "minItems", "contains"]) => Some("array"),
        () if has(&["pattern", "minLength", "maxLength"]) => Some("string"),
        () if has(&["minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum"]) => Some("number"),
        () => None,
    }
}

/// The types that a schema says that a value may be.
pub(super) fn said(schema: &Value) -> Option<Vec<&str>> {
    match schema.get("type")? {
        Value::String(name) => Some(vec![name]),
        Value::Array(_) => Some(list(schema, "type").filter_map(Value::as_str).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_formats_are_of_them() {
        let formats =
            ["date", "date-time", "time", "duration", "email", "uuid", "uri", "hostname", "ipv4", "ipv6", "byte"];
        for format in formats {
            for salt in 0..3 {
                let text = formatted(format, salt).unwrap();
                assert!(is_of_format(format, &text), "{format}: {text}");
            }
            assert!(!is_of_format(format, "no such thing, not even nearly"), "{format}");
        }
        assert!(is_of_format("of-our-own", "anything"));
    }

    #[test]
    fn texts_are_as_long_as_they_have_to_be() {
        for (least, most, begin, end) in
            [(0, 9, "ab", "ab"), (5, 9, "abtex", "texab"), (0, 1, "a", "b"), (0, 0, "", "")]
        {
            assert_eq!(
                (fitted("ab", least, most, false).as_str(), fitted("ab", least, most, true).as_str()),
                (begin, end)
            );
        }
    }
}

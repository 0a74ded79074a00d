//! Values as Go's `fmt` writes them.

use super::Value;
use super::eval::Stop;

/// As an action writes it.
pub(super) fn shown(value: &Value) -> String {
    if *value == Value::Null { "<no value>".to_owned() } else { plain(value) }
}

/// `%v`.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => float(*number),
        Value::Text(text) => text.clone(),
        Value::List(items) => format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(" ")),
        Value::Map(entries) => {
            let entries: Vec<_> = entries.iter().map(|(key, value)| format!("{key}:{}", plain(value))).collect();
            format!("map[{}]", entries.join(" "))
        }
        Value::Headers(entries) => {
            let entries: Vec<_> = entries.iter().map(|(key, values)| format!("{key}:[{}]", values.join(" "))).collect();
            format!("map[{}]", entries.join(" "))
        }
    }
}

/// What it is, for messages.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nil",
        Value::Bool(_) => "a bool",
        Value::Int(_) | Value::Float(_) => "a number",
        Value::Text(_) => "a text",
        Value::List(_) => "a list",
        Value::Map(_) | Value::Headers(_) => "a map",
    }
}

/// `%v` of a `float64`: the shortest digits, with an exponent below 1e-4 and from 1e6 on.
fn float(number: f64) -> String {
    if !number.is_finite() {
        return if number.is_nan() {
            "NaN".to_owned()
        } else if number > 0.0 {
            "+Inf".to_owned()
        } else {
            "-Inf".to_owned()
        };
    }
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let Ok(exponent) = exponent.parse::<i32>() else { return scientific };
    if (-4..6).contains(&exponent) {
        return format!("{number}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// `printf`.
pub(super) fn printf(format: &str, arguments: &[Value]) -> Result<String, Stop> {
    let (mut out, mut arguments, mut rest) = (String::new(), arguments.iter(), format);
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let directive = Directive::read(&rest[at + 1..])?;
        rest = &rest[at + 1 + directive.length..];
        if directive.verb == '%' {
            out.push('%');
            continue;
        }
        match arguments.next() {
            Some(argument) => out.push_str(&directive.write(argument)),
            None => out.push_str(&format!("%!{}(MISSING)", directive.verb)),
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// `%-05.1f`.
struct Directive {
    verb: char,
    left: bool,
    zeros: bool,
    plus: bool,
    width: usize,
    precision: Option<usize>,
    length: usize,
}

/// The largest width and precision.
const WIDEST: usize = 256;

impl Directive {
    fn read(text: &str) -> Result<Self, Stop> {
        let flags = text.len() - text.trim_start_matches(['-', '0', '+', '#', ' ']).len();
        let (flags, rest) = text.split_at(flags);
        let number = |text: &str| {
            let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            (text[..digits].parse::<usize>().unwrap_or(0).min(WIDEST), digits)
        };
        let (width, taken) = number(rest);
        let mut rest = &rest[taken..];
        let mut precision = None;
        if let Some(after) = rest.strip_prefix('.') {
            let (value, taken) = number(after);
            precision = Some(value);
            rest = &after[taken..];
        }
        let verb = rest.chars().next().ok_or_else(|| Stop::error("a format ends in %"))?;
        Ok(Self {
            verb,
            left: flags.contains('-'),
            zeros: flags.contains('0'),
            plus: flags.contains('+'),
            width,
            precision,
            length: text.len() - rest.len() + verb.len_utf8(),
        })
    }

    fn write(&self, value: &Value) -> String {
        let text = match (self.verb, value) {
            ('v', value) => plain(value),
            ('s', Value::Text(text)) => match self.precision {
                Some(most) => text.chars().take(most).collect(),
                None => text.clone(),
            },
            ('s', Value::List(_) | Value::Map(_) | Value::Headers(_)) => plain(value),
            ('q', Value::Text(text)) => format!("{text:?}"),
            ('t', Value::Bool(value)) => value.to_string(),
            ('d', Value::Int(number)) => self.signed(number.to_string(), *number >= 0),
            ('x', Value::Int(number)) => format!("{number:x}"),
            ('X', Value::Int(number)) => format!("{number:X}"),
            ('x', Value::Text(text)) => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
            ('f' | 'F', Value::Float(number)) => {
                self.signed(format!("{number:.*}", self.precision.unwrap_or(6)), *number >= 0.0)
            }
            ('g' | 'G', Value::Float(number)) => float(*number),
            ('e', Value::Float(number)) => {
                let text = format!("{number:.*e}", self.precision.unwrap_or(6));
                let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                let exponent: i32 = exponent.parse().unwrap_or(0);
                format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
            }
            (verb, value) => format!("%!{verb}({}={})", go_type(value), plain(value)),
        };
        self.padded(&text)
    }

    fn signed(&self, text: String, is_positive: bool) -> String {
        if self.plus && is_positive { format!("+{text}") } else { text }
    }

    fn padded(&self, text: &str) -> String {
        let missing = self.width.saturating_sub(text.chars().count());
        if self.left {
            format!("{text}{}", " ".repeat(missing))
        } else if self.zeros {
            let (sign, digits) = text.split_at(usize::from(text.starts_with(['-', '+'])));
            format!("{sign}{}{digits}", "0".repeat(missing))
        } else {
            format!("{}{text}", " ".repeat(missing))
        }
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float64",
        Value::Text(_) => "string",
        Value::List(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
        Value::Headers(_) => "http.Header",
    }
}

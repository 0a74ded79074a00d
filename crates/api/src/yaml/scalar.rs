//! What a plain scalar means.

/// The value of a plain scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scalar {
    /// Nothing.
    Null,
    /// `true` and `false`, and YAML 1.1's other words for them.
    Bool(bool),
    /// A whole number that an `i64` holds.
    Int(i64),
    /// A whole number that only a `u64` holds.
    UInt(u64),
    /// Any other number.
    Float(f64),
    /// Text as it stands.
    Text,
}

/// Reads a plain scalar by the rules of YAML 1.1 in the form in which `kubectl` applies them (go-yaml, version 2).
pub(crate) fn resolve(raw: &str) -> Scalar {
    let Some(first) = raw.bytes().next() else { return Scalar::Null };
    match first {
        b'0'..=b'9' | b'+' | b'-' => number(raw),
        b'.' => dotted(raw),
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(raw),
        _ => Scalar::Text,
    }
}

fn word(raw: &str) -> Scalar {
    match raw {
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Scalar::Bool(false),
        _ => Scalar::Text,
    }
}

fn dotted(raw: &str) -> Scalar {
    match raw {
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" => Scalar::Float(f64::INFINITY),
        _ => float(raw),
    }
}

/// Whole numbers have a sign, a base (`0x`, `0o`, `0b`, or a leading zero for octal) and underscores anywhere.
fn number(raw: &str) -> Scalar {
    match raw {
        "+.inf" | "+.Inf" | "+.INF" => return Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        _ => {}
    }
    let joined;
    let plain = if raw.contains('_') {
        joined = raw.replace('_', "");
        joined.as_str()
    } else {
        raw
    };
    whole(plain).unwrap_or_else(|| float(plain))
}

fn whole(text: &str) -> Option<Scalar> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (base, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, base).ok()?;
    match (negative, i64::try_from(magnitude)) {
        (false, Ok(number)) => Some(Scalar::Int(number)),
        (false, Err(_)) => Some(Scalar::UInt(magnitude)),
        (true, Ok(number)) => Some(Scalar::Int(-number)),
        (true, Err(_)) => 0i64.checked_sub_unsigned(magnitude).map(Scalar::Int),
    }
}

/// `[-+]? ( .digits | digits [. digits] ) [ e [-+] digits ]`; anything else is text.
fn float(text: &str) -> Scalar {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let well_formed = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && digits(fraction),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    if !well_formed || exponent.is_some_and(|exponent| exponent.is_empty() || !digits(exponent)) {
        return Scalar::Text;
    }
    text.parse().map_or(Scalar::Text, Scalar::Float)
}

#[cfg(test)]
mod tests {
    use super::{Scalar, resolve};

    #[test]
    fn scalars_mean_what_kubectl_takes_them_for() {
        use Scalar::{Bool, Float, Int, Null, Text, UInt};
        let table = [
            ("", Null),
            ("~", Null),
            ("null", Null),
            ("Null", Null),
            ("NULL", Null),
            ("nULL", Text),
            ("y", Bool(true)),
            ("Y", Bool(true)),
            ("yes", Bool(true)),
            ("Yes", Bool(true)),
            ("YES", Bool(true)),
            ("yEs", Text),
            ("true", Bool(true)),
            ("True", Bool(true)),
            ("TRUE", Bool(true)),
            ("on", Bool(true)),
            ("On", Bool(true)),
            ("ON", Bool(true)),
            ("n", Bool(false)),
            ("N", Bool(false)),
            ("no", Bool(false)),
            ("No", Bool(false)),
            ("NO", Bool(false)),
            ("false", Bool(false)),
            ("False", Bool(false)),
            ("FALSE", Bool(false)),
            ("off", Bool(false)),
            ("Off", Bool(false)),
            ("OFF", Bool(false)),
            ("offer", Text),
            ("0", Int(0)),
            ("-0", Int(0)),
            ("42", Int(42)),
            ("+42", Int(42)),
            ("-42", Int(-42)),
            ("1_000", Int(1000)),
            ("0777", Int(511)),
            ("0o777", Int(511)),
            ("0x1F", Int(31)),
            ("-0x1f", Int(-31)),
            ("0b101", Int(5)),
            ("08", Float(8.0)),
            ("9223372036854775807", Int(i64::MAX)),
            ("9223372036854775808", UInt(1 << 63)),
            ("-9223372036854775808", Int(i64::MIN)),
            ("99999999999999999999", Float(1e20)),
            ("1.5", Float(1.5)),
            ("1.", Float(1.0)),
            (".5", Float(0.5)),
            ("-.5", Float(-0.5)),
            ("1e3", Float(1000.0)),
            ("1E-3", Float(0.001)),
            (".inf", Float(f64::INFINITY)),
            ("-.inf", Float(f64::NEG_INFINITY)),
            ("1.2.3", Text),
            ("1s", Text),
            ("0.3s", Text),
            ("127.0.0.1", Text),
            ("2020-01-01", Text),
            ("-", Text),
            ("+", Text),
            (".", Text),
            ("--1", Text),
            ("e5", Text),
            ("1e", Text),
            ("0xZZ", Text),
            ("infinity", Text),
            ("/api/", Text),
        ];
        for (raw, expected) in table {
            assert_eq!(resolve(raw), expected, "{raw:?}");
        }
        assert!(matches!(resolve(".nan"), Float(number) if number.is_nan()));
    }
}

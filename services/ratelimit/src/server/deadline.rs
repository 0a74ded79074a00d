//! How long a caller waits.

use std::time::Duration;

use http::HeaderMap;

/// What the way back may take of the time: an answer that comes too late is none.
const WAY_BACK: u32 = 4;

/// How long an answer to a call with these headers may take (`grpc-timeout`), less the way back; none where the caller says
/// nothing that can be understood.
pub(super) fn of(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    // No more than eight digits, says the protocol.
    let number: u32 = digits.parse().ok()?;
    let unit = match unit {
        "H" => Duration::from_secs(3_600),
        "M" => Duration::from_secs(60),
        "S" => Duration::from_secs(1),
        "m" => Duration::from_millis(1),
        "u" => Duration::from_micros(1),
        "n" => Duration::from_nanos(1),
        _ => return None,
    };
    let waits = unit.checked_mul(number)?;
    Some(waits - waits / WAY_BACK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_say_it_in_any_unit() {
        let of = |text: &str| of(&HeaderMap::from_iter([("grpc-timeout".parse().unwrap(), text.parse().unwrap())]));
        assert_eq!(of("20m"), Some(Duration::from_millis(15)));
        assert_eq!(of("4S"), Some(Duration::from_secs(3)));
        assert_eq!(of("99999999H").map(|time| time.as_secs()), Some(99_999_999 * 2_700));
        for wrong in ["", "m", "20", "20x", "-1m", "ü"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}

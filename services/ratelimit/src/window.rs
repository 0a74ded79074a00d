//! The length of the windows that a limit counts in.

use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_response::rate_limit::Unit as ProtoUnit;

use crate::unit::Unit;

/// The longest window: ten years.
const LONGEST: u32 = 10 * 365 * 86_400;

/// A unit, or a multiple of one (`15m`). Windows begin at multiples of their length since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    // Small, as there may be very many.
    seconds: u32,
}

impl From<Unit> for Window {
    fn from(unit: Unit) -> Self {
        Self { seconds: unit.seconds() }
    }
}

impl Window {
    /// The window of `unit: minute`, or of a number with `s`, `m`, `h`, `d` or `w` as in `unit: 15m`; none for other
    /// text, for nothing, and for more than ten years.
    pub fn from_name(name: &str) -> Option<Self> {
        if let Some(unit) = Unit::from_name(name) {
            return Some(unit.into());
        }
        let (count, unit) = name.split_at_checked(name.len().checked_sub(1)?)?;
        let unit = match unit {
            "s" => Unit::Second,
            "m" => Unit::Minute,
            "h" => Unit::Hour,
            "d" => Unit::Day,
            "w" => Unit::Week,
            _ => return None,
        };
        // Nothing but digits: `parse` would take a sign.
        let count = Some(count).filter(|count| count.bytes().all(|byte| byte.is_ascii_digit()))?;
        let seconds = count.parse::<u32>().ok()?.checked_mul(unit.seconds())?;
        (1..=LONGEST).contains(&seconds).then_some(Self { seconds })
    }

    /// Its length in seconds.
    pub fn seconds(self) -> u64 {
        u64::from(self.seconds)
    }

    /// Its length in milliseconds.
    pub fn millis(self) -> u64 {
        self.seconds() * 1_000
    }

    /// When the window began that `now` is in; both in seconds since 1970.
    pub fn start(self, now: u64) -> u64 {
        now / self.seconds() * self.seconds()
    }

    /// Seconds until the window ends that `now` is in: 1 to its length.
    pub fn until_reset(self, now: u64) -> u64 {
        self.seconds() - now % self.seconds()
    }

    /// The unit as replies carry it; `UNKNOWN` for what is none, which is how Envoy leaves it out.
    pub fn to_proto(self) -> ProtoUnit {
        self.unit().map_or(ProtoUnit::Unknown, Unit::to_proto)
    }

    fn unit(self) -> Option<Unit> {
        Unit::ALL.into_iter().find(|unit| unit.seconds() == self.seconds)
    }
}

impl std::fmt::Display for Window {
    /// The unit's name in upper case, as `/rlconfig` shows it, or `15m`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(unit) = self.unit() {
            return formatter.write_str(unit.name());
        }
        let units = [("w", Unit::Week), ("d", Unit::Day), ("h", Unit::Hour), ("m", Unit::Minute)];
        let found = units.into_iter().find(|(_, unit)| self.seconds.is_multiple_of(unit.seconds()));
        let (suffix, unit) = found.unwrap_or(("s", Unit::Second));
        write!(formatter, "{}{suffix}", self.seconds / unit.seconds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_units_or_multiples() {
        for (name, seconds, shown) in [
            ("minute", 60, "MINUTE"),
            ("15m", 900, "15m"),
            ("60m", 3_600, "HOUR"),
            ("7d", 604_800, "WEEK"),
            ("36h", 129_600, "36h"),
            ("2w", 1_209_600, "2w"),
            ("90s", 90, "90s"),
        ] {
            let window = Window::from_name(name).unwrap();
            assert_eq!((window.seconds(), window.to_string().as_str()), (seconds, shown), "{name}");
        }
        for name in ["", "m", "0m", "-1m", "+1m", "1.5h", "15", "15x", "15 m", "é", "99999999999999999999s", "521w5d"]
        {
            assert_eq!(Window::from_name(name), None, "{name}");
        }
        assert_eq!(Window::from_name("3650d").map(Window::seconds), Some(u64::from(LONGEST)));
        assert_eq!(Window::from_name("3651d"), None);
    }

    #[test]
    fn windows_begin_at_multiples_of_their_length() {
        let window = Window::from_name("15m").unwrap();
        assert_eq!((window.start(1_234), window.until_reset(1_234)), (900, 566));
        assert_eq!((window.start(900), window.until_reset(900)), (900, 900));
        assert_eq!(window.to_proto(), ProtoUnit::Unknown);
        let minute = Window::from(Unit::Minute);
        assert_eq!((minute.start(1_234), minute.until_reset(1_234), minute.until_reset(1_200)), (1_200, 26, 60));
        assert_eq!(minute.to_proto(), ProtoUnit::Minute);
    }
}

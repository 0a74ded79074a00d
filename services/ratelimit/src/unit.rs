//! Units of time that limits are given in.

use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_response::rate_limit::Unit as ProtoUnit;

/// A unit of `requests_per_unit`. A window is one unit long and begins at a multiple of it since 1970, so weeks begin
/// on Thursdays, months have 30 days and years 365 (envoyproxy/ratelimit, `utils.UnitToDivider`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// One second.
    Second,
    /// 60 seconds.
    Minute,
    /// 3 600 seconds.
    Hour,
    /// 86 400 seconds.
    Day,
    /// Seven days.
    Week,
    /// 30 days.
    Month,
    /// 365 days.
    Year,
}

impl Unit {
    pub(crate) const ALL: [Self; 7] =
        [Self::Second, Self::Minute, Self::Hour, Self::Day, Self::Week, Self::Month, Self::Year];

    /// The unit with this name in any case, as in `unit: minute`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.name().eq_ignore_ascii_case(name))
    }

    /// The unit with this number in `RateLimitResponse.RateLimit.Unit`; none for `UNKNOWN` and unknown numbers.
    pub fn from_number(number: i32) -> Option<Self> {
        Some(match ProtoUnit::try_from(number).ok()? {
            ProtoUnit::Unknown => return None,
            ProtoUnit::Second => Self::Second,
            ProtoUnit::Minute => Self::Minute,
            ProtoUnit::Hour => Self::Hour,
            ProtoUnit::Day => Self::Day,
            ProtoUnit::Week => Self::Week,
            ProtoUnit::Month => Self::Month,
            ProtoUnit::Year => Self::Year,
        })
    }

    /// The unit as replies carry it.
    pub fn to_proto(self) -> ProtoUnit {
        match self {
            Self::Second => ProtoUnit::Second,
            Self::Minute => ProtoUnit::Minute,
            Self::Hour => ProtoUnit::Hour,
            Self::Day => ProtoUnit::Day,
            Self::Week => ProtoUnit::Week,
            Self::Month => ProtoUnit::Month,
            Self::Year => ProtoUnit::Year,
        }
    }

    /// The unit's name in upper case, as `/rlconfig` shows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Second => "SECOND",
            Self::Minute => "MINUTE",
            Self::Hour => "HOUR",
            Self::Day => "DAY",
            Self::Week => "WEEK",
            Self::Month => "MONTH",
            Self::Year => "YEAR",
        }
    }

    /// The unit's length in seconds.
    pub fn seconds(self) -> u32 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Week => 7 * 86_400,
            Self::Month => 30 * 86_400,
            Self::Year => 365 * 86_400,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case() {
        assert_eq!(Unit::from_name("Minute"), Some(Unit::Minute));
        assert_eq!(Unit::from_name("WEEK"), Some(Unit::Week));
        assert_eq!(Unit::from_name("unknown"), None);
        assert_eq!(Unit::from_name(""), None);
    }

    #[test]
    fn a_week_is_number_seven() {
        assert_eq!(Unit::from_number(7), Some(Unit::Week));
        assert_eq!(Unit::from_number(0), None);
        assert_eq!(Unit::from_number(9), None);
    }
}

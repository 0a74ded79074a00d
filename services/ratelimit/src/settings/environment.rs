//! Variables as text, numbers and so on.

use std::time::Duration;

use super::parse_duration;

/// A variable that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}={value:?}: {wanted}")]
pub struct SettingError {
    /// Name of the variable.
    pub name: String,
    /// Its value.
    pub value: String,
    /// What it should be, or what is wrong with it.
    pub wanted: String,
}

/// The environment, or whatever stands for it.
pub struct Environment<'e>(&'e dyn Fn(&str) -> Option<String>);

impl std::fmt::Debug for Environment<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Environment")
    }
}

impl<'e> Environment<'e> {
    /// What `lookup` knows.
    pub fn new(lookup: &'e dyn Fn(&str) -> Option<String>) -> Self {
        Self(lookup)
    }

    pub(super) fn text(&self, name: &str, default: &str) -> String {
        (self.0)(name).filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned())
    }

    pub(super) fn parsed<T>(
        &self,
        name: &str,
        default: T,
        wanted: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, SettingError> {
        match (self.0)(name).filter(|value| !value.is_empty()) {
            None => Ok(default),
            Some(value) => {
                parse(&value).ok_or(SettingError { name: name.to_owned(), value, wanted: wanted.to_owned() })
            }
        }
    }

    /// A boolean in any of Go's spellings.
    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool, SettingError> {
        self.parsed(name, default, "expected true or false", |value| match value {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
            _ => None,
        })
    }

    pub(super) fn number<T: std::str::FromStr>(&self, name: &str, default: T) -> Result<T, SettingError> {
        self.parsed(name, default, "expected a number", |value| value.parse().ok())
    }

    pub(super) fn duration(&self, name: &str, default: &str) -> Result<Duration, SettingError> {
        let default = parse_duration(default).unwrap_or_default();
        self.parsed(name, default, "expected a duration such as 10s", parse_duration)
    }

    /// `key:value,key:value`, as the original reads maps.
    pub(super) fn map(&self, name: &str) -> Result<Vec<(String, String)>, SettingError> {
        let pair = |pair: &str| match pair.split(':').map(str::trim).collect::<Vec<_>>()[..] {
            [key, value] => Some((key.to_owned(), value.to_owned())),
            _ => None,
        };
        self.parsed(name, Vec::new(), "expected key:value,key:value", |text| text.split(',').map(pair).collect())
    }

    /// `host:port` of two variables, each with its default.
    pub(super) fn address(&self, host: (&str, &str), port: (&str, u16)) -> Result<String, SettingError> {
        let host = self.text(host.0, host.1);
        let port = self.number(port.0, port.1)?;
        Ok(if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") })
    }
}

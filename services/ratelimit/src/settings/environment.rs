//! Variables as text, numbers and so on.

use std::cell::RefCell;
use std::time::Duration;

use super::{NamedFile, parse_duration};

/// A variable that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}{}: {wanted}", shown(value.as_ref()))]
pub struct SettingError {
    /// Name of the variable.
    pub name: String,
    /// Its value, where that is no secret.
    value: Option<String>,
    /// What it should be, or what is wrong with it.
    pub wanted: String,
}

impl SettingError {
    /// That a variable has this value, which is kept only where it cannot be a secret.
    pub(crate) fn new(name: impl Into<String>, value: &str, wanted: impl Into<String>) -> Self {
        let name = name.into();
        let value = (!may_be_secret(&name)).then(|| value.to_owned());
        Self { name, value, wanted: wanted.into() }
    }
}

/// Whether what the variable, or option, says may have a password or token in it.
fn may_be_secret(name: &str) -> bool {
    ["_URL", "_AUTH", "_ADDITIONAL_HEADERS", "--redis"].iter().any(|end| name.ends_with(end))
}

fn shown(value: Option<&String>) -> String {
    value.map(|value| format!("={value:?}")).unwrap_or_default()
}

/// A boolean in any of Go's spellings, none where it is something else.
pub fn parse_flag(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

type Lookup<'e> = dyn Fn(&str) -> Option<String> + 'e;

/// The environment, or whatever stands for it.
pub struct Environment<'e> {
    lookup: Box<Lookup<'e>>,
    /// What is taken as it is, though it can hardly be meant.
    warnings: RefCell<Vec<String>>,
}

impl std::fmt::Debug for Environment<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Environment")
    }
}

impl<'e> Environment<'e> {
    /// What `lookup` knows.
    pub fn new(lookup: impl Fn(&str) -> Option<String> + 'e) -> Self {
        Self { lookup: Box::new(lookup), warnings: RefCell::default() }
    }

    /// One of these variables.
    #[cfg(test)]
    pub(crate) fn of(variables: &'e [(&str, &str)]) -> Self {
        Self::new(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    /// Notes that a variable is taken as it is, since the original does so too without a word, but can hardly be meant.
    pub(super) fn warn(&self, name: &str, wanted: &str) {
        let warning = SettingError::new(name, &self.text(name, ""), wanted);
        self.warnings.borrow_mut().push(warning.to_string());
    }

    /// What was noted until now.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.warnings.take()
    }

    fn given(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    pub(super) fn text(&self, name: &str, default: &str) -> String {
        self.given(name).unwrap_or_else(|| default.to_owned())
    }

    pub(super) fn parsed<T>(
        &self,
        name: &str,
        default: T,
        wanted: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, SettingError> {
        match self.given(name) {
            None => Ok(default),
            Some(value) => parse(&value).ok_or_else(|| SettingError::new(name, &value, wanted)),
        }
    }

    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool, SettingError> {
        self.parsed(name, default, "expected true or false", parse_flag)
    }

    pub(super) fn number<T: std::str::FromStr>(
        &self,
        name: &str,
        default: T,
        wanted: &'static str,
    ) -> Result<T, SettingError> {
        self.parsed(name, default, wanted, |value| value.parse().ok())
    }

    /// A share of something. What is no share is taken all the same.
    pub(super) fn share<T>(&self, name: &str, default: T) -> Result<T, SettingError>
    where
        T: std::str::FromStr + PartialOrd + From<u8>,
    {
        const WANTED: &str = "expected a number from 0 to 1";
        let share = self.number(name, default, WANTED)?;
        if !(T::from(0)..=T::from(1)).contains(&share) {
            self.warn(name, WANTED);
        }
        Ok(share)
    }

    /// The file that a variable names.
    pub(super) fn file(&self, name: &'static str) -> NamedFile {
        NamedFile { variable: name, path: self.text(name, "") }
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
        let parse = |value: &str| value.parse().ok().filter(|port: &u16| *port > 0);
        let port = self.parsed(port.0, port.1, "expected a port, from 1 to 65535", parse)?;
        Ok(if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") })
    }
}

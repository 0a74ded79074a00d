//! Why a configuration was refused.

/// Why a configuration was refused: the words of envoyproxy/ratelimit, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {message}")]
pub struct ConfigError {
    /// Name of the file or of the xDS resource.
    pub file: String,
    /// What is wrong.
    pub message: String,
    /// Line in the file, from 1; 0 where there is none (xDS).
    pub line: usize,
    /// The descriptors that lead there, as `domain.key_value.key`; empty at the root.
    pub path: String,
}

/// How many errors are told in one line.
const MOST_TOLD: usize = 10;

/// All that is wrong with a configuration, in the order in which the original would find it: that tells the first.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{}", line(.0))]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    pub(super) fn push(&mut self, error: ConfigError) {
        self.0.push(error);
    }

    /// The value, where nothing is wrong.
    pub(super) fn unless_any<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

impl IntoIterator for ConfigErrors {
    type Item = ConfigError;
    type IntoIter = std::vec::IntoIter<ConfigError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

fn line(errors: &[ConfigError]) -> String {
    let mut told: Vec<_> = errors.iter().take(MOST_TOLD).map(ConfigError::with_place).collect();
    let more = errors.len() - told.len();
    told.extend((more > 0).then(|| format!("and {more} more")));
    told.join("; ")
}

impl ConfigError {
    /// The error with its place, for logs: the original says only the file.
    pub fn with_place(&self) -> String {
        let mut text = self.to_string();
        if self.line > 0 {
            text.push_str(&format!(" (line {}", self.line));
            if !self.path.is_empty() {
                text.push_str(&format!(", at {}", self.path));
            }
            text.push(')');
        } else if !self.path.is_empty() {
            text.push_str(&format!(" (at {})", self.path));
        }
        text
    }
}

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

//! A secret that services of one gateway share: who shows it is one of them.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

/// The shortest that nobody guesses.
const SHORTEST: usize = 16;

/// Where such a secret is.
#[derive(Clone)]
pub enum SharedToken {
    /// In a file, read again each time, so that it can be changed while services run: one on each line. All of them count; the
    /// first is shown.
    File(PathBuf),
    /// Known to this process alone.
    Own(Arc<str>),
}

impl SharedToken {
    /// The variable that says where the file is for the diagnostics of a gateway.
    pub const OF_ADMIN: &'static str = "NUNCIO_ADMIN_TOKEN_FILE";

    /// The one for diagnostics, as the environment says, for those who ask there.
    #[must_use]
    pub fn of_environment() -> Option<Self> {
        std::env::var_os(Self::OF_ADMIN).filter(|file| !file.is_empty()).map(|file| Self::File(file.into()))
    }

    /// Those that count.
    ///
    /// # Errors
    /// When there are none, or one could be guessed: why, without saying it.
    pub fn read(&self) -> Result<Vec<Arc<str>>, String> {
        let file = match self {
            Self::Own(token) => return Ok(vec![Arc::clone(token)]),
            Self::File(file) => file,
        };
        let failed = |why: &dyn fmt::Display| format!("{}: {why}", file.display());
        let text = fs::read_to_string(file).map_err(|error| failed(&error))?;
        let tokens: Vec<Arc<str>> =
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Arc::from).collect();
        if tokens.is_empty() || tokens.iter().any(|token| !is_good(token)) {
            return Err(failed(&format!(
                "expected a token of at least {SHORTEST} letters, digits and signs on each line"
            )));
        }
        Ok(tokens)
    }

    /// The one to show.
    ///
    /// # Errors
    /// As for [`Self::read`].
    pub fn shown(&self) -> Result<Arc<str>, String> {
        Ok(self.read()?.swap_remove(0))
    }
}

/// Whether it can be shown in a header, and nobody guesses it.
fn is_good(token: &str) -> bool {
    token.len() >= SHORTEST && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Where it is, not what.
impl fmt::Debug for SharedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => f.debug_tuple("File").field(file).finish(),
            Self::Own(_) => f.write_str("Own(…)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_those_that_count_and_no_weak_ones() {
        let file = std::env::temp_dir().join(format!("nuncio-shared-token-{}", std::process::id()));
        let token = SharedToken::File(file.clone());
        token.read().unwrap_err();
        fs::write(&file, "new-0123456789abcdef\n\n  old-0123456789abcdef \n").unwrap();
        assert_eq!(&*token.shown().unwrap(), "new-0123456789abcdef");
        assert_eq!(token.read().unwrap().len(), 2, "the next request knows what is written by now");
        for weak in ["", "\n \n", "short", "new-0123456789abcdef\nshort", "with a space 0123456789"] {
            fs::write(&file, weak).unwrap();
            let why = token.read().unwrap_err();
            assert!(why.contains("at least 16") && (weak.trim().is_empty() || !why.contains(weak)), "{weak:?}: {why}");
        }
        fs::remove_file(&file).unwrap();
        assert!(!format!("{:?}", SharedToken::Own("0123456789abcdef".into())).contains("0123"));
    }
}

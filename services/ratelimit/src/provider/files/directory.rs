//! Files in a directory and below it, as the original's library (goruntime) finds them.

use std::path::{Path, PathBuf};

use crate::config::ConfigError;

/// The largest file: 100 000 rules are 15 MB.
const LARGEST: u64 = 256 << 20;

/// A file, which may turn out to be none that can be read.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct File {
    /// `a/b.yaml` is called `a.b.yaml`.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// The files below a directory, in the order of their names.
pub(crate) fn find(directory: &Path, skip_dots: bool) -> std::io::Result<Vec<File>> {
    let mut found = Vec::new();
    collect(directory, "", skip_dots, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(directory: &Path, prefix: &str, skip_dots: bool, found: &mut Vec<File>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if skip_dots && name.starts_with('.') {
            continue;
        }
        let file = File { name: format!("{prefix}{name}"), path: entry.path() };
        // Links are followed, as a ConfigMap's files are some.
        match std::fs::metadata(&file.path) {
            // A link to a directory is not entered: `..data` holds the same files again.
            Ok(kind) if kind.is_dir() => {
                let below = format!("{}.", file.name);
                // Why it cannot be entered is told by who reads it as a file.
                if !entry.file_type()?.is_symlink() && collect(&file.path, &below, skip_dots, found).is_err() {
                    found.push(file);
                }
            }
            Ok(kind) if !kind.is_file() => {}
            _ => found.push(file),
        }
    }
    Ok(())
}

impl File {
    /// What it holds, or why that cannot be rules.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn text(&self) -> std::io::Result<Result<String, ConfigError>> {
        if std::fs::metadata(&self.path)?.len() > LARGEST {
            return Ok(Err(self.problem(&format!("larger than {LARGEST} bytes"))));
        }
        Ok(String::from_utf8(std::fs::read(&self.path)?).map_err(|error| {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            ConfigError { line, ..self.problem("error loading config file: yaml: invalid leading UTF-8 octet") }
        }))
    }

    /// What is wrong with it as a whole.
    pub(crate) fn problem(&self, message: &str) -> ConfigError {
        ConfigError { file: self.name.clone(), message: message.to_owned(), line: 0, path: String::new() }
    }
}

//! Checks files of rules without serving them.

use std::path::Path;

use crate::config::{Config, ConfigError, Loader, Source};
use crate::stats::Registry;

/// What a directory holds.
#[derive(Debug)]
pub struct Checked {
    /// How many files there are.
    pub files: usize,
    /// The rules, where nothing is wrong.
    pub config: Option<Config>,
    /// What is wrong: one error of each file, and what files do to each other.
    pub errors: Vec<ConfigError>,
}

/// Reads all files of rules in a directory, as the service does: all but hidden ones, in the order of their names.
///
/// # Errors
/// When the directory or a file cannot be read.
pub fn check(directory: &Path, merge_domains: bool) -> std::io::Result<Checked> {
    let files = files(directory)?;
    let stats = Registry::default();
    let loader = Loader { stats: &stats, merge_domains };
    let (mut sources, mut errors) = (Vec::new(), Vec::new());
    for (name, text) in &files {
        let source = text.as_ref().map_err(Clone::clone).and_then(|text| Source::parse(name, text));
        match source.and_then(|source| loader.load(vec![source.clone()]).map(|_| source)) {
            Ok(source) => sources.push(source),
            Err(error) => errors.push(error),
        }
    }
    let config = loader.load(sources).map_err(|error| errors.push(error)).ok();
    Ok(Checked { files: files.len(), config: config.filter(|_| errors.is_empty()), errors })
}

type Text = Result<String, ConfigError>;

fn files(directory: &Path) -> std::io::Result<Vec<(String, Text)>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden && std::fs::metadata(entry.path())?.is_file() {
            names.push(entry.path());
        }
    }
    names.sort();
    let read = |path: std::path::PathBuf| {
        let name = path.display().to_string();
        let text = String::from_utf8(std::fs::read(&path)?).map_err(|error| {
            let line =
                error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
            ConfigError { file: name.clone(), message: "not UTF-8".to_owned(), line: line + 1, path: String::new() }
        });
        Ok((name, text))
    };
    names.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_checked_and_then_all_together() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &[u8]| std::fs::write(directory.path().join(name), text).unwrap();
        write("a.yaml", b"domain: a\ndescriptors: [{key: k, rate_limit: {unit: day, requests_per_unit: 5}}]");
        let good = check(directory.path(), false).unwrap();
        assert_eq!((good.files, good.errors.len(), good.config.unwrap().rules().len()), (1, 0, 1));
        write("b.yaml", b"domain: b\ndescriptors:\n- key: k\n  rate_limit: {unit: x}\n");
        write("c.yaml", b"domain: c\n# \xff");
        write("d.yaml", b"domain: a\n");
        write(".hidden", b"?");
        let bad = check(directory.path(), false).unwrap();
        assert_eq!((bad.files, bad.config.is_none()), (4, true));
        let shown: Vec<_> = bad.errors.iter().map(|error| format!("{}:{}", error.line, error.message)).collect();
        assert_eq!(shown, ["3:invalid rate limit unit 'x'", "2:not UTF-8", "0:duplicate domain 'a' in config file"]);
    }
}

//! Checks files of rules without serving them.

use std::path::Path;

use crate::config::{Config, ConfigError, Loader, Source, second_document};
use crate::provider::files::directory::{self, File};
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
    /// What is no error, and hardly meant.
    pub warnings: Vec<ConfigError>,
}

/// How to read a directory of rules.
#[derive(Clone, Copy, Debug, Default)]
pub struct CheckOptions {
    /// Whether several files may be for one domain.
    pub merge_domains: bool,
    /// Whether names that begin with a dot are left out.
    pub ignore_dot_files: bool,
}

/// Reads all files of rules in a directory and below it, as the service does, in the order of their names; or one file. One that
/// cannot be read, which the service leaves out, is an error.
///
/// # Errors
/// When the directory cannot be read.
pub fn check(path: &Path, options: CheckOptions) -> std::io::Result<Checked> {
    // A file may be a pipe: `check <(kubectl get …)`.
    let files = match std::fs::metadata(path)?.is_dir() {
        true => directory::find(path, options.ignore_dot_files)?,
        false => vec![File { name: String::new(), path: path.to_owned() }],
    };
    let stats = Registry::default();
    let loader = Loader { stats: &stats, merge_domains: options.merge_domains };
    let (mut sources, mut errors, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
    for file in &files {
        // Whoever asks about files knows them by their paths.
        let file = File { name: file.path.display().to_string(), path: file.path.clone() };
        let text = file.text().unwrap_or_else(|error| Err(file.problem(&error.to_string())));
        if let Some(line) = text.as_ref().ok().and_then(|text| second_document(text)) {
            let message = "only the first document of a file is read, and this is another: give it a file of its own";
            warnings.push(ConfigError { line, ..file.problem(message) });
        }
        let source = text.and_then(|text| Source::parse(&file.name, &text));
        match source.and_then(|source| loader.load(vec![source.clone()]).map(|_| source)) {
            Ok(source) => sources.push(source),
            Err(error) => errors.push(error),
        }
    }
    let config = loader.load(sources).map_err(|error| errors.push(error)).ok();
    Ok(Checked { files: files.len(), config: config.filter(|_| errors.is_empty()), errors, warnings })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_checked_and_then_all_together() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &[u8]| std::fs::write(directory.path().join(name), text).unwrap();
        write("a.yaml", b"domain: a\ndescriptors: [{key: k, rate_limit: {unit: day, requests_per_unit: 5}}]");
        let options = CheckOptions { ignore_dot_files: true, ..CheckOptions::default() };
        let good = check(directory.path(), options).unwrap();
        assert_eq!((good.files, good.errors.len(), good.config.unwrap().rules().len()), (1, 0, 1));
        write("b.yaml", b"domain: b\ndescriptors:\n- key: k\n  rate_limit: {unit: x}\n");
        write("c.yaml", b"domain: c\n# \xff");
        std::fs::create_dir(directory.path().join("d")).unwrap();
        write("d/d.yaml", b"domain: a\n");
        std::os::unix::fs::symlink("nowhere", directory.path().join("e.yaml")).unwrap();
        write(".hidden", b"?");
        let bad = check(directory.path(), options).unwrap();
        assert_eq!((bad.files, bad.config.is_none()), (5, true));
        let shown: Vec<_> = bad.errors.iter().map(|error| format!("{}:{}", error.line, error.message)).collect();
        let expected = [
            "3:invalid rate limit unit 'x'",
            "2:error loading config file: yaml: invalid leading UTF-8 octet",
            "0:No such file or directory (os error 2)",
            "0:duplicate domain 'a' in config file",
        ];
        assert_eq!(shown, expected);
        let one = check(&directory.path().join("b.yaml"), options).unwrap();
        assert_eq!((one.files, one.errors.len()), (1, 1));
        // The service reads what is hidden unless it is told not to.
        let all = check(directory.path(), CheckOptions::default()).unwrap();
        assert_eq!((all.files, all.errors.len()), (6, 5));
    }

    #[test]
    fn a_file_may_be_a_pipe() {
        use std::os::fd::AsRawFd;
        let (end, mut writer) = std::io::pipe().unwrap();
        std::io::Write::write_all(&mut writer, b"domain: a\n").unwrap();
        drop(writer);
        let path = format!("/dev/fd/{}", end.as_raw_fd());
        let checked = check(Path::new(&path), CheckOptions::default()).unwrap();
        assert_eq!((checked.files, checked.config.is_some()), (1, true), "{:?}", checked.errors);
        assert!(check(Path::new("/nowhere"), CheckOptions::default()).is_err());
    }

    #[test]
    fn only_the_first_document_of_a_file_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.yaml");
        for (text, line) in [
            ("---\ndomain: a\n", None),
            ("domain: a\n---\n", None),
            ("domain: a\n...\n", None),
            ("domain: a\n---\ndomain: b\n", Some(3)),
            ("domain: a\n--- # more\n\n- b\n", Some(4)),
        ] {
            std::fs::write(&file, text).unwrap();
            let checked = check(directory.path(), CheckOptions::default()).unwrap();
            assert!(checked.errors.is_empty() && checked.config.is_some(), "{text}");
            assert_eq!(
                checked.warnings.iter().map(|warning| warning.line).collect::<Vec<_>>(),
                Vec::from_iter(line),
                "{text}"
            );
        }
    }
}

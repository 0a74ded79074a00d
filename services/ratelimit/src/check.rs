//! Checks files of rules without serving them.

use std::path::Path;

use crate::config::{Config, ConfigError, ConfigErrors, Loader, RawDescriptor, Source, second_document};
use crate::provider::files::directory::{self, File};
use crate::stats::Registry;

/// What a directory holds.
#[derive(Debug)]
pub struct Checked {
    /// How many files there are.
    pub files: usize,
    /// The rules, where nothing is wrong.
    pub config: Option<Config>,
    /// What is wrong, by file and line. Of a file that is no YAML that is all.
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
        match text.map_err(ConfigErrors::from).and_then(|text| Source::parse(&file.name, &text)) {
            Ok(source) => {
                let root = &source.root;
                without_count(&source.name, &root.domain, &root.descriptors, &mut warnings);
                sources.push(source);
            }
            Err(wrong) => errors.extend(wrong),
        }
    }
    let config = loader.load(sources).map_err(|wrong| errors.extend(wrong)).ok();
    errors.sort_by(|one, other| (&one.file, one.line).cmp(&(&other.file, other.line)));
    Ok(Checked { files: files.len(), config: config.filter(|_| errors.is_empty()), errors, warnings })
}

/// Limits that do not say how many there may be, and so let nothing pass.
fn without_count(file: &str, parent: &str, descriptors: &[RawDescriptor], warnings: &mut Vec<ConfigError>) {
    for descriptor in descriptors {
        let RawDescriptor { key, value, line, .. } = descriptor;
        let path = format!("{parent}.{key}{}{value}", if value.is_empty() { "" } else { "_" });
        let limit = descriptor.rate_limit.as_ref();
        if limit.is_some_and(|limit| limit.requests_per_unit.is_none() && !limit.unlimited) {
            let message =
                "there is no requests_per_unit, which is taken as 0: every request is over this limit".to_owned();
            warnings.push(ConfigError { file: file.to_owned(), message, line: *line, path: path.clone() });
        }
        without_count(file, &path, &descriptor.descriptors, warnings);
    }
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
            &format!(
                "0:duplicate domain 'a' in config file: {} has it already",
                directory.path().join("a.yaml").display()
            ),
            "0:No such file or directory (os error 2)",
        ];
        assert_eq!(shown, expected);
        let one = check(&directory.path().join("b.yaml"), options).unwrap();
        assert_eq!((one.files, one.errors.len()), (1, 1));
        // The service reads what is hidden unless it is told not to.
        let all = check(directory.path(), CheckOptions::default()).unwrap();
        assert_eq!((all.files, all.errors.len()), (6, 5));
    }

    #[test]
    fn all_that_is_wrong_in_a_file_is_told_with_its_place() {
        let told = |text: &str| {
            let directory = tempfile::tempdir().unwrap();
            std::fs::write(directory.path().join("a.yaml"), text).unwrap();
            let Checked { errors, warnings, .. } = check(directory.path(), CheckOptions::default()).unwrap();
            let told = |error: ConfigError| format!("{}:{}: {}", error.line, error.path, error.message);
            (errors.into_iter().map(told).collect::<Vec<_>>(), warnings.into_iter().map(told).collect::<Vec<_>>())
        };
        let (errors, _) = told(
            "domain: d\ndescriptors:\n- {key: a, rate_limit: {unit: x}, descriptors: [{value: v}]}\n- {key: a}\n\
             - {key: b, share_threshold: true, rate_limit: {unit: y}}\n",
        );
        let expected = [
            "3:d.a: invalid rate limit unit 'x'",
            "3:d.a: descriptor has empty key",
            "4:d.a: duplicate descriptor composite key 'd.a'",
            "5:d.b: invalid rate limit unit 'y'",
            "5:d.b: share_threshold can only be used with wildcard values (containing '*'), but found key 'b'",
        ];
        assert_eq!(errors, expected);
        let (errors, _) = told(
            "domain: d\nx: 1\ndescriptors:\n- key: a\n  value: v\n  rate_limit: {unti: day}\n  descriptors:\n  - {key: b, z: 1}\n",
        );
        let unknown = |place: &str, key: &str| format!("{place}: config error, unknown key '{key}'");
        assert_eq!(errors, [unknown("2:d", "x"), unknown("6:d.a_v", "unti"), unknown("8:d.a_v.b", "z")]);
        let (errors, warnings) = told(
            "domain: d\ndescriptors:\n- {key: a, rate_limit: {unlimited: true}}\n- {key: b, rate_limit: {unit: day, \
             requests_per_unit: 0}}\n- {key: c, descriptors: [{key: e, value: f, rate_limit: {unit: day}}]}\n",
        );
        assert!(errors.is_empty(), "{errors:?}");
        let expected =
            "5:d.c.e_f: there is no requests_per_unit, which is taken as 0: every request is over this limit";
        assert_eq!(warnings, [expected]);
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

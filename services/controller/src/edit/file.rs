//! The file of an object, and the part of it that is the object.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nuncio_api::{Location, document_at};
use xxhash_rust::xxh3::xxh3_128;

use crate::admin::ChangeError;

/// The text of an object.
#[derive(Debug)]
pub(super) struct Manifest {
    /// The file as people know it.
    pub(super) name: Arc<str>,
    path: PathBuf,
    /// All that it holds.
    file: String,
    /// Where the text begins in it.
    start: usize,
    pub(super) line: u32,
    pub(super) text: String,
    pub(super) digest: String,
}

impl Manifest {
    /// Reads the document that has this place.
    pub(super) fn read(directory: &Path, location: &Location) -> Result<Self, ChangeError> {
        let path = directory.join(&*location.file);
        let cannot = |error: io::Error| ChangeError::Io(format!("{} cannot be read: {error}", location.file));
        if fs::symlink_metadata(&path).map_err(cannot)?.is_symlink() {
            return Err(ChangeError::NotEditable(format!("{} is a link: change what it leads to", location.file)));
        }
        let file = fs::read_to_string(&path).map_err(cannot)?;
        let document = document_at(&file, location.line).ok_or(ChangeError::Missing)?;
        Ok(Self {
            name: Arc::clone(&location.file),
            start: document.start,
            line: document.line,
            text: document.text.to_owned(),
            digest: format!("{:032x}", xxh3_128(file.as_bytes())),
            path,
            file,
        })
    }

    /// Puts another text in its place: the file is the old one or the new one at any moment, and nothing between.
    pub(super) fn write(&self, text: &str) -> Result<(), ChangeError> {
        let end = self.start + self.text.len();
        let whole = [&self.file[..self.start], text, &self.file[end..]].concat();
        self.replace(whole.as_bytes())
            .map_err(|error| ChangeError::Io(format!("{} cannot be written: {error}", self.name)))
    }

    fn replace(&self, whole: &[u8]) -> io::Result<()> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        // Hidden files are no manifests.
        let beside = self.path.with_file_name(format!(".{name}.{:016x}", fastrand::u64(..)));
        let written = (|| {
            let mut file = OpenOptions::new().write(true).create_new(true).open(&beside)?;
            file.set_permissions(fs::metadata(&self.path)?.permissions())?;
            file.write_all(whole)?;
            file.sync_all()?;
            fs::rename(&beside, &self.path)
        })();
        if written.is_err() {
            // What was left over is of no use; that it stays would be told by nobody.
            let _ = fs::remove_file(&beside);
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_changes_and_its_neighbours_stay() {
        let directory = tempfile::tempdir().unwrap();
        let (path, text) = (directory.path().join("a.yaml"), "a: 1\n---\nb: 1\n---\nc: 1\n");
        fs::write(&path, text).unwrap();
        let location = Location { file: "a.yaml".into(), line: 3, column: 1 };
        let manifest = Manifest::read(directory.path(), &location).unwrap();
        assert_eq!((manifest.text.as_str(), manifest.line), ("b: 1\n", 3));
        manifest.write("b: 2\n# more\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "a: 1\n---\nb: 2\n# more\n---\nc: 1\n");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");

        let again = Manifest::read(directory.path(), &location).unwrap();
        assert_ne!(again.digest, manifest.digest);
        std::os::unix::fs::symlink(&path, directory.path().join("l.yaml")).unwrap();
        let link = Location { file: "l.yaml".into(), ..location };
        assert!(matches!(Manifest::read(directory.path(), &link), Err(ChangeError::NotEditable(_))));
    }
}

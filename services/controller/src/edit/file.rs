//! The file of an object, and the part of it that is the object.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use nuncio_api::{Kind, Location, Masked, document_at};
use nuncio_telemetry::replace_file;

use super::conflict;
use super::manifest::{Manifest, Place};
use crate::admin::ChangeError;

/// A file, around the text of an object.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    before: String,
    document: String,
    after: String,
}

impl File {
    /// Reads the document that has this place.
    pub(super) fn read(directory: &Path, kind: Kind, location: &Location) -> Result<Manifest, ChangeError> {
        let path = directory.join(&*location.file);
        let cannot = |error: io::Error| ChangeError::Io(format!("{} cannot be read: {error}", location.file));
        if fs::symlink_metadata(&path).map_err(cannot)?.is_symlink() {
            return Err(ChangeError::NotEditable(format!("{} is a link: change what it leads to", location.file)));
        }
        let whole = fs::read_to_string(&path).map_err(cannot)?;
        let document = document_at(&whole, location.line).ok_or(ChangeError::Missing)?;
        let end = document.start + document.text.len();
        let (before, after) = (whole[..document.start].to_owned(), whole[end..].to_owned());
        let text = document.text.to_owned();
        Ok(Manifest {
            name: Arc::clone(&location.file),
            line: document.line,
            digest: digest(kind, &text),
            place: Place::File(Self { path, before, document: text.clone(), after }),
            text,
        })
    }

    /// Puts a text between, if the file still is what was read.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), ChangeError> {
        let now = fs::read_to_string(&self.path);
        let now = now.map_err(|error| ChangeError::Io(format!("{name} cannot be read: {error}")))?;
        let around = |text: &str| [&self.before, text, &self.after].concat();
        if now != around(&self.document) {
            return Err(ChangeError::Conflict(name.to_owned()));
        }
        let whole = around(text);
        let written = replace_file(&self.path, whole.as_bytes(), 0o644);
        written.map_err(|error| ChangeError::Io(format!("{name} cannot be written: {error}")))
    }
}

/// Of what is shown of a text.
fn digest(kind: Kind, text: &str) -> String {
    conflict::digest(&Masked::of(kind, text).map(|masked| masked.text).unwrap_or_default())
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
        let manifest = File::read(directory.path(), Kind::Mapping, &location).unwrap();
        assert_eq!((manifest.text.as_str(), manifest.line), ("b: 1\n", 3));
        manifest.write("b: 2\n# more\n", |_| false).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "a: 1\n---\nb: 2\n# more\n---\nc: 1\n");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");

        let again = File::read(directory.path(), Kind::Mapping, &location).unwrap();
        assert_ne!(again.digest, manifest.digest);
        let late = manifest.write("b: 3\n", |_| true);
        assert_eq!(late, Err(ChangeError::Conflict("a.yaml".to_owned())), "another was faster");
        std::os::unix::fs::symlink(&path, directory.path().join("l.yaml")).unwrap();
        let link = Location { file: "l.yaml".into(), ..location };
        assert!(matches!(File::read(directory.path(), Kind::Mapping, &link), Err(ChangeError::NotEditable(_))));
    }
}

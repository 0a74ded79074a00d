//! The file of an object, and the part of it that is the object.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use nuncio_api::{Kind, Location, Masked, document_at};
use nuncio_telemetry::{make_file, replace_file};

use super::manifest::{Manifest, Place};
use super::{conflict, lines, patch};
use crate::admin::ChangeError;
use crate::source::walk::{is_hidden, is_manifest};

/// What separates documents, on a line of its own.
const SEPARATOR: &str = "---";

/// A file, around the text of an object.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    /// What it held; nothing where there was none.
    whole: Option<String>,
    before: String,
    after: String,
}

impl File {
    /// Reads the document that has this place.
    pub(super) fn read(directory: &Path, kind: Kind, location: &Location) -> Result<Manifest, ChangeError> {
        let path = directory.join(&*location.file);
        let whole = read(&path, &location.file)?.ok_or(ChangeError::Missing)?;
        let document = document_at(&whole, location.line).ok_or(ChangeError::Missing)?;
        let end = document.start + document.text.len();
        let (before, after) = (whole[..document.start].to_owned(), whole[end..].to_owned());
        let (text, line) = (lines::shown(document.text), document.line);
        Ok(Manifest {
            name: Arc::clone(&location.file),
            line,
            digest: digest(kind, &text),
            place: Place::File(Self { path, whole: Some(whole), before, after }),
            text,
        })
    }

    /// The end of a file of the directory, which need not be there, for an object that begins with this text. Why it is none for
    /// that is said of the field in which the file is named.
    pub(super) fn end_of(directory: &Path, name: &str, text: String) -> Result<Manifest, ChangeError> {
        Self::end(directory, name, text).map_err(|error| match error {
            ChangeError::NotEditable(why) | ChangeError::Invalid(why) => {
                ChangeError::Field { field: "file".to_owned(), why }
            }
            other => other,
        })
    }

    fn end(directory: &Path, name: &str, text: String) -> Result<Manifest, ChangeError> {
        let path = within(directory, name)?;
        let whole = read(&path, name)?;
        let mut before = whole.clone().unwrap_or_default();
        if !before.is_empty() && !before.ends_with('\n') {
            return Err(ChangeError::NotEditable(format!("the last line of {name} has no end: choose another file")));
        }
        if !is_blank(&before) {
            let end = lines::end(&before);
            before.extend([SEPARATOR, end]);
        }
        let line = u32::try_from(before.lines().count() + 1).unwrap_or(u32::MAX);
        let place = Place::File(Self { path, whole, before, after: String::new() });
        Ok(Manifest { name: name.into(), line, digest: String::new(), text, place })
    }

    /// Puts a text between, if the file still is what was read.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), ChangeError> {
        self.check(name)?;
        let text = self.in_lines(text);
        let whole = [&self.before, text.as_str(), &self.after].concat();
        let written = match self.whole {
            Some(_) => replace_file(&self.path, whole.as_bytes(), 0o644).map(|()| true),
            // Somebody may make one of that name at the same time.
            None => make_file(&self.path, whole.as_bytes(), 0o644),
        };
        match written {
            Ok(true) => Ok(()),
            Ok(false) => Err(ChangeError::Conflict(name.to_owned())),
            Err(error) => Err(ChangeError::Io(format!("{name} cannot be written: {error}"))),
        }
    }

    /// What stands there of the object; nothing where it is new.
    fn document(&self) -> &str {
        let behind = self.whole.as_deref().and_then(|whole| whole.strip_prefix(self.before.as_str()));
        behind.and_then(|text| text.strip_suffix(self.after.as_str())).unwrap_or_default()
    }

    /// A text of the object with lines that end as there.
    fn in_lines(&self, text: &str) -> String {
        match self.document() {
            "" => text.replace('\n', lines::end(&self.before)),
            document => lines::as_in(document, text),
        }
    }

    fn check(&self, name: &str) -> Result<(), ChangeError> {
        if read(&self.path, name)? == self.whole { Ok(()) } else { Err(ChangeError::Conflict(name.to_owned())) }
    }

    /// What stands before the document, without the line that separates it from others.
    fn kept(&self) -> &str {
        let line = self.before.trim_end_matches(['\r', '\n']).rfind('\n').map_or(0, |at| at + 1);
        let is_between = self.after.is_empty() || self.after.starts_with("---");
        if is_between && self.before[line..].starts_with("---") { &self.before[..line] } else { &self.before }
    }

    /// What is left of the file without the document.
    pub(super) fn rest(&self) -> String {
        [self.kept(), &self.after].concat()
    }

    /// Takes the document away, and the file with it where nothing is left.
    pub(super) fn remove(&self, name: &str) -> Result<(), ChangeError> {
        self.check(name)?;
        let rest = self.rest();
        let done = if is_blank(&rest) {
            fs::remove_file(&self.path)
        } else {
            replace_file(&self.path, rest.as_bytes(), 0o644)
        };
        done.map_err(|error| ChangeError::Io(format!("{name} cannot be written: {error}")))
    }

    /// A change as a patch of the file, where the object is on this line: of what is told of it to what is told then.
    pub(super) fn change(&self, name: &str, line: u32, old: &str, new: &str) -> String {
        let old = self.in_lines(old);
        patch::unified(name, line, &old, &lines::as_in(&old, new))
    }

    /// A new object as a patch of the file: `text` is what is told of it.
    pub(super) fn creation(&self, name: &str, text: &str) -> String {
        let old = self.whole.as_deref();
        patch::appended(
            name,
            old.map(|old| old.lines().count()),
            &[&self.before[old.map_or(0, str::len)..], &self.in_lines(text)].concat(),
        )
    }

    /// The removal as a patch of the file: `text` is what is told of the object.
    pub(super) fn removal(&self, name: &str, text: &str) -> String {
        let (rest, kept, text) = (self.rest(), self.kept(), self.in_lines(text));
        if is_blank(&rest) {
            return patch::removed(name, 0, &[&self.before, text.as_str(), &self.after].concat(), true);
        }
        patch::removed(name, kept.lines().count(), &[&self.before[kept.len()..], text.as_str()].concat(), false)
    }
}

/// Whether a file says nothing, not even in a comment.
fn is_blank(text: &str) -> bool {
    text.lines().all(|line| line.trim().is_empty() || line.trim_end() == "---")
}

/// What a file holds; nothing where there is none.
fn read(path: &Path, name: &str) -> Result<Option<String>, ChangeError> {
    let cannot = |error: io::Error| ChangeError::Io(format!("{name} cannot be read: {error}"));
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot(error)),
        Ok(found) if found.is_symlink() => {
            return Err(ChangeError::NotEditable(format!("{name} is a link: change what it leads to")));
        }
        Ok(_) => {}
    }
    fs::read_to_string(path).map(Some).map_err(cannot)
}

/// A file that the directory is read for.
fn within(directory: &Path, name: &str) -> Result<PathBuf, ChangeError> {
    let refused = |why: &str| Err(ChangeError::Invalid(format!("\"{name}\" is no file for manifests: {why}")));
    let relative = Path::new(name);
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(part) if !is_hidden(part));
    if name.is_empty() || !relative.components().all(is_plain) || name.chars().any(char::is_control) {
        return refused("say one within the directory, by its path there");
    }
    if !relative.file_name().is_some_and(is_manifest) || relative.extension().is_some_and(|it| it == "json") {
        return refused("its name has to end in .yaml or .yml");
    }
    let path = directory.join(relative);
    let real = |path: &Path| path.canonicalize().ok();
    match (path.parent().and_then(real), real(directory)) {
        (Some(parent), Some(directory)) if parent.starts_with(&directory) => Ok(path),
        (Some(_), _) => refused("a link leads out of the directory"),
        (None, _) => refused("there is no such directory"),
    }
}

/// Of what is shown of a text.
fn digest(kind: Kind, text: &str) -> String {
    conflict::digest(&Masked::of(kind, text).map(|masked| masked.text).unwrap_or_default())
}

#[cfg(test)]
mod tests;

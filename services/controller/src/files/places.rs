//! Puts problems where their fields stand.
//!
//! A problem of an object among others names the object and the field, and comes up long after the text was read. No text
//! is kept for that: the file is read again when a problem is shown, and used if it still is what was read before.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use nuncio_api::{Text, locate};
use xxhash_rust::xxh3::xxh3_128;

use super::Files;
use crate::event::LocatedProblem;
use crate::source::ROOT;

impl Files {
    /// These files are in `directory`, if they are files.
    pub(crate) fn within(self, directory: Option<&Path>) -> Self {
        Self { directory: directory.map(Path::to_owned), ..self }
    }

    /// Gives problems that name a field and stand at their whole object the place of the field, and its line. Those of
    /// which the text has changed since stay where they are. The directory itself is called by its name, and fields as they are
    /// written in objects of the kind.
    pub(crate) fn locate<'p>(&self, problems: impl IntoIterator<Item = &'p mut LocatedProblem>) {
        let mut problems: Vec<_> = problems.into_iter().collect();
        self.place(problems.iter_mut().map(|problem| &mut **problem));
        for problem in problems {
            if let Some(id) = &problem.object {
                problem.problem = problem.problem.clone().as_written_in(id.kind);
            }
        }
    }

    fn place<'p>(&self, problems: impl IntoIterator<Item = &'p mut LocatedProblem>) {
        let mut by_file = BTreeMap::<Arc<str>, Vec<&mut LocatedProblem>>::new();
        for problem in problems.into_iter().filter(|problem| problem.snippet.is_empty()) {
            let Some(location) = &mut problem.location else { continue };
            if *location.file == *ROOT {
                location.file = self.root_name();
            } else if !problem.problem.field.is_empty() {
                by_file.entry(Arc::clone(&location.file)).or_default().push(problem);
            }
        }
        for (file, problems) in by_file {
            if let Some(bytes) = self.text_of(&file) {
                self.locate_in(&bytes, &file, problems);
            }
        }
    }

    fn locate_in(&self, bytes: &[u8], file: &Arc<str>, problems: Vec<&mut LocatedProblem>) {
        let wanted = problems.iter().filter_map(|problem| {
            Some((problem.object.as_ref()?, problem.location.as_ref()?, problem.problem.field.as_str()))
        });
        let wanted: Vec<_> = wanted.collect();
        let found = locate(bytes, file, &self.defaults, &wanted);
        let text = Text::new(bytes);
        let known = problems.into_iter().filter(|problem| problem.object.is_some());
        for (problem, place) in known.zip(found) {
            if let Some(place) = place {
                problem.snippet = text.snippet(&place);
                problem.location = Some(place);
            }
        }
    }

    /// The directory, as the user named it.
    fn root_name(&self) -> Arc<str> {
        self.directory.as_ref().map_or_else(|| Arc::from(ROOT), |directory| directory.to_string_lossy().into())
    }

    /// The text of a file, if it is what was last read of it.
    fn text_of(&self, file: &str) -> Option<Vec<u8>> {
        let read = self.files.get(file)?.hash?;
        let bytes = std::fs::read(self.directory.as_ref()?.join(file)).ok()?;
        (xxh3_128(&bytes) == read).then_some(bytes)
    }
}

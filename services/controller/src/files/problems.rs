//! What is wrong with files, and with the texts of objects.

use nuncio_api::{Location, Object, ObjectId, Problem, Severity};

use super::{Files, Found};

impl Files {
    /// What is wrong with files, and with the texts of objects.
    pub(crate) fn problems(&self) -> impl Iterator<Item = Found> {
        self.files.values().flat_map(|file| {
            let of_objects = file.objects.iter().flat_map(|object| self.object_problems(object));
            file.problems.iter().cloned().chain(of_objects)
        })
    }

    /// What is wrong with the text of one object.
    pub(crate) fn problems_of(&self, id: &ObjectId) -> Vec<Found> {
        self.object(id).map(|object| self.object_problems(object)).unwrap_or_default()
    }

    /// What is wrong with the texts of one object that do not count; that they do not, for one.
    pub(crate) fn problems_of_ousted(&self, id: &ObjectId) -> impl Iterator<Item = Found> {
        let counts = self.counting(id).map(|(file, _)| file);
        let ousted = self.owners.get(id).into_iter().flatten().filter(move |file| Some(*file) != counts);
        let objects = ousted.filter_map(|file| self.files.get(file)?.objects.get(id));
        objects.flat_map(|object| self.object_problems(object))
    }

    /// Problems of whole files, objects aside.
    pub(crate) fn problems_in(&self, file: &str) -> Vec<Found> {
        self.files.get(file).map(|file| file.problems.clone()).unwrap_or_default()
    }

    /// What is wrong with the file of an object that is as it was read before.
    pub(crate) fn problems_behind(&self, id: &ObjectId) -> Vec<Found> {
        let file = self.counting(id).and_then(|(file, _)| self.files.get(file));
        let problems = file.filter(|file| file.left.contains(id)).into_iter().flat_map(|file| &file.problems);
        problems.filter(|found| found.problem.severity == Severity::Error).cloned().collect()
    }

    fn object_problems(&self, object: &Object) -> Vec<Found> {
        let file = self.files.get(&object.location.file);
        let snippet = |location: &Location| file.and_then(|file| file.snippets.get(location)).cloned();
        let mut problems: Vec<_> = object
            .problems
            .iter()
            .map(|(problem, location)| Found {
                object: Some(object.id.clone()),
                called: None,
                problem: problem.clone(),
                location: location.clone(),
                snippet: snippet(location).unwrap_or_default(),
            })
            .collect();
        let counts = self.counting(&object.id).map(|(file, _)| file);
        if let Some(counts) = counts.filter(|counts| **counts != object.location.file) {
            let message = format!(
                "has no effect: {counts} has {} too, and the last file with a usable one counts, one in an annotation after all others",
                object.id
            );
            problems.push(Found {
                object: Some(object.id.clone()),
                called: None,
                problem: Problem::warning("Duplicate", "", message),
                location: object.location.clone(),
                snippet: String::new(),
            });
        }
        problems
    }
}

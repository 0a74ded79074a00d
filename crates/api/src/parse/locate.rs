//! Finds fields again, for problems that come up long after their text was read.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Defaults, Reader};
use crate::yaml::{self, Mark, Node, place};
use crate::{Location, Object, ObjectId};

/// Tells where fields stand in a text. Each is asked for by its object, by where that begins ([`Object::location`]), and by its
/// name as [`Problem::field`](crate::Problem::field) has it. A field that is not written has the place of what it would stand in; `None`
/// where no such object begins. Reads no more of the text than the documents that are asked for.
#[must_use]
pub fn locate(
    text: &[u8],
    file: &Arc<str>,
    defaults: &Defaults,
    wanted: &[(&ObjectId, &Location, &str)],
) -> Vec<Option<Location>> {
    let mut reader = Reader::new(file, defaults);
    reader.seek = Some(Seek::new(wanted));
    let documents = yaml::split(text);
    let ends = documents.iter().skip(1).map(|next| next.line).chain([u32::MAX]);
    for (document, end) in documents.iter().zip(ends) {
        if reader.seek.as_ref().is_some_and(|seek| seek.is_within(document.line, end)) {
            reader.chunk(document.bytes, document.line);
        }
    }
    let marks = reader.seek.map(|seek| seek.found).unwrap_or_default();
    let location = |mark: Mark| Location { file: Arc::clone(file), line: mark.line, column: mark.column };
    marks.into_iter().map(|mark| mark.map(location)).collect()
}

/// A field of an object, and where in [`Seek::found`] its place goes.
type Wanted<'w> = (usize, &'w ObjectId, &'w str);

/// Notes the places of fields while a text is read.
pub(super) struct Seek<'w> {
    /// By line and column of the object.
    wanted: BTreeMap<(u32, u32), Vec<Wanted<'w>>>,
    found: Vec<Option<Mark>>,
}

impl<'w> Seek<'w> {
    fn new(fields: &[(&'w ObjectId, &Location, &'w str)]) -> Self {
        let mut wanted = BTreeMap::<_, Vec<_>>::new();
        for (index, (object, location, field)) in fields.iter().enumerate() {
            wanted.entry((location.line, location.column)).or_default().push((index, *object, *field));
        }
        Self { wanted, found: vec![None; fields.len()] }
    }

    /// Whether an object is asked for that begins on these lines.
    fn is_within(&self, first: u32, end: u32) -> bool {
        self.wanted.range((first, 0)..(end, 0)).next().is_some()
    }

    /// Looks at an object that was read, and at its tree in the form of the newest version.
    pub(super) fn object(&mut self, object: &Object, node: &Node<'_>) {
        let at = (object.location.line, object.location.column);
        let wanted = self.wanted.get(&at).into_iter().flatten();
        for (index, _, field) in wanted.filter(|(_, id, _)| **id == object.id) {
            if let Some(found) = self.found.get_mut(*index) {
                *found = Some(place(node, field));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::locate;
    use crate::{Defaults, Kind, Location, ObjectId};

    const TEXT: &str = "\
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: a}
spec:
  host: a.example
  headers:
    x.y: b
  circuit_breakers:
  - priority: default
  - priority: high
    max_requests: 5
---
apiVersion: v1
kind: List
items:
- apiVersion: getambassador.io/v3alpha1
  kind: Host
  metadata: {name: b}
  spec:
    tls_secret: {name: c}
    tlsContext:
- apiVersion: v1
  kind: Service
  metadata:
    name: s
    annotations:
      getambassador.io/config: |
        apiVersion: getambassador.io/v3alpha1
        kind: Mapping
        name: d
        prefix: /
        tls: e
";

    #[test]
    fn fields_are_found_where_they_are_written() {
        let (a, b, d) = ((1, 1, Kind::Mapping, "a"), (16, 3, Kind::Host, "b"), (28, 9, Kind::Mapping, "d"));
        let table = [
            (a, "spec.host", Some((5, 9))),
            (a, "spec.tls", Some((5, 3))),
            (a, "spec.headers[\"x.y\"]", Some((7, 10))),
            (a, "spec.circuit_breakers[1].max_requests", Some((11, 19))),
            (a, "spec.circuit_breakers[2].max_requests", Some((9, 3))),
            (a, "nothing", Some((1, 1))),
            (a, "", Some((1, 1))),
            ((1, 1, Kind::Mapping, "b"), "spec.host", None),
            ((2, 1, Kind::Mapping, "a"), "spec.host", None),
            (b, "spec.tlsSecret.name", Some((20, 24))),
            (b, "spec.tlsContext", Some((21, 5))),
            (d, "spec.tls", Some((32, 14))),
        ];
        let file = Arc::from("f");
        let objects = table.map(|((line, column, kind, name), _, _)| {
            (ObjectId::new(kind, "default", name), Location { file: Arc::clone(&file), line, column })
        });
        let wanted: Vec<_> = objects.iter().zip(&table).map(|((id, location), row)| (id, location, row.1)).collect();
        let found = locate(TEXT.as_bytes(), &file, &Defaults::default(), &wanted);
        for (row, found) in table.iter().zip(found) {
            assert_eq!(found.map(|at| (at.line, at.column)), row.2, "{row:?}");
        }
    }
}

//! Documents that are no object as they are written: what is said of them, and what is known of them all the same.

use super::Carrier;
use crate::parse::envelope::{Given, is_of_our_group, names, own_annotations, title, top};
use crate::parse::issues::Issues;
use crate::parse::{Reader, recover, remains, typed};
use crate::yaml::{DeError, Mark, Node, Path};
use crate::{Guard, Kind, Object, ObjectId, Problem, Remains, Spec};

impl Reader<'_> {
    /// Notes what is wrong with an object whose kind, as it is written, is none that is read.
    pub(super) fn not_read(
        &mut self,
        node: &Node<'_>,
        carrier: Option<&Carrier>,
        mark: Mark,
        id: Option<ObjectId>,
        problem: Problem,
    ) {
        let called = title(node, self.inherited(carrier));
        self.problem(mark, id, problem);
        if let Some(noted) = self.parsed.problems.last_mut() {
            noted.called = called;
        }
    }

    /// The id of what was evidently meant as an object that shuts somebody out, by its kind or, where that cannot be read,
    /// by its fields. Even without a name it is known to be there.
    pub(super) fn meant_guard(
        &mut self,
        node: &Node<'_>,
        kind: Option<&str>,
        carrier: Option<&Carrier>,
    ) -> Option<ObjectId> {
        let with_field = || Guard::with_field(&|field| node.get("spec").is_some_and(|spec| spec.get(field).is_some()));
        let guard = match kind {
            Some(kind) if Kind::from_name(kind).is_some() => Guard::meant(kind),
            Some(kind) => Guard::meant(kind).or_else(with_field),
            None => with_field(),
        }?;
        let named = self.id(guard.kind, &names(node), carrier);
        named.or_else(|| Some(recover::nameless(guard.kind, self.inherited(carrier))))
    }

    /// Says what a document lacks to be an object.
    pub(super) fn no_object(&mut self, node: &Node<'_>, api_version: Option<&str>, kind: Option<&str>) {
        let problem = match (api_version, kind) {
            (None, None) if node.get("apiVersion").is_none() && node.get("kind").is_none() => {
                Problem::warning("NotAnObject", "", "no Kubernetes object: it has neither apiVersion nor kind")
            }
            (None, _) => Problem::error("NotAnObject", "apiVersion", "an object needs an apiVersion, as text"),
            (Some(_), _) => Problem::error("NotAnObject", "kind", "an object needs a kind, as text"),
        };
        let path = Path::Root;
        let mark = path.key(&problem.field).mark(node);
        // Without a kind it may be anybody's, but for its group.
        let is_ours = kind.is_some() || api_version.is_some_and(is_of_our_group);
        let id = if is_ours { self.meant_guard(node, kind, None) } else { None };
        self.problem(mark, id, problem);
    }

    /// Keeps an object of which nothing is used but its name, with what is wrong with it.
    pub(super) fn refuse(
        &mut self,
        node: &Node<'_>,
        kind: Option<Kind>,
        carrier: Option<&Carrier>,
        mark: Mark,
        problem: Problem,
    ) {
        let Some(id) = kind.and_then(|kind| self.id(kind, &names(node), carrier)) else {
            let (kind, _) = top(node, "kind");
            let id = self.meant_guard(node, kind, carrier);
            return self.not_read(node, carrier, mark, id, problem);
        };
        let mut issues = Issues::new(node, self.file);
        issues.push(mark, problem);
        let remains = match remains::of(&id, node, self.file) {
            // What they mean in another version is not known.
            Remains::Conditions(_) | Remains::Connections(_) => Remains::Nothing,
            remains => remains,
        };
        let Given { generation, uid, created } = Given::of(node);
        let object = Object {
            id,
            location: self.location(node.mark),
            labels: carrier.map(|carrier| carrier.labels.clone()).unwrap_or_default(),
            annotations: carrier.map_or_else(|| own_annotations(node), |carrier| carrier.annotations.clone()),
            ambassador_id: typed::instances(node),
            spec: Spec::Invalid(remains),
            problems: issues.finish(),
            generation,
            uid,
            created,
            annotated: carrier.is_some(),
        };
        self.keep(object, node);
    }

    pub(super) fn nameless(&mut self, node: &Node<'_>, kind: Kind, wrong: Option<DeError>) {
        let id = self.meant_guard(node, Some(kind.as_str()), None);
        match wrong {
            Some(error) => {
                let mark = error.mark.unwrap_or(node.mark);
                self.problem(mark, id, Problem::error("InvalidValue", error.path, error.message));
            }
            None => {
                let (root, message) = (Path::Root, format!("{} needs a name", kind.with_article()));
                let metadata = root.key("metadata");
                let path = metadata.key("name");
                self.problem(path.mark(node), id, Problem::error("MissingField", path.to_string(), message));
            }
        }
    }
}

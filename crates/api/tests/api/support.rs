//! What the tests of this crate share.

use std::sync::Arc;

use nuncio_api::{Defaults, Location, Object, Parsed, Problem, Spec, parse};

/// Reads a text under the name `f.yaml`.
pub(crate) fn read(text: &str) -> Parsed {
    parse(text.as_bytes(), &Arc::from("f.yaml"), &Defaults::default())
}

/// The only object of a text, in which nothing else may be wrong.
pub(crate) fn only(text: &str) -> Object {
    let parsed = read(text);
    assert!(parsed.problems.is_empty(), "{text}\n{:?}", parsed.problems);
    assert_eq!(parsed.objects.len(), 1, "{text}\n{parsed:?}");
    parsed.objects.into_iter().next().expect("there is one")
}

/// The object `kind/name` of a text.
pub(crate) fn named<'a>(parsed: &'a Parsed, id: &str) -> &'a Object {
    parsed.objects.iter().find(|object| object.id.to_string() == id).unwrap_or_else(|| panic!("no {id} in {parsed:?}"))
}

/// All problems of a text, those of objects and those of the file.
pub(crate) fn problems(parsed: &Parsed) -> Vec<(Problem, Location)> {
    let of_objects = parsed.objects.iter().flat_map(|object| object.problems.clone());
    let of_file = parsed.problems.iter().map(|file| (file.problem.clone(), file.location.clone()));
    of_objects.chain(of_file).collect()
}

/// Whether the object cannot be used.
pub(crate) fn is_invalid(object: &Object) -> bool {
    matches!(object.spec, Spec::Invalid { .. })
}

/// A Mapping called `m` with this `spec` in flow form, on line 4.
pub(crate) fn mapping(spec: &str) -> String {
    of_kind("Mapping", spec)
}

/// An object called `m` (a Module: `ambassador`) with this `spec` in flow form, on line 4.
pub(crate) fn of_kind(kind: &str, spec: &str) -> String {
    let name = if kind == "Module" { "ambassador" } else { "m" };
    format!("apiVersion: getambassador.io/v3alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n")
}

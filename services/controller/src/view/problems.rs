//! All that is wrong, in the order of its places.

use std::cmp::Ordering;

use crate::engine::{Engine, located};
use crate::event::LocatedProblem;

/// Every problem, of files and of objects.
pub(crate) fn problems(engine: &Engine) -> Vec<LocatedProblem> {
    let of_texts = engine.files.problems().map(located);
    let of_world = engine.world.objects().flat_map(|object| engine.problems_among_others(object));
    let of_nobody = engine.refusals.problems_of(None).into_iter().map(|problem| LocatedProblem::of(None, problem));
    let of_nobody = of_nobody.chain(engine.without_redis());
    let mut problems: Vec<_> = of_texts.chain(of_world).chain(of_nobody).collect();
    problems.sort_by(by_place);
    problems.dedup();
    problems
}

/// The order in which problems are shown.
pub(crate) fn by_place(a: &LocatedProblem, b: &LocatedProblem) -> Ordering {
    (&a.location, &a.problem).cmp(&(&b.location, &b.problem))
}

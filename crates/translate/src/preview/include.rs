//! Previews that include others: what those replace is replaced in them as well.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::{ObjectId, Preview, PreviewInclude, PreviewPolicy, Problem};

/// How many others a preview may have by what it includes, and how far away one may be.
const MOST: usize = 64;
const DEEPEST: usize = 16;

/// A Preview that is included.
#[derive(Clone, Debug)]
pub(crate) struct Part<'w> {
    /// The place of what leads to it, in the spec of the one that includes it.
    pub(crate) index: usize,
    pub(crate) id: ObjectId,
    pub(crate) spec: &'w Preview,
    /// Why nobody stands in for what it replaces, and the baseline must not either.
    pub(crate) absent: Option<String>,
}

/// Why a Preview is not to be had.
#[derive(Clone, Debug)]
pub(crate) struct Absent<'w> {
    pub(crate) why: String,
    /// What it would replace, where that is known.
    pub(crate) spec: Option<&'w Preview>,
}

/// What a Preview includes.
#[derive(Debug, Default)]
pub(crate) struct Group<'w> {
    pub(crate) parts: Vec<Part<'w>>,
    /// On which it hangs, there or not.
    pub(crate) members: BTreeSet<ObjectId>,
    pub(crate) problems: Vec<Problem>,
    /// Something is not there without which nothing is to be shown.
    pub(crate) is_broken: bool,
}

/// Why one is not included.
#[derive(Clone, Debug)]
enum Obstacle {
    /// It leads back to one that includes it.
    Cycle(String),
    /// It is not there.
    Missing {
        why: String,
        /// It is known what it would replace.
        is_known: bool,
    },
}

impl Obstacle {
    fn unknown(why: String) -> Self {
        Self::Missing { why, is_known: false }
    }
}

/// Follows includes from one Preview to the next. What was followed is remembered, so that each is once.
struct Walk<'w, F> {
    find: F,
    anywhere: bool,
    path: Vec<ObjectId>,
    done: BTreeMap<ObjectId, Result<Vec<ObjectId>, Obstacle>>,
    found: BTreeMap<ObjectId, &'w Preview>,
    /// Those of which some must not be left to the baseline though they are not there, and why they are not.
    absent: BTreeMap<ObjectId, String>,
    members: BTreeSet<ObjectId>,
}

/// What a Preview includes, of those that `find` finds; it tells why one is not to be had.
pub(crate) fn group<'w>(
    id: &ObjectId,
    spec: &Preview,
    policy: &PreviewPolicy,
    find: impl Fn(&ObjectId) -> Result<&'w Preview, Absent<'w>>,
) -> Group<'w> {
    let mut walk = Walk {
        find,
        anywhere: policy.allows_foreign_includes(),
        path: vec![id.clone()],
        done: BTreeMap::new(),
        found: BTreeMap::new(),
        absent: BTreeMap::new(),
        members: BTreeSet::new(),
    };
    let (mut group, mut known) = (Group::default(), BTreeSet::new());
    for (index, include) in spec.includes.iter().enumerate() {
        let all = walk.follow(&id.namespace, include).and_then(|all| match known.len() + all.len() > MOST {
            true => Err(Obstacle::unknown(format!("more than {MOST} previews would be included"))),
            false => Ok(all),
        });
        match all {
            Ok(all) => {
                for id in all.into_iter().filter(|id| known.insert(id.clone())) {
                    let Some(spec) = walk.found.get(&id).copied() else { continue };
                    let absent = walk.absent.get(&id).cloned();
                    group
                        .problems
                        .extend(absent.clone().map(|why| Problem::error("IncludeMissing", field(index), why)));
                    group.parts.push(Part { index, id, spec, absent });
                }
            }
            Err(obstacle) => group.lacks(index, include, obstacle),
        }
    }
    Group { members: walk.members, ..group }
}

impl Group<'_> {
    fn lacks(&mut self, index: usize, include: &PreviewInclude, obstacle: Obstacle) {
        self.is_broken |= !include.may_be_missing();
        self.problems.push(match obstacle {
            Obstacle::Cycle(why) => Problem::error("IncludeCycle", field(index), why),
            Obstacle::Missing { why, .. } if include.may_be_missing() => {
                Problem::warning("IncludeMissing", field(index), why)
            }
            Obstacle::Missing { why, .. } => Problem::error("IncludeMissing", field(index), why),
        });
    }
}

fn field(index: usize) -> String {
    format!("spec.includes[{index}]")
}

impl<'w, F: Fn(&ObjectId) -> Result<&'w Preview, Absent<'w>>> Walk<'w, F> {
    /// The same where what is not there, and must be, is among it as far as it is known what it would replace: the rest is as
    /// it would be with it.
    fn follow(&mut self, namespace: &Arc<str>, include: &PreviewInclude) -> Result<Vec<ObjectId>, Obstacle> {
        match self.expand(namespace, include) {
            Err(Obstacle::Missing { why, is_known: true }) if !include.may_be_missing() => {
                let id = include.id(namespace);
                self.absent.insert(id.clone(), why);
                Ok(vec![id])
            }
            found => found,
        }
    }

    /// What is included by one of this namespace with this, that itself first.
    fn expand(&mut self, namespace: &Arc<str>, include: &PreviewInclude) -> Result<Vec<ObjectId>, Obstacle> {
        let id = include.id(namespace);
        if id.namespace != *namespace && !self.anywhere {
            let why = format!("the PreviewPolicy allows previews of the namespace {namespace} alone, not {id}");
            return Err(Obstacle::unknown(why));
        }
        self.members.insert(id.clone());
        if let Some(known) = self.done.get(&id) {
            return known.clone();
        }
        if let Some(at) = self.path.iter().position(|other| *other == id) {
            let way =
                self.path[at..].iter().chain([&id]).map(ToString::to_string).collect::<Vec<_>>().join(" includes ");
            return Err(Obstacle::Cycle(format!("leads back to where it began: {way}")));
        }
        if self.path.len() > DEEPEST {
            return Err(Obstacle::unknown(format!("{id} is more than {DEEPEST} includes away")));
        }
        let all = self.members_of(&id);
        self.done.insert(id, all.clone());
        all
    }

    fn members_of(&mut self, id: &ObjectId) -> Result<Vec<ObjectId>, Obstacle> {
        let spec = match (self.find)(id) {
            Ok(spec) => spec,
            Err(Absent { why, spec }) => {
                // What it would include itself is not looked for.
                let known = spec.filter(|spec| spec.includes.is_empty());
                self.found.extend(known.map(|spec| (id.clone(), spec)));
                return Err(Obstacle::Missing { why, is_known: known.is_some() });
            }
        };
        self.found.insert(id.clone(), spec);
        self.path.push(id.clone());
        let all = self.all_of(id, spec);
        self.path.pop();
        all
    }

    fn all_of(&mut self, id: &ObjectId, spec: &Preview) -> Result<Vec<ObjectId>, Obstacle> {
        let mut all = vec![id.clone()];
        for include in &spec.includes {
            match self.follow(&id.namespace, include) {
                Ok(more) => all.extend(more),
                Err(Obstacle::Missing { .. }) if include.may_be_missing() => {}
                Err(obstacle) => return Err(obstacle),
            }
        }
        let mut known = BTreeSet::new();
        all.retain(|id| known.insert(id.clone()));
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use nuncio_api::{Kind, PreviewIncludes, WhenMissing};

    use super::*;

    /// Previews by their names, each with those that it includes; `?` stands behind what may be missing.
    fn told(previews: &[(&str, &[&str])], policy: &PreviewPolicy) -> (Vec<String>, Vec<&'static str>, bool) {
        let include = |name: &&str| {
            let (namespace, name) =
                name.split_once('/').map_or((None, *name), |(it, name)| (Some(it.to_owned()), name));
            let when_missing = name.ends_with('?').then_some(WhenMissing::Baseline);
            PreviewInclude { name: name.trim_end_matches('?').to_owned(), namespace, when_missing }
        };
        let specs = previews.iter().map(|(name, includes)| {
            let (namespace, name) = name.split_once('/').unwrap_or(("shop", name));
            let includes = includes.iter().map(include).collect();
            (ObjectId::new(Kind::Preview, namespace, name), Preview { includes, ..Preview::default() })
        });
        let specs: BTreeMap<_, _> = specs.collect();
        let root = ObjectId::new(Kind::Preview, "shop", "a");
        let find = |id: &ObjectId| match specs.get(id) {
            Some(spec) if id.name.ends_with('!') => Err(Absent { why: format!("{id} has ended"), spec: Some(spec) }),
            Some(spec) => Ok(spec),
            None => Err(Absent { why: format!("there is no {id}"), spec: None }),
        };
        let found = group(&root, &specs[&root], policy, find);
        let told = |part: &Part<'_>| {
            format!("{} by {}{}", part.id.name, part.index, if part.absent.is_some() { ", absent" } else { "" })
        };
        let parts = found.parts.iter().map(told).collect();
        (parts, found.problems.iter().map(|problem| problem.reason).collect(), found.is_broken)
    }

    #[test]
    fn what_is_included_by_others_is_there_once() {
        let usual = PreviewPolicy::default();
        let all = &[("a", &["b", "c"][..]), ("b", &["d"]), ("c", &["d", "b"]), ("d", &[])];
        assert_eq!(told(all, &usual).0, ["b by 0", "d by 0", "c by 1"]);
        // What is left out with the one is there by the other.
        let all = &[("a", &["b?", "d"][..]), ("b", &["d", "nobody"]), ("d", &[])];
        assert_eq!(told(all, &usual), (vec!["d by 1".to_owned()], vec!["IncludeMissing"], false));
        let all = &[("a", &["b"][..]), ("b", &["d", "nobody?"]), ("d", &[])];
        assert_eq!(told(all, &usual), (vec!["b by 0".to_owned(), "d by 0".to_owned()], vec![], false));
        let all = &[("a", &["b"][..]), ("b", &["nobody"])];
        assert_eq!(told(all, &usual), (vec![], vec!["IncludeMissing"], true));
    }

    #[test]
    fn of_what_is_known_and_not_there_its_services_alone_are_out() {
        let usual = PreviewPolicy::default();
        let all = &[("a", &["b!", "d"][..]), ("b!", &[]), ("d", &[])];
        assert_eq!(
            told(all, &usual),
            (vec!["b! by 0, absent".to_owned(), "d by 1".to_owned()], vec!["IncludeMissing"], false)
        );
        let all = &[("a", &["b!?"][..]), ("b!", &[])];
        assert_eq!(told(all, &usual), (vec![], vec!["IncludeMissing"], false), "it is left to the baseline");
        // By another, which is there.
        let all = &[("a", &["b"][..]), ("b", &["c!"]), ("c!", &[])];
        let both = vec!["b by 0".to_owned(), "c! by 0, absent".to_owned()];
        assert_eq!(told(all, &usual), (both, vec!["IncludeMissing"], false));
        // Of what it would include nobody knows whether it is there.
        let all = &[("a", &["b!"][..]), ("b!", &["c"]), ("c", &[])];
        assert_eq!(told(all, &usual), (vec![], vec!["IncludeMissing"], true));
    }

    #[test]
    fn a_cycle_is_told_to_all_who_come_to_it() {
        let usual = PreviewPolicy::default();
        for all in [
            &[("a", &["a"][..])][..],
            &[("a", &["b"]), ("b", &["a?"])],
            &[("a", &["b"]), ("b", &["c"]), ("c", &["b?"])],
        ] {
            assert_eq!(told(all, &usual), (vec![], vec!["IncludeCycle"], true), "{all:?}");
        }
        let all = &[("a", &["b?", "d"][..]), ("b", &["a"]), ("d", &[])];
        assert_eq!(told(all, &usual), (vec!["d by 1".to_owned()], vec!["IncludeCycle"], false));
    }

    #[test]
    fn those_of_other_namespaces_are_for_the_policy_to_allow() {
        let any = PreviewPolicy { includes: Some(PreviewIncludes::AnyNamespace), ..PreviewPolicy::default() };
        let all = &[("a", &["team/b"][..]), ("team/b", &["c"]), ("team/c", &[])];
        assert_eq!(told(all, &any).0, ["b by 0", "c by 0"]);
        assert_eq!(told(all, &PreviewPolicy::default()), (vec![], vec!["IncludeMissing"], true));
    }

    #[test]
    fn how_many_and_how_far_away_is_bounded() {
        let names: Vec<String> = (0..200).map(|at| if at == 0 { "a".to_owned() } else { format!("p{at}") }).collect();
        let next: Vec<[&str; 1]> = names.iter().skip(1).map(|name| [name.as_str()]).collect();
        let chain = |length: usize| -> Vec<(&str, &[&str])> {
            let includes = |at: usize| if at + 1 < length { &next[at][..] } else { &[] };
            (0..length).map(|at| (names[at].as_str(), includes(at))).collect()
        };
        assert_eq!(told(&chain(DEEPEST + 1), &PreviewPolicy::default()).0.len(), DEEPEST);
        assert_eq!(told(&chain(200), &PreviewPolicy::default()).1, ["IncludeMissing"]);
    }
}

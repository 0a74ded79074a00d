//! Mappings with the same conditions are one route: its arms, their shares, and what holds for all.

mod arms;

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use nuncio_api::{ObjectId, Problem};
use nuncio_ir::{Check, Forward, HeaderAdd, HeaderEdits, PathMatch, Respond, Route, RouteAction, RouteMatch};

use crate::compiled::{Compiled, Conditions, Lengths, Part, Shared, Upstream};
use crate::shares::no_share;

/// A group of Mappings that share their requests, sorted by name.
pub(crate) struct Group<'a> {
    first: &'a Compiled,
    members: Vec<&'a Compiled>,
}

/// What became of a group.
pub(crate) struct Grouped {
    /// None where no member has a share of the requests.
    pub(crate) route: Option<Route>,
    pub(crate) upstreams: Vec<Arc<Upstream>>,
    pub(crate) problems: Vec<(ObjectId, Problem)>,
}

/// Sorts Mappings into groups, in the order in which their routes are tried.
pub(crate) fn groups<'a>(mappings: impl IntoIterator<Item = &'a Compiled>) -> Vec<Group<'a>> {
    let mut sorted: Vec<_> = mappings.into_iter().collect();
    sorted.sort_by(|a, b| a.order(b));
    let mut groups: Vec<Group<'a>> = Vec::with_capacity(sorted.len());
    // Mappings of other groups that differ only in values may stand between the members of one.
    let mut positions: HashMap<_, usize> = HashMap::with_capacity(sorted.len());
    for mapping in sorted {
        match positions.entry((mapping.conditions(), mapping.lengths)) {
            Entry::Occupied(at) => groups[*at.get()].members.push(mapping),
            Entry::Vacant(at) => {
                at.insert(groups.len());
                groups.push(Group { first: mapping, members: vec![mapping] });
            }
        }
    }
    share_exact_case(&mut groups, &positions);
    for group in &mut groups {
        group.members.sort_by(|a, b| a.id.cmp(&b.id));
    }
    groups
}

/// Where upper and lower case do not count for some members, they share what is written exactly so with the others, as in the
/// original; what is written otherwise, which comes to the route after, is theirs alone.
fn share_exact_case<'a>(groups: &mut [Group<'a>], positions: &HashMap<(Conditions<'a>, Lengths), usize>) {
    for at in 0..groups.len() {
        let first = groups[at].first;
        let Some(exact) = exact_case(&first.matches) else { continue };
        if let Some(other) = positions.get(&(first.conditions().with(&exact), first.lengths)) {
            let members = groups[at].members.clone();
            groups[*other].members.extend(members);
        }
    }
}

/// The same where case counts; `None` where it does already.
pub(crate) fn exact_case(matches: &RouteMatch) -> Option<RouteMatch> {
    let counts = !matches!(
        matches.path,
        PathMatch::Prefix { case_sensitive: false, .. } | PathMatch::Exact { case_sensitive: false, .. }
    );
    if counts {
        return None;
    }
    let mut exact = matches.clone();
    if let PathMatch::Prefix { case_sensitive, .. } | PathMatch::Exact { case_sensitive, .. } = &mut exact.path {
        *case_sensitive = true;
    }
    Some(exact)
}

impl<'a> Group<'a> {
    /// The first by name of those that have exactly the group's conditions.
    pub(crate) fn first(&self) -> &'a Compiled {
        self.first
    }

    /// The objects that it is made of.
    fn origins(&self) -> Vec<ObjectId> {
        let mut origins: Vec<_> = self.members.iter().map(|member| member.origin().clone()).collect();
        origins.sort_unstable();
        origins.dedup();
        origins
    }

    /// The group's route, without a condition on the host. `auth` says whether there is an AuthService to ask, `counted` whether
    /// Envoys count its requests by themselves.
    pub(crate) fn route(&self, auth: bool, counted: bool) -> Grouped {
        if self.is_without_share() {
            let told = |id| (id, no_share("its requests go to a wider Mapping, if there is one"));
            let problems = self.origins().into_iter().map(told).collect();
            return Grouped { route: None, upstreams: Vec::new(), problems };
        }
        let mut problems = Vec::new();
        let shared = self.shared();
        let auth = self.check(auth, &mut problems);
        let action = self.action(&shared, &auth, &mut problems);
        // What the gateway answers by itself costs nobody anything, and is not counted.
        let forwards = matches!(action, RouteAction::Forward(_));
        let limits = forwards.then(|| shared.limits()).flatten();
        let route = Route {
            name: self.name(),
            matches: self.first().matches.clone(),
            action,
            response_headers: HeaderEdits {
                remove: shared.remove_response_headers.clone().unwrap_or_default(),
                add: shared.add_response_headers.clone(),
            },
            cors: shared.cors().cloned().map(Box::new),
            limits,
            auth,
            rules: None,
            counted: (forwards && counted).then(|| self.counted()),
            hides_logins: false,
            origins: self.origins(),
        };
        let upstreams = self.members.iter().filter_map(|member| member.upstream().cloned()).collect();
        Grouped { route: Some(route), upstreams, problems }
    }

    /// `namespace/name` of the first.
    fn name(&self) -> Arc<str> {
        let id = &self.first.id;
        format!("{}/{}", id.namespace, id.name).into()
    }

    /// Under which name its requests are counted: `namespace_name` of the first. Dots would separate parts of names there.
    fn counted(&self) -> Arc<str> {
        let id = &self.first.id;
        let plain =
            |character: char| if character.is_ascii_alphanumeric() || character == '-' { character } else { '_' };
        format!("{}_{}", id.namespace, id.name).chars().map(plain).collect::<String>().into()
    }

    /// Those that would serve; copies aside.
    fn serving(&self) -> impl Iterator<Item = &'a Compiled> {
        self.members.iter().copied().filter(|member| !matches!(member.part, Part::Shadow { .. }))
    }

    /// Whether all that would serve have the weight 0, and are several: one alone takes everything, whatever its weight, as in
    /// the original.
    fn is_without_share(&self) -> bool {
        self.serving().count() > 1
            && self.serving().all(|member| matches!(member.part, Part::Arm { weight: Some(0), .. }))
    }

    /// Who speaks for the group: neither those that only get copies nor those that are not valid, unless there is nobody else.
    fn speakers(&self) -> Vec<&'a Compiled> {
        let speaks = |member: &&Compiled| !matches!(member.part, Part::Shadow { .. } | Part::Invalid { .. });
        let speakers: Vec<_> = self.members.iter().copied().filter(speaks).collect();
        if speakers.is_empty() { self.members.clone() } else { speakers }
    }

    /// Whether the AuthService is asked about the group's requests: unless they are redirected, or no member wants it. It is
    /// told what the first member says; an arm of another that says something else says so itself.
    fn check(&self, auth: bool, problems: &mut Vec<(ObjectId, Problem)>) -> Check {
        if !auth {
            return Check::Off;
        }
        if self.redirects() {
            return Check::Bypassed;
        }
        let speakers = self.speakers();
        let Some(asking) = speakers.iter().find(|member| !member.auth.bypassed).map(|member| member.origin()) else {
            return Check::Bypassed;
        };
        for member in speakers.iter().filter(|member| member.auth.bypassed) {
            let message = format!("has no effect: {asking} has the same conditions and does not say it");
            problems.push((member.origin().clone(), Problem::warning("ConflictingAuth", "spec.bypass_auth", message)));
        }
        Check::On(Arc::clone(&speakers[0].auth.context))
    }

    /// Whether nobody is asked about the group's requests, whoever there is: they are redirected, or no member wants it.
    pub(crate) fn is_bypassed(&self) -> bool {
        self.redirects() || self.speakers().iter().all(|member| member.auth.bypassed)
    }

    /// Those that say whether the group redirects, of which the first decides. One without a share serves nobody.
    fn deciding(&self) -> impl Iterator<Item = &'a Compiled> {
        let decides = |part: &Part| match part {
            Part::Redirect(_) => true,
            Part::Arm { weight, .. } => *weight != Some(0),
            Part::Shadow { .. } | Part::Invalid { .. } => false,
        };
        self.members.iter().copied().filter(move |member| decides(&member.part))
    }

    fn redirects(&self) -> bool {
        self.deciding().next().is_some_and(|decider| matches!(decider.part, Part::Redirect(_)))
    }

    fn action(&self, shared: &Shared, auth: &Check, problems: &mut Vec<(ObjectId, Problem)>) -> RouteAction {
        if let Some(redirect) = self.redirect(problems) {
            return RouteAction::Redirect(redirect);
        }
        let mut arms = self.arms(shared, auth);
        if arms.is_empty() {
            arms.extend(self.invalid_arm());
        }
        let mirrors = self.mirrors(problems);
        if arms.is_empty() {
            for id in self.origins() {
                let problem = no_main(&id);
                problems.push((id, problem));
            }
            return RouteAction::Respond(Respond { status: 503, body: "only a shadow takes this path".to_owned() });
        }
        RouteAction::Forward(Box::new(Forward { arms, mirrors, priority: shared.priority.unwrap_or_default() }))
    }

    /// A redirect is the whole group's: of those that redirect and those that serve the first decides, and the others are told.
    fn redirect(&self, problems: &mut Vec<(ObjectId, Problem)>) -> Option<Box<nuncio_ir::Redirect>> {
        let winner = self.deciding().next()?;
        let others = self.deciding().filter(|member| member.origin() != winner.origin());
        let (redirect, others): (_, Vec<_>) = match &winner.part {
            Part::Redirect(redirect) => (Some(redirect.clone()), others.collect()),
            _ => (None, others.filter(|member| matches!(member.part, Part::Redirect(_))).collect()),
        };
        for member in others {
            let does = if redirect.is_some() { "redirects" } else { "serves" };
            let message = format!("has no effect: {} {does} every request with the same conditions", winner.origin());
            let problem = Problem::error("ConflictingRedirect", "spec.host_redirect", message);
            problems.push((member.origin().clone(), problem));
        }
        redirect
    }

    /// Merges in the order of names: the last Mapping that says something counts.
    fn shared(&self) -> Cow<'a, Shared> {
        let speakers = self.speakers();
        if let [one] = speakers[..] {
            return Cow::Borrowed(&one.shared);
        }
        let mut merged = Shared::default();
        for member in speakers {
            let shared = &member.shared;
            merge_adds(&mut merged.add_request_headers, &shared.add_request_headers);
            merge_adds(&mut merged.add_response_headers, &shared.add_response_headers);
            replace(&mut merged.remove_request_headers, &shared.remove_request_headers);
            replace(&mut merged.remove_response_headers, &shared.remove_response_headers);
            replace(&mut merged.upgrades, &shared.upgrades);
            replace(&mut merged.cors, &shared.cors);
            replace(&mut merged.retry, &shared.retry);
            replace(&mut merged.regex_rewrite, &shared.regex_rewrite);
            replace(&mut merged.priority, &shared.priority);
            replace(&mut merged.descriptors, &shared.descriptors);
            replace(&mut merged.bucket, &shared.bucket);
            merged.defaults.clone_from(&shared.defaults);
        }
        Cow::Owned(merged)
    }
}

fn no_main(id: &ObjectId) -> Problem {
    let message = format!("{id} is a shadow, and no other Mapping with the same conditions answers the requests");
    Problem::error("ShadowWithoutMain", "spec.shadow", message)
}

fn merge_adds(into: &mut Vec<HeaderAdd>, from: &[HeaderAdd]) {
    let mut by_name: BTreeMap<String, HeaderAdd> = into.drain(..).map(|add| (add.name.clone(), add)).collect();
    by_name.extend(from.iter().map(|add| (add.name.clone(), add.clone())));
    into.extend(by_name.into_values());
}

fn replace<T: Clone>(into: &mut Option<T>, from: &Option<T>) {
    if from.is_some() {
        into.clone_from(from);
    }
}

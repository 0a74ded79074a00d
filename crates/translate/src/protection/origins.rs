//! The origins that logins are for, against the hosts of the rules that use them: where one has no other, somebody has most likely
//! misspelt it, and nobody is asked for a login there, or nobody can have one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::{Object, ObjectId, PreviewPolicy, Problem, Spec};
use nuncio_auth::Request;
use nuncio_auth::login::Origins;
use nuncio_ir::auth::{Filter, FilterId, FilterKind, FilterRef, Grant, OnDeny, ProtectedOrigin, Rule, authority};

use super::rules::PolicyRule;
use crate::coverage::CoveredBy;
use crate::filter_rules::with_nested;
use crate::filters::filter_id;
use crate::glob::Glob;

const SCHEMES: [&str; 2] = ["https", "http"];

/// A login, and the rules that use it.
struct Login<'a> {
    origins: &'a [ProtectedOrigin],
    rules: Vec<&'a CoveredBy>,
    /// Those of them that let nobody past whom it denies, whatever follows.
    strict: Vec<&'a CoveredBy>,
}

/// Names below a domain at which previews show hosts: what is asked for at those is asked for there.
struct Shown<'a> {
    id: &'a ObjectId,
    policy: &'a PreviewPolicy,
    hosts: Vec<Glob>,
    names: Glob,
}

impl<'a> Shown<'a> {
    fn new((id, policy): (&'a ObjectId, &'a PreviewPolicy)) -> Self {
        let hosts = policy.hosts.iter().map(|host| Glob::of_host(host)).collect();
        Self { id, policy, hosts, names: Glob::of_host(&format!("*.{}", policy.domain)) }
    }

    /// The hosts at which previews may be chosen.
    fn choosing(&self) -> &[Glob] {
        if self.policy.selectors.is_empty() { &[] } else { &self.hosts }
    }

    /// Whether it is the policy's own: what the gate asks.
    fn is_gate(&self, rule: &CoveredBy) -> bool {
        rule.written.0 == *self.id
    }

    /// Whether requests for previews meet a rule: that of the policy, and those for the hosts that they show.
    fn has(&self, rule: &CoveredBy) -> bool {
        self.is_gate(rule) || self.hosts.iter().any(|host| host.meets(&rule.host))
    }
}

/// What there is to be said of it.
pub(super) struct Found {
    /// What is wrong with whom.
    pub(super) problems: Vec<(ObjectId, Problem)>,
    /// The hosts whose rules ask for a login that nobody can have in a preview.
    pub(super) closed: BTreeSet<Glob>,
}

/// Looks for what is wrong.
pub(super) fn find<'r>(
    objects: &[Arc<Object>],
    filters: &BTreeMap<FilterId, Arc<Filter>>,
    rules: impl Iterator<Item = &'r PolicyRule>,
    previews: Option<(&ObjectId, &PreviewPolicy)>,
) -> Found {
    let shown = previews.map(Shown::new);
    let mut logins = BTreeMap::<&FilterId, Login<'_>>::new();
    for PolicyRule { covered, rule, .. } in rules {
        for used in rule.filters.iter().flat_map(with_nested) {
            let Some(filter) = filters.get(&used.filter) else { continue };
            let FilterKind::OAuth2(oauth2) = &filter.kind else { continue };
            let Grant::AuthorizationCode(code) = &oauth2.grant else { continue };
            let login = || Login { origins: &code.protected_origins, rules: Vec::new(), strict: Vec::new() };
            let login = logins.entry(&filter.id).or_insert_with(login);
            login.rules.push(covered);
            let is_gate = shown.as_ref().is_some_and(|shown| shown.is_gate(covered));
            let is_strict = used.on_deny == OnDeny::Break || is_gate && !is_optional(&filter.id, rule, filters);
            login.strict.extend(is_strict.then_some(covered));
        }
    }
    let of_filters = objects.iter().flat_map(|object| {
        let login = logins.get(&filter_id(&object.id.name, &object.id.namespace));
        login.into_iter().flat_map(|login| unused_origins(object, login, shown.as_ref()))
    });
    let of_rules = logins.iter().flat_map(|(filter, login)| foreign_hosts(filter, login));
    let mut problems: Vec<_> = of_filters.chain(of_rules).collect();
    let mut closed = BTreeSet::new();
    if let Some(shown) = &shown {
        for (filter, login) in &logins {
            let hosts = closed_to_previews(login, shown);
            problems.extend((!hosts.is_empty()).then(|| foreign_previews(filter, shown)));
            closed.extend(hosts);
            let hosts = closed_to_choices(login, shown);
            problems.extend((!hosts.is_empty()).then(|| foreign_choices(filter, shown, &hosts)));
        }
    }
    Found { problems, closed }
}

/// Whether a gate may be passed without this login: by another filter, for it takes one that allows the request.
fn is_optional(login: &FilterId, gate: &Rule, filters: &BTreeMap<FilterId, Arc<Filter>>) -> bool {
    let may_allow = |used: &FilterRef| {
        let kind = filters.get(&used.filter).map(|filter| &filter.kind);
        used.filter != *login && kind.is_some_and(|kind| !matches!(kind, FilterKind::Invalid { .. }))
    };
    gate.filters.iter().any(may_allow)
}

/// Origins for whose hosts no rule asks for the login. The first of several may be there for the provider's answers alone.
fn unused_origins(object: &Object, login: &Login<'_>, shown: Option<&Shown<'_>>) -> Vec<(ObjectId, Problem)> {
    let Spec::Filter(spec) = &object.spec else { return Vec::new() };
    let is_old = spec.oauth2.as_ref().is_some_and(|oauth2| oauth2.protected_origins.is_empty());
    let is_used = |origin: &ProtectedOrigin| {
        let host = nuncio_api::without_port(authority(&origin.origin)).trim_end_matches('.').to_lowercase();
        let below = origin.include_subdomains.then(|| Glob::of_host(&format!("*.{host}")));
        let takes = |names: &Glob| names.matches(&host) || below.as_ref().is_some_and(|below| names.meets(below));
        let of_previews = shown.filter(|shown| takes(&shown.names));
        let is_chosen = shown.filter(|shown| shown.choosing().iter().any(&takes));
        login.rules.iter().any(|rule| {
            takes(&rule.host)
                || of_previews.is_some_and(|shown| shown.has(rule))
                || is_chosen.is_some_and(|shown| shown.is_gate(rule))
        })
    };
    let many = login.origins.len() > 1;
    let unused = login.origins.iter().enumerate().filter(|(at, origin)| !(is_used(origin) || many && *at == 0));
    let problem = |(at, origin): (usize, &ProtectedOrigin)| {
        let field = match is_old {
            true => "spec.OAuth2.clientURL".to_owned(),
            false => format!("spec.OAuth2.protectedOrigins[{at}].origin"),
        };
        let host = authority(&origin.origin);
        let message = format!("nobody is asked to log in at {host}: no rule that uses this Filter is for it");
        (object.id.clone(), Problem::warning("NoMatchingRule", field, message))
    };
    unused.map(problem).collect()
}

/// Rules for a host that is no origin of the login that they ask for.
fn foreign_hosts(filter: &FilterId, login: &Login<'_>) -> Vec<(ObjectId, Problem)> {
    let Ok(origins) = Origins::new(login.origins) else { return Vec::new() };
    let foreign = login.rules.iter().filter_map(|rule| {
        let host = rule.host.exact().filter(|host| !knows(&origins, host))?;
        let (policy, index) = &rule.written;
        let message = format!("nobody can log in at {host}: {filter} does not name it among its protectedOrigins");
        Some((policy.clone(), Problem::warning("NoMatchingOrigin", format!("spec.rules[{index}].host"), message)))
    });
    foreign.collect()
}

/// The hosts whose rules ask for a login at previews, where that is for none of their names.
fn closed_to_previews(login: &Login<'_>, shown: &Shown<'_>) -> BTreeSet<Glob> {
    let Ok(origins) = Origins::new(login.origins) else { return BTreeSet::new() };
    if is_for(&origins, shown.policy, &format!("preview.{}", shown.policy.domain)) {
        return BTreeSet::new();
    }
    login.strict.iter().filter(|rule| shown.has(rule)).map(|rule| rule.host.clone()).collect()
}

/// Whether it is for a host by the scheme at which previews are asked for, or by what a proxy in front makes of that.
fn is_for(origins: &Origins, policy: &PreviewPolicy, host: &str) -> bool {
    let scheme = policy.scheme.unwrap_or_default().as_str();
    let is_of = |origin: &str| origin.split_once("://").is_some_and(|(of, _)| of == scheme);
    SCHEMES.iter().any(|asked| {
        let found = origins.find(&Request::new("GET", asked, host, "/"));
        found.is_some_and(|found| *asked == scheme || is_of(&found.origin))
    })
}

fn foreign_previews(filter: &FilterId, shown: &Shown<'_>) -> (ObjectId, Problem) {
    let domain = &shown.policy.domain;
    let message = format!(
        "nobody can log in at previews: what they show asks for {filter}, and that names no host below {domain} by {}; add \
         {{origin: \"{}\", includeSubdomains: true}} to its protectedOrigins, behind those that are there",
        shown.policy.scheme.unwrap_or_default().as_str(),
        shown.policy.origin(domain)
    );
    (shown.id.clone(), Problem::warning("NoMatchingOrigin", "spec.domain", message))
}

/// The hosts at which previews may be chosen whose gate asks for a login there that is not for them.
fn closed_to_choices(login: &Login<'_>, shown: &Shown<'_>) -> Vec<String> {
    let Ok(origins) = Origins::new(login.origins) else { return Vec::new() };
    if !login.strict.iter().any(|rule| shown.is_gate(rule)) {
        return Vec::new();
    }
    shown.choosing().iter().filter_map(Glob::exact).filter(|host| !is_for(&origins, shown.policy, host)).collect()
}

fn foreign_choices(filter: &FilterId, shown: &Shown<'_>, hosts: &[String]) -> (ObjectId, Problem) {
    let message = format!(
        "who chooses a preview at {} cannot log in there by {}: the policy's filters ask for {filter}, which does not name that \
         host among its protectedOrigins",
        hosts.join(" or "),
        shown.policy.scheme.unwrap_or_default().as_str()
    );
    (shown.id.clone(), Problem::warning("NoMatchingOrigin", "spec.selectors", message))
}

fn knows(origins: &Origins, host: &str) -> bool {
    SCHEMES.iter().any(|scheme| origins.find(&Request::new("GET", scheme, host, "/")).is_some())
}

//! Where somebody may make previews, and what they may be: what the policy says to him, and nothing that it says of others.

use std::collections::BTreeSet;
use std::sync::Mutex;

use nuncio_api::{Duration, Kind, ObjectId, Preview, PreviewAccess, PreviewAccessMode, PreviewBackends, PreviewPolicy};

use super::{Lifecycle, policy, rights};
use crate::admin::{Caller, PreviewRightsView, PreviewRoomView, SeePreviewRights};
use crate::engine::Engine;
use crate::run::lock;

impl Lifecycle {
    /// What somebody may make.
    pub(crate) fn rights(&self, engine: &Mutex<Engine>, wanted: &SeePreviewRights) -> PreviewRightsView {
        let nothing = |why: String| PreviewRightsView { why, ..PreviewRightsView::default() };
        let engine = lock(engine);
        let policy = match self.store.is_allowed().and_then(|()| policy(&engine)) {
            Ok((_, policy)) => policy,
            Err(error) => return nothing(error.to_string()),
        };
        let places = places(policy, wanted.by.as_ref());
        if places.is_empty() {
            return nothing("the PreviewPolicy does not let you make previews anywhere".to_owned());
        }
        let there: Vec<_> = engine.world.previews_that_count().collect();
        let left =
            |most: Option<u32>, count: usize| most.map_or(usize::MAX, |most| (most as usize).saturating_sub(count));
        let of_own = wanted.by.as_ref().map_or(usize::MAX, |by| {
            let is_own =
                |spec: &Preview| spec.source.as_ref().is_some_and(|source| source.is_by(&by.subject, &by.issuer));
            left(policy.max_previews_per_author, there.iter().filter(|(_, spec)| is_own(spec)).count())
        });
        let at_all = left(policy.max_previews_total, there.len()).min(of_own);
        let room = |namespace: &str| {
            let count = there.iter().filter(|(id, _)| *id.namespace == *namespace).count();
            (namespace != "*").then(|| policy.max_previews().saturating_sub(count).min(at_all))
        };
        let namespaces = places.into_iter().map(|(namespace, repository)| PreviewRoomView {
            namespace: namespace.to_owned(),
            repository: repository.map(str::to_owned),
            room: room(namespace),
        });
        let seconds = |length: &Option<Duration>| length.as_ref().map(|length| length.0.as_secs());
        PreviewRightsView {
            namespaces: namespaces.collect(),
            access: modes(&engine, policy).map(|mode| format!("{mode:?}")).collect(),
            hosts: policy.hosts.clone(),
            services_alone: policy.backends.unwrap_or_default() == PreviewBackends::Services,
            tunnels: policy.allows_tunnels(),
            ttl: seconds(&policy.ttl),
            max_ttl: seconds(&policy.max_ttl),
            why: String::new(),
        }
    }
}

/// The access modes that somebody may choose: of those that the policy allows, those behind which anybody can be let in.
fn modes(engine: &Engine, policy: &PreviewPolicy) -> impl Iterator<Item = PreviewAccessMode> {
    let id = ObjectId::new(Kind::Preview, "", "");
    let refuses = move |mode: PreviewAccessMode| {
        let access = Some(PreviewAccess { mode: Some(mode), ..PreviewAccess::default() });
        let spec = Preview { access, ..Preview::default() };
        engine.world.refused_of_preview(&id, &spec).iter().any(|problem| problem.field == "spec.access.mode")
    };
    policy.access.iter().copied().filter(move |mode| !refuses(*mode))
}

/// The namespaces in which somebody may make Previews, and of which repository alone where that is so.
fn places<'p>(policy: &'p PreviewPolicy, by: Option<&Caller>) -> BTreeSet<(&'p str, Option<&'p str>)> {
    let all = || policy.namespaces.iter().map(String::as_str);
    let Some(by) = by else { return all().map(|namespace| (namespace, None)).collect() };
    let of_groups = rights::creators(policy, by).flat_map(|creators| &creators.namespaces);
    let mut places: BTreeSet<_> = of_groups.flat_map(|name| among(policy, name)).map(|name| (name, None)).collect();
    let repositories = policy.repositories.iter().filter(|it| rights::is_job_of(it, by));
    let jobs: Vec<_> = repositories
        .filter(|it| policy.takes_namespace(&it.namespace) && !places.contains(&(&*it.namespace, None)))
        .map(|it| (&*it.namespace, Some(&*it.name)))
        .collect();
    places.extend(jobs);
    places
}

/// The namespaces that are meant by one that creators have, of those that the policy allows.
fn among<'p>(policy: &'p PreviewPolicy, name: &'p str) -> Vec<&'p str> {
    match name {
        "*" => policy.namespaces.iter().map(String::as_str).collect(),
        name => Some(name).filter(|name| policy.takes_namespace(name)).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use nuncio_api::{Forge, PreviewCreators, PreviewRepository};

    use super::*;

    fn policy(namespaces: &[&str]) -> PreviewPolicy {
        let texts = |all: &[&str]| all.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let creators = |groups: &[&str], namespaces: &[&str]| PreviewCreators {
            groups: texts(groups),
            namespaces: texts(namespaces),
        };
        let repository = PreviewRepository {
            provider: Some(Forge::GitHub),
            name: "acme/cart".into(),
            namespace: "shop".into(),
            ..PreviewRepository::default()
        };
        PreviewPolicy {
            namespaces: texts(namespaces),
            creators: vec![creators(&["cart"], &["shop", "elsewhere"]), creators(&["staff"], &["*"])],
            repositories: vec![repository],
            ..PreviewPolicy::default()
        }
    }

    #[test]
    fn each_is_told_of_his_own_places_alone() {
        let policy = policy(&["shop", "web"]);
        let of =
            |groups: &[&str]| Caller { groups: groups.iter().map(|&it| it.to_owned()).collect(), ..Caller::default() };
        let told = |by: Option<&Caller>| places(&policy, by).into_iter().collect::<Vec<_>>();
        assert_eq!(told(None), [("shop", None), ("web", None)]);
        assert_eq!(told(Some(&of(&["cart", "others"]))), [("shop", None)], "what the policy does not allow nobody may");
        assert_eq!(told(Some(&of(&["staff"]))), [("shop", None), ("web", None)]);
        assert!(told(Some(&of(&["others"]))).is_empty() && told(Some(&Caller::default())).is_empty());
        let issuer = "https://token.actions.githubusercontent.com".to_owned();
        let job = Caller { subject: "repo:acme/cart:pull_request".into(), issuer, ..Caller::default() };
        assert_eq!(told(Some(&job)), [("shop", Some("acme/cart"))]);
        let both = Caller { groups: vec!["cart".into()], ..job };
        assert_eq!(told(Some(&both)), [("shop", None)], "he may change all of them");
    }

    #[test]
    fn a_star_is_every_namespace() {
        let policy = policy(&["*"]);
        let staff = Caller { groups: vec!["staff".into()], ..Caller::default() };
        assert_eq!(places(&policy, Some(&staff)).into_iter().collect::<Vec<_>>(), [("*", None)]);
    }
}

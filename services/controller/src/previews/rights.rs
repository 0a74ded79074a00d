//! Who may create, change and delete which Previews: what the `PreviewPolicy` says of people and of repositories' CI jobs.

use std::collections::BTreeSet;
use std::sync::Arc;

use nuncio_api::{
    Forge, Object, ObjectId, Preview, PreviewAccessMode, PreviewCreators, PreviewPolicy, PreviewRepository,
    PreviewSource, Spec,
};

use crate::admin::{Caller, PreviewError};

/// What somebody may do in a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Grant {
    /// Everything.
    All,
    /// What is of a repository.
    Repository { provider: Option<Forge>, name: String },
}

impl Grant {
    /// What a repository may do.
    pub(super) fn of(repository: &PreviewRepository) -> Self {
        Self::Repository { provider: repository.provider, name: repository.name.clone() }
    }

    /// Whether that is enough for changing a Preview that is there, or making one.
    pub(super) fn covers(&self, old: Option<&Preview>) -> Result<(), PreviewError> {
        let (Self::Repository { provider, name }, Some(old)) = (self, old) else { return Ok(()) };
        let source = old.source.as_ref();
        if source.is_some_and(|source| source.provider == *provider && source.repository.as_ref() == Some(name)) {
            return Ok(());
        }
        Err(PreviewError::Forbidden(format!("this Preview is none of {name}'s")))
    }

    /// The same of an object that may not be valid: whose that is cannot be read.
    pub(super) fn covers_object(&self, object: Option<&Object>) -> Result<(), PreviewError> {
        match (self, object.map(|object| &object.spec)) {
            (_, Some(Spec::Preview(spec))) => self.covers(Some(spec)),
            (Self::Repository { name, .. }, Some(_)) => Err(PreviewError::Forbidden(format!(
                "this Preview is not valid, so whether it is {name}'s cannot be read: have it replaced or deleted by who may change \
                 all previews of its namespace"
            ))),
            (_, _) => Ok(()),
        }
    }

    /// Whether a Preview may be called so: a repository takes no names that another's pull requests have.
    pub(super) fn may_call(&self, policy: &PreviewPolicy, id: &ObjectId) -> Result<(), PreviewError> {
        let Self::Repository { provider, name } = self else { return Ok(()) };
        let makes = |it: &&PreviewRepository| {
            it.namespace == *id.namespace && it.preview.as_ref().is_some_and(|template| template.makes(&id.name))
        };
        let (own, others): (Vec<_>, Vec<_>) =
            policy.repositories.iter().filter(makes).partition(|it| it.name == *name && it.provider == *provider);
        match others.first().filter(|_| own.is_empty()) {
            Some(other) => {
                let (id, other) = (&id.name, &other.name);
                Err(PreviewError::Forbidden(format!("{id} is what a pull request of {other} has its preview called")))
            }
            None => Ok(()),
        }
    }

    /// Writes down whose a Preview is.
    pub(super) fn note(&self, spec: &mut Preview) {
        if let Self::Repository { provider, name } = self {
            let source = spec.source.take().unwrap_or_default();
            spec.source = Some(PreviewSource { provider: *provider, repository: Some(name.clone()), ..source });
        }
    }
}

/// What somebody may do in a namespace; the operator everything that the policy lets anybody do.
pub(super) fn grant(policy: &PreviewPolicy, by: Option<&Caller>, namespace: &str) -> Result<Grant, PreviewError> {
    in_namespace(policy, namespace)?;
    let Some(by) = by else { return Ok(Grant::All) };
    if creators(policy, by).flat_map(|creators| &creators.namespaces).any(|name| name == "*" || name == namespace) {
        return Ok(Grant::All);
    }
    let own = policy.repositories.iter().find(|it| it.namespace == namespace && is_job_of(it, by));
    own.map(Grant::of).ok_or_else(|| {
        let who = who(policy, namespace);
        let why = format!("the PreviewPolicy does not let you change previews in the namespace {namespace}: {who}");
        PreviewError::Forbidden(why)
    })
}

/// What the policy says to members of somebody's groups.
pub(super) fn creators<'p>(policy: &'p PreviewPolicy, by: &Caller) -> impl Iterator<Item = &'p PreviewCreators> {
    policy.creators.iter().filter(|creators| by.groups.iter().any(|it| creators.groups.contains(it)))
}

/// Who may do something in a namespace.
fn who(policy: &PreviewPolicy, namespace: &str) -> String {
    let is_for = |creators: &&PreviewCreators| creators.namespaces.iter().any(|name| name == "*" || name == namespace);
    let groups: BTreeSet<&str> =
        policy.creators.iter().filter(is_for).flat_map(|creators| &creators.groups).map(String::as_str).collect();
    let jobs: BTreeSet<&str> =
        policy.repositories.iter().filter(|it| it.namespace == namespace).map(|it| it.name.as_str()).collect();
    let list = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<_>>().join(", ");
    let people = (!groups.is_empty()).then(|| format!("members of {}", list(groups)));
    let jobs = (!jobs.is_empty()).then(|| format!("CI jobs of {}", list(jobs)));
    let all: Vec<_> = people.into_iter().chain(jobs).collect();
    if all.is_empty() { "nobody may".to_owned() } else { format!("{} may", all.join(" and ")) }
}

/// Whether a Preview names him as one who is let in: that he has passed a Filter says no more of him than that he is somebody.
pub(super) fn is_for(preview: &Preview, policy: &PreviewPolicy, by: &Caller) -> bool {
    let Some(access) = &preview.access else { return false };
    match access.mode {
        Some(PreviewAccessMode::Members) => access.groups.iter().any(|group| by.groups.contains(group)),
        // What other claims say of him is not known here.
        Some(PreviewAccessMode::Owner) => {
            policy.owner_claim.as_deref().is_none_or(|claim| claim == "sub")
                && access.owner.as_ref() == Some(&by.subject)
        }
        _ => false,
    }
}

/// Whether somebody may change all that a Preview includes: who is let into the one sees the others. What is not there yet may
/// become anybody's.
pub(super) fn may_include(
    policy: &PreviewPolicy,
    by: Option<&Caller>,
    namespace: &Arc<str>,
    spec: &Preview,
    find: impl Fn(&ObjectId) -> Option<Preview>,
) -> Result<(), PreviewError> {
    for (index, include) in spec.includes.iter().enumerate() {
        let id = include.id(namespace);
        let may = grant(policy, by, &id.namespace).and_then(|grant| match (&grant, find(&id)) {
            (Grant::All, _) => Ok(()),
            (Grant::Repository { name, .. }, None) => {
                Err(PreviewError::Forbidden(format!("there is no {id} of {name}'s yet")))
            }
            (Grant::Repository { .. }, found) => grant.covers(found.as_ref()),
        });
        may.map_err(|why| PreviewError::Forbidden(format!("spec.includes[{index}]: {id}: {why}")))?;
    }
    Ok(())
}

/// Whether the policy allows previews there at all.
pub(super) fn in_namespace(policy: &PreviewPolicy, namespace: &str) -> Result<(), PreviewError> {
    if policy.takes_namespace(namespace) {
        return Ok(());
    }
    Err(PreviewError::Forbidden(format!("the PreviewPolicy allows no previews in the namespace {namespace}")))
}

/// Whether somebody is a CI job of a repository.
pub(super) fn is_job_of(repository: &PreviewRepository, by: &Caller) -> bool {
    by.issuer.trim_end_matches('/') == repository.token_issuer().trim_end_matches('/')
        && repository.is_subject(&by.subject)
}

#[cfg(test)]
mod tests {
    use nuncio_api::{Defaults, Kind, PreviewTemplate, parse};

    use super::*;

    fn policy() -> PreviewPolicy {
        let repository = PreviewRepository {
            provider: Some(Forge::GitHub),
            name: "acme/cart".into(),
            namespace: "shop".into(),
            ..PreviewRepository::default()
        };
        PreviewPolicy {
            namespaces: vec!["shop".into(), "web".into()],
            creators: vec![PreviewCreators { groups: vec!["staff".into()], namespaces: vec!["web".into()] }],
            repositories: vec![repository],
            ..PreviewPolicy::default()
        }
    }

    fn job(subject: &str) -> Caller {
        let issuer = "https://token.actions.githubusercontent.com".to_owned();
        Caller { subject: subject.into(), issuer, ..Caller::default() }
    }

    #[test]
    fn one_that_is_not_valid_is_for_who_may_change_all() {
        let object = |mode: &str| {
            let text = format!(
                r#"{{"apiVersion": "nuncio.dev/v1alpha1", "kind": "Preview", "metadata": {{"name": "tax"}}, "spec": {{
                "services": [{{"baseline": "app", "backend": "127.0.0.1:9"}}], "access": {{"mode": "{mode}"}},
                "source": {{"provider": "GitHub", "repository": "acme/cart"}}, "entrypoints": [{{"name": "web", "host": "a.example"}}]}}}}"#
            );
            parse(text.as_bytes(), &Arc::from("it"), &Defaults::default()).objects.remove(0)
        };
        let job = grant(&policy(), Some(&job("repo:acme/cart:pull_request")), "shop").unwrap();
        assert_eq!(job.covers_object(Some(&object("Public"))), Ok(()));
        let refused = job.covers_object(Some(&object("Nobody")));
        assert!(matches!(&refused, Err(PreviewError::Forbidden(why)) if why.contains("is not valid")), "{refused:?}");
        assert_eq!(job.covers_object(None), Ok(()), "that is for the caller to tell");
        assert_eq!(Grant::All.covers_object(Some(&object("Nobody"))), Ok(()));
    }

    #[test]
    fn people_are_let_by_groups_and_jobs_by_their_repository() {
        let (policy, ann) = (policy(), Caller { groups: vec!["staff".into()], ..Caller::default() });
        assert_eq!(grant(&policy, Some(&ann), "web"), Ok(Grant::All));
        grant(&policy, Some(&ann), "shop").unwrap_err();
        grant(&policy, Some(&Caller::default()), "web").unwrap_err();
        assert_eq!(grant(&policy, None, "web"), Ok(Grant::All));
        grant(&policy, None, "elsewhere").unwrap_err();

        grant(&policy, Some(&job("repo:acme/cart:pull_request")), "shop").unwrap();
        grant(&policy, Some(&job("repo:acme@123/cart@456:pull_request")), "shop").unwrap();
        for (subject, namespace) in [
            ("repo:acme/cart:ref:refs/heads/main", "web"),
            ("repo:acme/cart2:ref:refs/heads/main", "shop"),
            ("repo:evil/acme/cart:x", "shop"),
            ("acme/cart", "shop"),
        ] {
            grant(&policy, Some(&job(subject)), namespace).unwrap_err();
        }
        let refused = |namespace: &str| grant(&policy, Some(&Caller::default()), namespace).unwrap_err().to_string();
        assert!(refused("web").ends_with(": members of staff may"), "{}", refused("web"));
        assert!(refused("shop").ends_with(": CI jobs of acme/cart may"), "{}", refused("shop"));
        let elsewhere = Caller { issuer: "https://evil.example".into(), ..job("repo:acme/cart:pull_request") };
        grant(&policy, Some(&elsewhere), "shop").unwrap_err();
    }

    #[test]
    fn a_preview_is_for_those_whom_it_names() {
        let ann = Caller { subject: "ann".into(), groups: vec!["staff".into()], ..Caller::default() };
        let is_for = |access: &str, policy: &PreviewPolicy| {
            let access = serde_json::from_str(access).unwrap();
            super::is_for(&Preview { access, ..Preview::default() }, policy, &ann)
        };
        assert!(is_for(r#"{"mode": "Members", "groups": ["others", "staff"]}"#, &policy()));
        assert!(is_for(r#"{"mode": "Owner", "owner": "ann"}"#, &policy()));
        for access in [
            r#"{"mode": "Members", "groups": ["others"]}"#,
            r#"{"mode": "Owner", "owner": "bob", "groups": ["staff"]}"#,
            r#"{"mode": "Authenticated"}"#,
            r#"{"mode": "Public"}"#,
            r#"{"mode": "ShareLink"}"#,
        ] {
            assert!(!is_for(access, &policy()), "{access}");
        }
        let by_mail = PreviewPolicy { owner_claim: Some("email".into()), ..policy() };
        assert!(
            !is_for(r#"{"mode": "Owner", "owner": "ann"}"#, &by_mail),
            "somebody may be called like another's mail"
        );
    }

    #[test]
    fn a_job_changes_what_is_of_its_repository_alone() {
        let grant = grant(&policy(), Some(&job("repo:acme/cart:pull_request")), "shop").unwrap();
        let (mut own, others) = (Preview::default(), Preview::default());
        own.source = Some(PreviewSource { repository: Some("acme/other".into()), ..PreviewSource::default() });
        grant.covers(Some(&own)).unwrap_err();
        grant.note(&mut own);
        grant.covers(Some(&own)).unwrap();
        grant.covers(Some(&others)).unwrap_err();
        grant.covers(None).unwrap();
    }

    #[test]
    fn who_includes_a_preview_may_change_it() {
        let including =
            |includes: &str| -> Preview { serde_json::from_str(&format!("{{\"includes\": [{includes}]}}")).unwrap() };
        let of = |repository: &str| {
            let source = PreviewSource {
                provider: Some(Forge::GitHub),
                repository: Some(repository.into()),
                ..PreviewSource::default()
            };
            Preview { source: Some(source), ..Preview::default() }
        };
        let find = |id: &ObjectId| match &*id.name {
            "own" => Some(of("acme/cart")),
            "others" => Some(of("acme/web")),
            _ => None,
        };
        let ann = Caller { groups: vec!["staff".into()], ..Caller::default() };
        let may = |by: Option<&Caller>, namespace: &str, includes: &str| {
            may_include(&policy(), by, &namespace.into(), &including(includes), find).map_err(|why| why.to_string())
        };
        let cart = job("repo:acme/cart:pull_request");
        may(Some(&cart), "shop", r#"{"name": "own"}"#).unwrap();
        let told = may(Some(&cart), "shop", r#"{"name": "own"}, {"name": "others"}"#).unwrap_err();
        assert!(told.contains("spec.includes[1]: Preview shop/others"), "{told}");
        may(Some(&cart), "shop", r#"{"name": "later"}"#).unwrap_err();
        may(Some(&ann), "web", r#"{"name": "others"}, {"name": "later"}"#).unwrap();
        let told = may(Some(&ann), "web", r#"{"name": "others", "namespace": "shop"}"#).unwrap_err();
        assert!(told.contains("previews in the namespace shop"), "{told}");
        may(None, "web", r#"{"name": "others", "namespace": "shop"}"#).unwrap();
    }

    #[test]
    fn a_job_takes_no_name_of_another_repositorys_pull_requests() {
        let mut policy = policy();
        let template = |name: &str| Some(PreviewTemplate { name: name.into(), ..PreviewTemplate::default() });
        let web = PreviewRepository {
            name: "acme/web".into(),
            preview: template("web-pr-{number}"),
            ..policy.repositories[0].clone()
        };
        policy.repositories[0].preview = template("cart-{number}-{branch}");
        policy.repositories.push(web);
        let may = |by: &Grant, name: &str| by.may_call(&policy, &ObjectId::new(Kind::Preview, "shop", name)).is_ok();
        let [cart, web] = [&policy.repositories[0], &policy.repositories[1]].map(Grant::of);
        assert_eq!((may(&cart, "web-pr-7"), may(&web, "web-pr-7"), may(&Grant::All, "web-pr-7")), (false, true, true));
        assert_eq!((may(&cart, "web-pr-seven"), may(&web, "cart-1-fix")), (true, false));
        let elsewhere = ObjectId::new(Kind::Preview, "web", "web-pr-7");
        cart.may_call(&policy, &elsewhere).unwrap();
    }
}

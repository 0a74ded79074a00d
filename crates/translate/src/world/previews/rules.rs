//! The policy that is in force, and what holds for all previews by it.

use std::collections::BTreeMap;
use std::sync::Arc;

use nuncio_api::{
    Kind, ObjectId, PreviewPolicy, PreviewRepository, PreviewScheme, PreviewSelector, Problem, Remains, Spec,
};
use nuncio_ir::{CookieChoice, Delta, PreviewEntry, PreviewTrust, ProbeLog};

use super::super::{Dirty, World};
use crate::context::SecretRef;
use crate::pattern::HostPattern;
use crate::preview::{Rules, Seed};
use crate::secrets::SecretError;

/// A policy, and what is wrong with the Secrets that it names.
#[derive(Debug)]
pub(super) struct InForce {
    pub(super) id: ObjectId,
    pub(super) rules: Rules,
    /// What listeners know of it.
    pub(super) entry: PreviewEntry,
    pub(super) problems: Vec<Problem>,
    /// The Secret under the usual name is not there, and the policy names no other.
    lacks_keys: bool,
}

/// What a Secret must have, so that nobody guesses it.
const LEAST_BYTES: usize = 16;

/// The Secret, in the gateway's own namespace, that keys and names of previews are made of where the policy names none.
pub const PREVIEW_KEYS: &str = "nuncio-preview-keys";

/// Where a policy lets a cookie choose a preview. Where its URLs are of HTTPS, no cookie that clear text could have set counts.
fn by_cookie(policy: &PreviewPolicy) -> Option<CookieChoice> {
    policy.selects_by(PreviewSelector::Cookie).then(|| match policy.scheme.unwrap_or_default() {
        PreviewScheme::Https => CookieChoice::Secure,
        PreviewScheme::Http => CookieChoice::Any,
    })
}

/// Where clients may choose a preview.
fn chosen_at(policy: &PreviewPolicy) -> Vec<String> {
    let patterns = policy.hosts.iter().filter(|_| !policy.selectors.is_empty());
    patterns.filter_map(|host| HostPattern::parse(host)).map(|pattern| pattern.to_string()).collect()
}

/// What comes of it that there is no Secret to share.
fn keys_not_shared() -> Problem {
    let message = format!(
        "names no Secret, and there is no {PREVIEW_KEYS}, which a controller makes that may change previews: so each makes keys and \
         links of its own, and others when it starts: those of one are nobody's at the next; and anybody can compute URLs"
    );
    Problem::warning("KeysNotShared", "spec.secretName", message)
}

fn lower(names: &[String]) -> Vec<String> {
    names.iter().map(|name| name.to_ascii_lowercase()).collect()
}

/// The name of the Secret of keys: what the policy says, or the usual one.
fn name_of_keys(policy: &PreviewPolicy) -> &str {
    policy.secret_name.as_deref().unwrap_or(PREVIEW_KEYS)
}

impl World {
    /// Finds the policy that is in force. Where others names are for previews than before, all previews go, to come again.
    pub(in crate::world) fn settle_preview_policy(&mut self, dirty: &mut Dirty, delta: &mut Delta) {
        if !dirty.preview_policy {
            return;
        }
        let mut new = self.chosen_preview_policy().map(|(id, policy)| self.in_force(id, policy));
        if let Some(it) = new.as_mut().filter(|it| self.will_have_keys(it)) {
            // Listeners know what is made of keys, and drain by each change: of the policy they learn with those.
            it.entry = self.previews.entry().clone();
        }
        let rules = |it: &Option<InForce>| it.as_ref().map(|it| (it.id.clone(), it.rules.clone()));
        let unusable = new.is_none().then(|| self.unusable_policy()).flatten().unwrap_or_default();
        let shut = Some(unusable.domain).filter(|domain| !domain.is_empty());
        let closed = PreviewEntry { headers: lower(&unusable.headers), ..PreviewEntry::default() };
        let domain = |it: &Option<InForce>| it.as_ref().map(|it| it.rules.policy.domain.clone());
        let (was, is) = (domain(&self.previews.in_force).or(self.previews.shut.take()), domain(&new).or(shut.clone()));
        self.previews.shut = shut;
        // The hosts count for what tables say of a choice by cookie alone.
        let choosing =
            |it: &Option<InForce>| it.as_ref().and_then(|it| Some((it.entry.by_cookie?, it.entry.hosts.clone())));
        let old = &self.previews.in_force;
        if self.previews.entry() != new.as_ref().map_or(&closed, |it| &it.entry) {
            dirty.frame = true;
            // What its log may show.
            let module = self.chosen_module().map(|module| module.id.clone());
            self.stirred.extend(module);
            let adding = self.mappings.iter().filter(|(_, mapping)| !mapping.shared.add_response_headers.is_empty());
            self.stirred.extend(adding.map(|(id, _)| id.clone()));
        }
        let headers = |it: &Option<InForce>| it.as_ref().map_or(&closed, |it| &it.entry).headers.clone();
        if self.previews.entry().headers != headers(&new) {
            // Their labels may name one.
            self.touch_all_mappings(dirty);
        }
        if rules(old) != rules(&new) {
            dirty.previews.extend(self.ids_of(Kind::Preview).cloned());
            // What they wait for may be there.
            self.stirred.extend(dirty.previews.iter().cloned());
        }
        let told = |it: &Option<InForce>| it.as_ref().map(|it| (it.id.clone(), it.problems.clone()));
        if told(old) != told(&new) {
            self.stirred.extend(new.iter().map(|it| it.id.clone()));
        }
        dirty.preview_choice |= choosing(old) != choosing(&new);
        let trusted = |it: &Option<InForce>| it.as_ref().map(|it| it.rules.policy.trusted_upstreams.clone());
        dirty.preview_trust |= trusted(old) != trusted(&new);
        if was != is {
            dirty.preview_domain = true;
            self.stir_reserved();
            self.previews.time.forget_gone();
            let all: Vec<_> = self.previews.tables.keys().cloned().collect();
            all.iter().for_each(|id| self.put_preview_tables(id, BTreeMap::new(), dirty, delta));
        }
        (self.previews.in_force, self.previews.closed) = (new, closed);
    }

    /// The first by name in the gateway's own namespace: whoever may write there says what previews may do.
    pub(in crate::world) fn chosen_preview_policy(&self) -> Option<(ObjectId, Arc<PreviewPolicy>)> {
        let own = |id: &&ObjectId| id.namespace == self.settings.namespace && !self.is_quarantined(id);
        self.ids_of(Kind::PreviewPolicy).filter(own).find_map(|id| match &self.objects.get(id)?.spec {
            Spec::PreviewPolicy(policy) => Some((id.clone(), Arc::new((**policy).clone()))),
            _ => None,
        })
    }

    /// What can be read of the first policy that cannot be used: what is written for previews is not left to a wildcard Host,
    /// nor what holds their keys to services.
    fn unusable_policy(&self) -> Option<PreviewPolicy> {
        let own = self.ids_of(Kind::PreviewPolicy).filter(|id| id.namespace == self.settings.namespace);
        let policies = own.filter_map(|id| match &self.objects.get(id)?.spec {
            Spec::PreviewPolicy(policy) | Spec::Invalid(Remains::Previews(policy)) => Some(policy),
            _ => None,
        });
        let mut readable = policies.filter(|policy| !policy.domain.is_empty() || !policy.headers.is_empty());
        readable.next().map(|policy| (**policy).clone())
    }

    fn in_force(&self, id: ObjectId, policy: Arc<PreviewPolicy>) -> InForce {
        let (seed, wrong) = match self.secret_of_keys(&id, &policy) {
            Ok(seed) => (seed, None),
            Err(problem) => (None, Some(problem)),
        };
        let is_due = wrong.is_some();
        let lacks_keys = seed.is_none() && !is_due;
        let not_shared = (lacks_keys && self.is_of_a_cluster(&id)).then(keys_not_shared);
        let repositories = policy.repositories.iter().enumerate();
        let of_repositories = repositories.flat_map(|(index, repository)| self.secret_of(&id, index, repository));
        let problems = wrong.into_iter().chain(not_shared).chain(of_repositories).collect();
        // As secret as the key beside which it was made when the process started.
        let own = self.settings.fallback_certificate.key.0.as_bytes();
        // Where a secret is due names are not to be guessed, either, though it is not there.
        let seed = seed.unwrap_or_else(|| if is_due { Seed::new(own) } else { Seed::of_process(own) });
        let (headers, hosts) = (lower(&policy.headers), chosen_at(&policy));
        let by_header = policy.selects_by(PreviewSelector::Header);
        let trust = PreviewTrust::Public { by_header };
        let path = self.settings.probe_log.clone();
        let probes = path.map(|path| ProbeLog { path, mark: seed.probe_mark().into() });
        let (domain, by_cookie) = (Some(policy.domain.to_ascii_lowercase().into()), by_cookie(&policy));
        let entry = PreviewEntry { domain, hosts, headers: headers.clone(), trust, by_cookie, probes };
        InForce { id, rules: Rules { policy, seed, headers: headers.into() }, entry, problems, lacks_keys }
    }

    /// What a policy has keys made of: what it names, or what is there under the usual name.
    fn secret_of_keys(&self, id: &ObjectId, policy: &PreviewPolicy) -> Result<Option<Seed>, Problem> {
        let name = name_of_keys(policy);
        let reference = SecretRef::new(Arc::clone(&id.namespace), name);
        let problem = |message| Problem::error("InvalidSecret", "spec.secretName", message);
        let secret = match self.secrets.contents(&reference) {
            Ok(secret) => secret,
            Err(SecretError::NotFound(_)) if policy.secret_name.is_none() => return Ok(None),
            Err(error) => return Err(problem(error.to_string())),
        };
        match secret.data.get("key").map(|bytes| bytes.expose()) {
            Some(bytes) if bytes.len() >= LEAST_BYTES => Ok(Some(Seed::new(bytes))),
            _ => Err(problem(format!("Secret {reference}: has no `key` of {LEAST_BYTES} bytes or more"))),
        }
    }

    /// Whether keys of previews are made of this Secret.
    pub(in crate::world) fn is_secret_of_keys(&self, secret: &SecretRef) -> bool {
        self.preview_policy().is_some_and(|(id, policy)| {
            let is_named = *id.namespace == *secret.namespace && *name_of_keys(policy) == *secret.name;
            is_named && matches!(self.secret_of_keys(id, policy), Ok(Some(_)))
        })
    }

    /// Whether an object is of an API server, which several controllers may read.
    fn is_of_a_cluster(&self, id: &ObjectId) -> bool {
        self.objects.get(id).is_some_and(|object| object.uid.is_some())
    }

    /// The namespace in which there is no Secret that the keys of previews could be made of, where the policy names none.
    #[must_use]
    pub fn lacks_preview_keys(&self) -> Option<Arc<str>> {
        self.previews.in_force.as_ref().filter(|it| it.lacks_keys).map(|it| Arc::clone(&it.id.namespace))
    }

    /// Whether previews will soon be called something else, by keys that somebody makes. Until then none is served.
    pub(super) fn waits_for_preview_keys(&self) -> bool {
        self.previews.in_force.as_ref().is_some_and(|it| self.will_have_keys(it))
    }

    fn will_have_keys(&self, it: &InForce) -> bool {
        self.settings.makes_preview_keys && it.lacks_keys
    }

    /// What is wrong with the Secret of a repository, which the controller reads when it needs it.
    fn secret_of(&self, id: &ObjectId, index: usize, repository: &PreviewRepository) -> Vec<Problem> {
        let Some(name) = &repository.secret_name else { return Vec::new() };
        let reference = SecretRef::new(Arc::clone(&id.namespace), name.as_str());
        let field = format!("spec.repositories[{index}].secretName");
        let secret = match self.secrets.contents(&reference) {
            Ok(secret) => secret,
            Err(error) => return vec![Problem::error("InvalidSecret", field, error.to_string())],
        };
        let lacks = |key: &str| secret.text(key).is_none();
        let unsigned = (repository.preview.is_some() && lacks(PreviewRepository::WEBHOOK)).then(|| {
            let message = format!("Secret {reference}: has no `webhook`, so its webhooks are refused");
            Problem::error("InvalidSecret", field.clone(), message)
        });
        // Who has webhooks by it may do without comments. Otherwise it is there for nothing else.
        let is_for_comments = repository.preview.is_none();
        let mute = (is_for_comments && lacks(PreviewRepository::TOKEN)).then(|| {
            let message = format!("Secret {reference}: has no `token`, so no comments are written");
            Problem::warning("InvalidSecret", field.clone(), message)
        });
        unsigned.into_iter().chain(mute).collect()
    }

    /// Whether there is a policy in force: there is a Secret of keys that it hangs on, named by it or not.
    pub(in crate::world) fn preview_policy_names_secrets(&self) -> bool {
        self.previews.in_force.is_some()
    }
}

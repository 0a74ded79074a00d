//! What is to be said of Previews.

use std::collections::BTreeSet;
use std::sync::Arc;

use nuncio_api::{Kind, Object, ObjectId, Preview, PreviewSelector, Problem, Spec, added_key};
use nuncio_auth::share::{Pass, Purpose};
use nuncio_ir::auth::{FilterKind, SHARE_PARAMETER, Sensitive};
use nuncio_ir::{Backend, ClusterName, Discovery, Route, RouteAction};

use super::rules::PREVIEW_KEYS;
use crate::compiled;
use crate::preview::{self, Compiled, Entrance, Phase, Replacement, fingerprint};
use crate::upstream::{find, location};
use crate::world::{World, invalid_reason};

/// Where a preview can be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewUrl {
    /// The name of the entrypoint.
    pub entrypoint: String,
    /// The host whose routes it has.
    pub baseline: Arc<str>,
    /// With the slash at the end.
    pub url: String,
    /// What a client says at that host to get the preview there; nothing where it cannot.
    pub selector: Option<String>,
}

/// What it takes to follow a request of a preview through the services.
#[derive(Clone, Debug)]
pub struct PreviewProbe {
    /// What services hand on.
    pub key: Sensitive,
    /// How the id of the trace has to begin; none where no Envoy tells of it.
    pub mark: Option<Arc<str>>,
    /// The scheme by which visitors come.
    pub scheme: &'static str,
    /// The hosts at which it can begin.
    pub hosts: Vec<Arc<str>>,
}

impl World {
    /// Headers of answers that a Mapping's previews are without, since they would show their keys.
    pub(in crate::world) fn keys_in_answers(&self, mapping: &compiled::Compiled) -> Vec<Problem> {
        let headers = &self.previews.entry().headers;
        let added = mapping.shared.add_response_headers.iter().filter(|_| !headers.is_empty());
        let shown = added.filter_map(|add| Some((&add.name, added_key(&add.value, headers)?)));
        let told = shown.map(|(name, header)| {
            let message =
                format!("is not added in previews: there {header} holds the key, which nobody else is to see");
            Problem::warning("NoEffect", format!("spec.add_response_headers.{name}.value"), message)
        });
        told.collect()
    }

    /// All Previews, by namespace and name.
    pub fn all_previews(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.ids_of(Kind::Preview).filter_map(|id| self.objects.get(id))
    }

    /// The clusters behind which those are that stand in for services of a Preview.
    pub fn preview_clusters(&self, id: &ObjectId) -> BTreeSet<&ClusterName> {
        let arms = self.preview_routes(id).filter_map(|route| match &route.action {
            RouteAction::Forward(forward) => Some(&forward.arms),
            RouteAction::Redirect(_) | RouteAction::Respond(_) => None,
        });
        let backends = arms.flatten().filter_map(|arm| match &arm.backend {
            Backend::Cluster(name) => Some(name),
            Backend::Invalid { .. } => None,
        });
        backends.collect()
    }

    /// The URLs of a Preview that are in force.
    #[must_use]
    pub fn preview_urls(&self, id: &ObjectId) -> Vec<PreviewUrl> {
        let (Some(policy), Some(compiled)) = (self.previews.policy(), self.previews.compiled.get(id)) else {
            return Vec::new();
        };
        let Some(Spec::Preview(spec)) = self.objects.get(id).map(|object| &object.spec) else { return Vec::new() };
        if compiled.phase == Phase::Ended || self.waits_for_preview_keys() {
            return Vec::new();
        }
        let tables = self.previews.tables_of(id);
        let hosts = tables.iter().filter_map(|name| Some(&self.model.tables.get(name)?.scope.host));
        let is_served = |entrance: &&Entrance| hosts.clone().any(|host| *host == entrance.name);
        let is_selected = policy.selects_by(PreviewSelector::Header);
        let url = |entrance: &Entrance| {
            let entrypoint = spec.entrypoints.get(entrance.index)?.name.clone();
            let (baseline, url) = (Arc::clone(&entrance.baseline), policy.url(&entrance.name));
            let selector = is_selected.then(|| compiled.selector.to_string());
            Some(PreviewUrl { entrypoint, baseline, url, selector })
        };
        compiled.entrances.iter().filter(is_served).filter_map(url).collect()
    }

    /// The URLs of a Preview with a pass for who follows them, and until when it is good: until then, or until the preview
    /// ends. Nothing where links let nobody in.
    #[must_use]
    pub fn preview_share_links(&self, id: &ObjectId, until: u64) -> Option<(Vec<PreviewUrl>, u64)> {
        let FilterKind::ShareLink(filter) = &self.previews.share_filter(id)?.kind else { return None };
        // That nobody asks for it ends no link: who has one asks.
        let end = self.previews.compiled.get(id).and_then(|compiled| compiled.life.fixed);
        let expires = end.map_or(until, |end| end.min(until));
        let pass = Pass { generation: filter.generation, expires };
        let pass = pass.sign(filter.key.expose().as_bytes(), Purpose::Link);
        let shared = |it: PreviewUrl| PreviewUrl { url: format!("{}?{SHARE_PARAMETER}={pass}", it.url), ..it };
        Some((self.preview_urls(id).into_iter().map(shared).collect(), expires))
    }

    /// What it takes to follow a request of a Preview through the services; nothing while it is not shown.
    #[must_use]
    pub fn preview_probe(&self, id: &ObjectId) -> Option<PreviewProbe> {
        let shown = |it: &&Compiled| matches!(it.phase, Phase::Shown | Phase::EndsSoon) && !it.entrances.is_empty();
        let compiled = self.previews.compiled.get(id).filter(shown).filter(|_| !self.waits_for_preview_keys())?;
        let mark = self.previews.entry().probes.as_ref().map(|probes| Arc::clone(&probes.mark));
        let hosts = compiled.entrances.iter().map(|entrance| Arc::clone(&entrance.baseline)).collect();
        let scheme = self.previews.policy()?.url_scheme();
        Some(PreviewProbe { key: compiled.key.clone(), mark, scheme, hosts })
    }

    /// Which of the services that a Preview replaces is behind a cluster, by its place in the spec: who replaces it, or the one
    /// that is replaced.
    #[must_use]
    pub fn preview_service(&self, id: &ObjectId, cluster: &str) -> Option<usize> {
        let compiled = self.previews.compiled.get(id)?;
        let upstream = self.clusters.get(&ClusterName(cluster.into()))?;
        if let Discovery::Unix(_) = &upstream.cluster.discovery {
            return compiled.replacements.iter().position(|it| it.is_behind(upstream));
        }
        let (place, port) = location(upstream)?;
        let context = self.context();
        let is_at = |wanted: Option<u16>| wanted.is_none_or(|wanted| wanted == port);
        let is_meant = |it: &Replacement| {
            let backend = &it.backend.backend;
            let is_replaced = it.location == place && is_at(it.port);
            is_replaced || is_at(backend.port) && find(backend, &it.owner.namespace, &context).location == place
        };
        compiled.replacements.iter().position(is_meant)
    }

    /// What the policy that is in force does not let a Preview be, whether it is there or not.
    #[must_use]
    pub fn refused_of_preview(&self, id: &ObjectId, spec: &Preview) -> Vec<Problem> {
        let Some(policy) = self.previews.policy() else { return Vec::new() };
        preview::refused(id, spec, policy, &self.context(), |entrances, replacements| {
            let behind = self.behind_rules(id, policy, entrances, replacements);
            behind.into_iter().map(|(_, problem)| problem).collect()
        })
    }

    /// What visitors call a Preview.
    #[must_use]
    pub fn preview_selector(&self, id: &ObjectId) -> Option<&str> {
        self.previews.compiled.get(id).map(|compiled| &*compiled.selector)
    }

    /// Whether the time of a Preview is over; with `forgotten`, whether nothing is said of that any more either.
    #[must_use]
    pub fn preview_has_ended(&self, id: &ObjectId, forgotten: bool) -> bool {
        let times = self.objects.get(id).map(|object| self.preview_times(object)).unwrap_or_default();
        if forgotten { times.is_forgotten } else { times.has_ended }
    }

    /// Previews that count against the most that there may be: those that have not ended.
    pub fn previews_that_count(&self) -> impl Iterator<Item = (&ObjectId, &Preview)> {
        let all = self.ids_of(Kind::Preview).filter(|id| !self.preview_has_ended(id, false));
        all.filter_map(|id| match &self.objects.get(id)?.spec {
            Spec::Preview(spec) => Some((id, &**spec)),
            _ => None,
        })
    }

    /// Whether people are warned that a Preview ends.
    #[must_use]
    pub fn preview_ends_soon(&self, id: &ObjectId) -> bool {
        self.previews.compiled.get(id).is_some_and(|compiled| compiled.phase == Phase::EndsSoon)
    }

    /// The routes of a Preview's own hosts that it leads elsewhere than the baseline.
    pub fn preview_routes(&self, id: &ObjectId) -> impl Iterator<Item = &Route> {
        let tables = self.previews.tables.get(id).into_iter().flatten().filter_map(|name| self.model.tables.get(name));
        let own = tables.filter(|table| table.preview.as_ref().is_some_and(|preview| preview.origin.is_some()));
        own.flat_map(|table| &table.hosts).flat_map(|host| &host.routes).filter(|route| route.is_of_preview())
    }

    /// When a Preview ends, in seconds since 1970.
    #[must_use]
    pub fn preview_expires(&self, id: &ObjectId) -> Option<u64> {
        self.previews.compiled.get(id)?.life.expires
    }

    /// The same, however many ask for it.
    #[must_use]
    pub fn preview_end(&self, id: &ObjectId) -> Option<u64> {
        self.previews.compiled.get(id)?.life.fixed
    }

    /// By which people tell the key of a Preview from others without seeing it.
    #[must_use]
    pub fn preview_fingerprint(&self, id: &ObjectId) -> Option<String> {
        self.previews.compiled.get(id).map(|compiled| fingerprint(&compiled.key))
    }

    /// What is wrong with a Preview or a policy besides what is wrong with its text.
    pub(in crate::world) fn preview_problems(&self, id: &ObjectId) -> Vec<Problem> {
        match id.kind {
            Kind::Preview => self.problems_of_preview(id),
            Kind::PreviewPolicy => {
                let of_secret =
                    self.previews.in_force.iter().filter(|it| it.id == *id).flat_map(|it| it.problems.clone());
                of_secret.chain(self.problem_of_policy(id)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn problems_of_preview(&self, id: &ObjectId) -> Vec<Problem> {
        if self.previews.in_force.is_none() {
            return vec![self.no_policy()];
        }
        let of_spec = self.previews.compiled.get(id).into_iter().flat_map(|compiled| compiled.problems.clone());
        let beyond = self.previews.beyond.contains(id).then(|| {
            let namespace = &id.namespace;
            let message =
                format!("the namespace {namespace} has as many previews as the PreviewPolicy allows, or there are as many in all");
            Problem::error("TooManyPreviews", "metadata.namespace", message)
        });
        let of_meeting = self.previews.problems.get(id).into_iter().flatten().cloned();
        let is_waiting = self.waits_for_preview_keys().then(|| {
            let message = format!(
                "no URL is told yet: it is made of the Secret {PREVIEW_KEYS} in the namespace {}, which is not there, and which \
                 the gateway makes that leads; where that lasts, its log says why",
                self.settings.namespace
            );
            Problem::warning("WaitingForKeys", "", message)
        });
        of_spec.chain(beyond).chain(of_meeting).chain(is_waiting).collect()
    }

    fn no_policy(&self) -> Problem {
        let own = self.ids_of(Kind::PreviewPolicy).filter(|id| id.namespace == self.settings.namespace);
        let is_out = |object: &&Arc<Object>| matches!(object.spec, Spec::Invalid(_));
        let unusable = own.filter_map(|id| self.objects.get(id)).find(is_out);
        let why = unusable.map_or_else(
            || format!("there is no PreviewPolicy in the namespace {}", self.settings.namespace),
            |policy| invalid_reason(policy),
        );
        Problem::warning("NoPreviewPolicy", "", format!("serves nothing: {why}"))
    }

    /// Why a policy is not the one that is in force.
    fn problem_of_policy(&self, id: &ObjectId) -> Option<Problem> {
        let is_usable = matches!(self.objects.get(id)?.spec, Spec::PreviewPolicy(_));
        if id.namespace != self.settings.namespace {
            let message =
                format!("has no effect: policies count in the gateway's namespace, {}", self.settings.namespace);
            return is_usable.then(|| Problem::warning("NotInForce", "metadata.namespace", message));
        }
        let chosen = self.previews.in_force.as_ref().map(|it| &it.id).filter(|chosen| *chosen != id)?;
        let message = format!("has no effect: {chosen} is in force");
        is_usable.then(|| Problem::warning("NotInForce", "metadata.name", message))
    }

    /// Why nothing leads to a host of a preview.
    pub(super) fn unattached_entrance(&self, entrance: &Entrance) -> Problem {
        let governs = |name: &Arc<str>| self.frame.classes.iter().any(|class| class.governing(name).is_some());
        let (name, field) = match governs(&entrance.baseline) {
            true => (&entrance.name, "name"),
            false => (&entrance.baseline, "host"),
        };
        let message = format!("serves nothing: no Host that a Listener binds takes {name}");
        Problem::warning("NoMatchingHost", format!("spec.entrypoints[{}].{field}", entrance.index), message)
    }
}

//! What the controller, and the portal beside it, may have to do with a cluster, in one place: the chart's roles, `nuncio doctor` and the tests are made of
//! this list, so that a permission that is missing in one is missing in all, and shows.

/// Where a permission has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Wherever objects are read: in every namespace, or in the gateway's own if it reads no other.
    Watched,
    /// For what is in no namespace. Not asked for by a gateway that reads its own namespace only.
    Cluster,
    /// In the gateway's own namespace.
    Own,
}

/// Which objects a permission is for, where it is not for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// All.
    Any,
    /// The Secret with the webhook's certificates: named after its Service.
    WebhookSecret,
    /// The webhook's `ValidatingWebhookConfiguration`.
    WebhookConfiguration,
    /// The [definitions](DEFINITIONS) of our kinds.
    Definitions,
    /// The Secret with the keys that developers give themselves.
    KeysSecret,
}

/// Who needs a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Every gateway.
    Gateway,
    /// One that writes statuses.
    Status,
    /// One that does what only one replica may: write statuses, look after the webhook or previews.
    Election,
    /// One that serves the webhook.
    Webhook,
    /// One whose console may change objects.
    Edits,
    /// One whose previews come and go by requests.
    Previews,
    /// A portal at which developers give themselves keys. It has an account of its own.
    Keys,
}

/// Verbs on resources, as in a rule of a Role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Where.
    pub scope: Scope,
    /// API group; empty for the core group.
    pub group: &'static str,
    /// Plurals, with a subresource behind a slash.
    pub resources: &'static [&'static str],
    /// What is done with them.
    pub verbs: &'static [&'static str],
    /// With which of them.
    pub names: Names,
    /// Who needs it.
    pub feature: Feature,
    /// What for, in a few words: shown where it is missing.
    pub purpose: &'static str,
}

const READ: &[&str] = &["get", "list", "watch"];

/// The definitions of our kinds, whichever version is installed.
pub const DEFINITIONS: [&str; 21] = [
    "authservices.getambassador.io",
    "consulresolvers.getambassador.io",
    "devportals.getambassador.io",
    "filterpolicies.gateway.getambassador.io",
    "filterpolicies.getambassador.io",
    "filters.gateway.getambassador.io",
    "filters.getambassador.io",
    "hosts.getambassador.io",
    "kubernetesendpointresolvers.getambassador.io",
    "kubernetesserviceresolvers.getambassador.io",
    "listeners.getambassador.io",
    "logservices.getambassador.io",
    "mappings.getambassador.io",
    "modules.getambassador.io",
    "previewpolicies.nuncio.dev",
    "previews.nuncio.dev",
    "ratelimits.getambassador.io",
    "ratelimitservices.getambassador.io",
    "tcpmappings.getambassador.io",
    "tlscontexts.getambassador.io",
    "tracingservices.getambassador.io",
];

/// Everything that the controller does, and the portal.
pub const RULES: &[Rule] = &[
    Rule {
        scope: Scope::Watched,
        group: "getambassador.io",
        resources: &["*"],
        verbs: READ,
        names: Names::Any,
        feature: Feature::Gateway,
        purpose: "read the configuration",
    },
    Rule {
        scope: Scope::Watched,
        group: "getambassador.io",
        resources: &[
            "mappings/status",
            "tcpmappings/status",
            "hosts/status",
            "listeners/status",
            "modules/status",
            "tlscontexts/status",
            "authservices/status",
            "ratelimitservices/status",
            "ratelimits/status",
            "filters/status",
            "filterpolicies/status",
            "devportals/status",
            "kubernetesserviceresolvers/status",
            "kubernetesendpointresolvers/status",
        ],
        verbs: &["patch"],
        names: Names::Any,
        feature: Feature::Status,
        purpose: "write the status of objects",
    },
    Rule {
        scope: Scope::Watched,
        group: "gateway.getambassador.io",
        resources: &["filters", "filterpolicies"],
        verbs: READ,
        names: Names::Any,
        feature: Feature::Gateway,
        purpose: "read Filters of Edge Stack's newer group",
    },
    Rule {
        scope: Scope::Watched,
        group: "gateway.getambassador.io",
        resources: &["filters/status", "filterpolicies/status"],
        verbs: &["patch"],
        names: Names::Any,
        feature: Feature::Status,
        purpose: "write the status of those Filters",
    },
    Rule {
        scope: Scope::Watched,
        group: "nuncio.dev",
        resources: &["previews", "previewpolicies"],
        verbs: READ,
        names: Names::Any,
        feature: Feature::Gateway,
        purpose: "read Previews and what they may do",
    },
    Rule {
        scope: Scope::Watched,
        group: "nuncio.dev",
        resources: &["previews/status", "previewpolicies/status"],
        verbs: &["patch"],
        names: Names::Any,
        feature: Feature::Status,
        purpose: "write the status of Previews",
    },
    Rule {
        scope: Scope::Watched,
        group: "",
        resources: &["services", "secrets"],
        verbs: READ,
        names: Names::Any,
        feature: Feature::Gateway,
        purpose: "find services, certificates and other Secrets that are named",
    },
    Rule {
        scope: Scope::Watched,
        group: "discovery.k8s.io",
        resources: &["endpointslices"],
        verbs: READ,
        names: Names::Any,
        feature: Feature::Gateway,
        purpose: "find the addresses of services",
    },
    Rule {
        scope: Scope::Watched,
        group: "networking.k8s.io",
        resources: &["ingresses"],
        verbs: READ,
        names: Names::Any,
        feature: Feature::Gateway,
        purpose: "read Ingresses, and the objects in their annotations",
    },
    Rule {
        scope: Scope::Watched,
        group: "networking.k8s.io",
        resources: &["ingresses/status"],
        verbs: &["patch"],
        names: Names::Any,
        feature: Feature::Status,
        purpose: "tell Ingresses the address of the gateway",
    },
    Rule {
        scope: Scope::Watched,
        group: "events.k8s.io",
        resources: &["events"],
        verbs: &["create", "patch"],
        names: Names::Any,
        feature: Feature::Status,
        purpose: "write events for what is wrong",
    },
    Rule {
        scope: Scope::Cluster,
        group: "networking.k8s.io",
        resources: &["ingressclasses"],
        verbs: READ,
        names: Names::Any,
        feature: Feature::Gateway,
        purpose: "know which Ingresses are ours",
    },
    Rule {
        scope: Scope::Cluster,
        group: "apiextensions.k8s.io",
        resources: &["customresourcedefinitions"],
        verbs: READ,
        names: Names::Any,
        feature: Feature::Gateway,
        purpose: "see which kinds are installed, and which of them the webhook converts",
    },
    Rule {
        scope: Scope::Own,
        group: "coordination.k8s.io",
        resources: &["leases"],
        verbs: &["get", "create", "update"],
        names: Names::Any,
        feature: Feature::Election,
        purpose: "agree on which replica writes statuses and looks after the webhook and previews",
    },
    Rule {
        scope: Scope::Own,
        group: "",
        resources: &["secrets"],
        verbs: &["create"],
        names: Names::Any,
        feature: Feature::Webhook,
        purpose: "store the certificate of the webhook",
    },
    Rule {
        scope: Scope::Own,
        group: "",
        resources: &["secrets"],
        verbs: &["get", "list", "watch", "update"],
        names: Names::WebhookSecret,
        feature: Feature::Webhook,
        purpose: "share and renew the certificate of the webhook",
    },
    Rule {
        scope: Scope::Cluster,
        group: "apiextensions.k8s.io",
        resources: &["customresourcedefinitions"],
        verbs: &["patch"],
        names: Names::Definitions,
        feature: Feature::Webhook,
        purpose: "have the API server trust the webhook that converts",
    },
    Rule {
        scope: Scope::Cluster,
        group: "admissionregistration.k8s.io",
        resources: &["validatingwebhookconfigurations"],
        verbs: &["get", "list", "watch", "patch"],
        names: Names::WebhookConfiguration,
        feature: Feature::Webhook,
        purpose: "have the API server trust the webhook that validates",
    },
    Rule {
        scope: Scope::Watched,
        group: "getambassador.io",
        resources: &[
            "authservices",
            "devportals",
            "filterpolicies",
            "filters",
            "hosts",
            "kubernetesendpointresolvers",
            "kubernetesserviceresolvers",
            "listeners",
            "mappings",
            "modules",
            "ratelimits",
            "ratelimitservices",
            "tcpmappings",
            "tlscontexts",
        ],
        verbs: &["patch"],
        names: Names::Any,
        feature: Feature::Edits,
        purpose: "apply what is changed in the console",
    },
    Rule {
        scope: Scope::Watched,
        group: "gateway.getambassador.io",
        resources: &["filterpolicies", "filters"],
        verbs: &["patch"],
        names: Names::Any,
        feature: Feature::Edits,
        purpose: "apply changes of Filters and policies of the newer group",
    },
    Rule {
        scope: Scope::Watched,
        group: "nuncio.dev",
        resources: &["previewpolicies", "previews"],
        verbs: &["patch"],
        names: Names::Any,
        feature: Feature::Edits,
        purpose: "apply changes of Previews",
    },
    Rule {
        scope: Scope::Watched,
        group: "nuncio.dev",
        resources: &["previews"],
        verbs: &["create", "patch", "delete"],
        names: Names::Any,
        feature: Feature::Previews,
        purpose: "create, change and delete Previews for webhooks and the portal",
    },
    Rule {
        scope: Scope::Own,
        group: "",
        resources: &["secrets"],
        verbs: &["get", "update"],
        names: Names::KeysSecret,
        feature: Feature::Keys,
        purpose: "keep keys in their Secret",
    },
];

#[cfg(test)]
mod tests {
    use nuncio_api::Kind;

    use super::*;
    use crate::source::kubernetes::resources::{DEFINITION, api_kind, watched};

    fn allows(group: &str, resource: &str, verb: &str) -> bool {
        RULES.iter().any(|rule| {
            let has = |list: &[&str], wanted: &str| list.contains(&wanted) || list.contains(&"*");
            rule.group == group && has(rule.resources, resource) && has(rule.verbs, verb)
        })
    }

    #[test]
    fn whatever_is_watched_may_be_read() {
        for api in watched(true).into_iter().chain([DEFINITION]) {
            for verb in READ {
                assert!(allows(api.group, api.plural, verb), "{verb} {}", api.resource());
            }
        }
    }

    #[test]
    fn whatever_the_console_changes_may_be_patched_where_that_is_allowed() {
        let rules = RULES.iter().filter(|rule| rule.feature == Feature::Edits && rule.verbs == ["patch"]);
        let may: Vec<_> = rules.flat_map(|rule| rule.resources.iter().map(move |name| (rule.group, *name))).collect();
        for kind in Kind::ALL.into_iter().filter(|kind| crate::edit::is_editable(*kind)) {
            let api = api_kind(kind).unwrap();
            assert!(may.contains(&(api.group, api.plural)), "{}", api.resource());
        }
        assert!(may.iter().all(|(_, plural)| *plural != "secrets"));
    }

    #[test]
    fn every_definition_is_listed() {
        let definitions = nuncio_api::crd::definitions(&nuncio_api::crd::Conversion::default());
        let mut names: Vec<_> = definitions.iter().map(|definition| definition.name()).collect();
        names.sort();
        assert_eq!(names, DEFINITIONS);
    }

    #[test]
    fn whatever_has_a_status_of_ours_may_be_written() {
        let ours = Kind::ALL.into_iter().filter(|kind| kind.is_ours()).filter_map(api_kind);
        let mut expected: Vec<_> = ours.map(|api| (api.group, format!("{}/status", api.plural))).collect();
        let is_ours = |group: &str| group.ends_with("getambassador.io") || group == "nuncio.dev";
        let rows = RULES.iter().filter(|rule| rule.feature == Feature::Status && is_ours(rule.group));
        let resources = |rule: &'static Rule| rule.resources.iter().map(move |name| (rule.group, (*name).to_owned()));
        let mut written: Vec<_> = rows.flat_map(resources).collect();
        expected.sort();
        written.sort();
        assert_eq!(written, expected);
    }
}

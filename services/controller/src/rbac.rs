//! What the controller may have to do with a cluster, in one place: the chart's roles, `nuncio doctor` and the tests are made of
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
    /// What for, in a few words: shown where it is missing.
    pub purpose: &'static str,
}

const READ: &[&str] = &["get", "list", "watch"];

/// Everything that the controller does.
pub const RULES: &[Rule] = &[
    Rule {
        scope: Scope::Watched,
        group: "getambassador.io",
        resources: &["*"],
        verbs: READ,
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
            "kubernetesserviceresolvers/status",
            "kubernetesendpointresolvers/status",
        ],
        verbs: &["patch"],
        purpose: "write the status of objects",
    },
    Rule {
        scope: Scope::Watched,
        group: "",
        resources: &["services", "secrets"],
        verbs: READ,
        purpose: "find services and certificates",
    },
    Rule {
        scope: Scope::Watched,
        group: "discovery.k8s.io",
        resources: &["endpointslices"],
        verbs: READ,
        purpose: "find the addresses of services",
    },
    Rule {
        scope: Scope::Watched,
        group: "networking.k8s.io",
        resources: &["ingresses"],
        verbs: READ,
        purpose: "read Ingresses, and the objects in their annotations",
    },
    Rule {
        scope: Scope::Watched,
        group: "events.k8s.io",
        resources: &["events"],
        verbs: &["create", "patch"],
        purpose: "write events for what is wrong",
    },
    Rule {
        scope: Scope::Cluster,
        group: "networking.k8s.io",
        resources: &["ingressclasses"],
        verbs: READ,
        purpose: "know which Ingresses are ours",
    },
    Rule {
        scope: Scope::Own,
        group: "coordination.k8s.io",
        resources: &["leases"],
        verbs: &["get", "create", "update"],
        purpose: "agree on which replica writes statuses",
    },
];

#[cfg(test)]
mod tests {
    use nuncio_api::Kind;

    use super::*;
    use crate::source::kubernetes::resources::{api_kind, watched};

    fn allows(group: &str, resource: &str, verb: &str) -> bool {
        RULES.iter().any(|rule| {
            let has = |list: &[&str], wanted: &str| list.contains(&wanted) || list.contains(&"*");
            rule.group == group && has(rule.resources, resource) && has(rule.verbs, verb)
        })
    }

    #[test]
    fn whatever_is_watched_may_be_read() {
        for api in watched(true) {
            for verb in READ {
                assert!(allows(api.group, api.plural, verb), "{verb} {}", api.resource());
            }
        }
    }

    #[test]
    fn whatever_has_a_status_of_ours_may_be_written() {
        let row = RULES.iter().find(|rule| rule.verbs == ["patch"] && rule.group == "getambassador.io").unwrap();
        let mut expected: Vec<_> = Kind::ALL
            .into_iter()
            .filter(|kind| kind.is_ours())
            .map(|kind| format!("{}/status", api_kind(kind).unwrap().plural))
            .collect();
        let mut written: Vec<_> = row.resources.iter().map(ToString::to_string).collect();
        expected.sort();
        written.sort();
        assert_eq!(written, expected);
    }
}

//! Which kinds are watched, and where the API server has them.

use nuncio_api::Kind;

/// How much of a kind's objects is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// All of it.
    Whole,
    /// Metadata only; what is wanted is fetched one by one.
    Metadata,
}

/// A kind as the API server has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ApiKind {
    /// API group; empty for the core group.
    pub(crate) group: &'static str,
    /// The version that is asked for.
    pub(crate) version: &'static str,
    /// As in `kind:`.
    pub(crate) kind: &'static str,
    /// As in URLs and rules of RBAC.
    pub(crate) plural: &'static str,
    /// Whether its objects are in namespaces.
    pub(crate) namespaced: bool,
    /// How much is watched.
    pub(crate) depth: Depth,
    /// A field selector that is always there.
    pub(crate) fields: &'static str,
}

/// What stands for the core group among file names.
pub(crate) const CORE: &str = "core";

/// Secrets that cannot hold a certificate are not even looked at.
const SECRET_FIELDS: &str = "type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token,\
    type!=kubernetes.io/dockerconfigjson,type!=kubernetes.io/dockercfg,type!=bootstrap.kubernetes.io/token";

/// Kubernetes' own kinds.
const FOREIGN: [ApiKind; 5] = [
    ApiKind { plural: "services", ..foreign("", "v1", "Service") },
    ApiKind { plural: "secrets", depth: Depth::Metadata, fields: SECRET_FIELDS, ..foreign("", "v1", "Secret") },
    ApiKind { plural: "endpointslices", ..foreign("discovery.k8s.io", "v1", "EndpointSlice") },
    ApiKind { plural: "ingresses", ..foreign("networking.k8s.io", "v1", "Ingress") },
    ApiKind { plural: "ingressclasses", namespaced: false, ..foreign("networking.k8s.io", "v1", "IngressClass") },
];

/// Secrets as a whole: for one that is watched by its name.
pub(crate) const WHOLE_SECRET: ApiKind = ApiKind { plural: "secrets", ..foreign("", "v1", "Secret") };

/// Definitions of kinds. They are large, and only whether they changed matters.
pub(crate) const DEFINITION: ApiKind = ApiKind {
    plural: "customresourcedefinitions",
    namespaced: false,
    depth: Depth::Metadata,
    ..foreign("apiextensions.k8s.io", "v1", "CustomResourceDefinition")
};

/// Which objects are shown to whom before they are stored.
pub(crate) const CONFIGURATION: ApiKind = ApiKind {
    plural: "validatingwebhookconfigurations",
    namespaced: false,
    depth: Depth::Metadata,
    ..foreign("admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration")
};

const fn foreign(group: &'static str, version: &'static str, kind: &'static str) -> ApiKind {
    ApiKind { group, version, kind, plural: "", namespaced: true, depth: Depth::Whole, fields: "" }
}

/// The group of most of our kinds.
const GROUP: &str = "getambassador.io";

/// The group of what Nuncio alone has.
const OWN_GROUP: &str = "nuncio.dev";

/// The plurals of our kinds, in the order of the documentation.
const OURS: [(&str, &str); 19] = [
    ("Mapping", "mappings"),
    ("TCPMapping", "tcpmappings"),
    ("Host", "hosts"),
    ("Listener", "listeners"),
    ("Module", "modules"),
    ("TLSContext", "tlscontexts"),
    ("KubernetesServiceResolver", "kubernetesserviceresolvers"),
    ("KubernetesEndpointResolver", "kubernetesendpointresolvers"),
    ("ConsulResolver", "consulresolvers"),
    ("AuthService", "authservices"),
    ("RateLimitService", "ratelimitservices"),
    ("LogService", "logservices"),
    ("TracingService", "tracingservices"),
    ("DevPortal", "devportals"),
    ("Filter", "filters"),
    ("FilterPolicy", "filterpolicies"),
    ("RateLimit", "ratelimits"),
    ("Preview", "previews"),
    ("PreviewPolicy", "previewpolicies"),
];

/// The API of a kind.
pub(crate) fn api_kind(kind: Kind) -> Option<ApiKind> {
    let name = kind.as_str();
    if !kind.is_ours() {
        return FOREIGN.into_iter().find(|api| api.kind == name);
    }
    let (name, plural) = OURS.into_iter().find(|(kind, _)| *kind == name)?;
    let version = if kind.group() == GROUP { "v3alpha1" } else { "v1alpha1" };
    Some(ApiKind { plural, ..foreign(kind.group(), version, name) })
}

/// Every kind that is watched; `cluster` says whether kinds without a namespace are among them.
pub(crate) fn watched(cluster: bool) -> Vec<ApiKind> {
    let known = Kind::ALL.into_iter().filter_map(api_kind).filter(|api| api.namespaced || cluster);
    known.chain(without_effect()).collect()
}

/// Kinds of ours that have no effect yet: watched so that each of their objects is told of.
fn without_effect() -> impl Iterator<Item = ApiKind> {
    let unknown = OURS.into_iter().filter(|(kind, _)| Kind::from_name(kind).is_none());
    unknown.map(|(kind, plural)| ApiKind { plural, ..foreign(GROUP, "v3alpha1", kind) })
}

impl ApiKind {
    /// Whether a `CustomResourceDefinition` makes it.
    pub(crate) fn is_defined(&self) -> bool {
        self.group.ends_with(GROUP) || self.group == OWN_GROUP
    }

    /// As in `apiVersion:`.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The path of the collection, in a namespace or over all of them.
    pub(crate) fn path(&self, namespace: Option<&str>) -> String {
        let (prefix, api_version, plural) = (self.prefix(), self.api_version(), self.plural);
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!("/{prefix}/{api_version}/namespaces/{namespace}/{plural}"),
            None => format!("/{prefix}/{api_version}/{plural}"),
        }
    }

    /// The path under which the API server lists what it has of this group and version.
    pub(crate) fn discovery_path(&self) -> String {
        format!("/{}/{}", self.prefix(), self.api_version())
    }

    fn prefix(&self) -> &'static str {
        if self.group.is_empty() { "api" } else { "apis" }
    }

    /// What stands for the kind among file names: `getambassador.io/Mapping`, `core/Secret`.
    pub(crate) fn directory(&self) -> String {
        format!("{}/{}", if self.group.is_empty() { CORE } else { self.group }, self.kind)
    }

    /// As `kubectl` names it: `mappings.getambassador.io`, `secrets`.
    pub(crate) fn resource(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_an_api() {
        for kind in Kind::ALL {
            let api = api_kind(kind).unwrap_or_else(|| panic!("{kind} has no row"));
            assert_eq!((api.kind, api.group), (kind.as_str(), kind.group()));
            assert!(!api.plural.is_empty());
        }
    }

    #[test]
    fn kinds_without_effect_are_watched_too() {
        let kinds: Vec<_> = without_effect().map(|api| api.kind).collect();
        assert_eq!(kinds, ["ConsulResolver", "LogService", "TracingService"]);
        assert!(watched(false).iter().any(|api| api.resource() == "logservices.getambassador.io"));
    }

    #[test]
    fn paths_are_those_of_the_api_server() {
        let mapping = api_kind(Kind::Mapping).unwrap();
        assert_eq!(mapping.path(None), "/apis/getambassador.io/v3alpha1/mappings");
        assert_eq!(mapping.path(Some("shop")), "/apis/getambassador.io/v3alpha1/namespaces/shop/mappings");
        assert_eq!(mapping.resource(), "mappings.getambassador.io");
        let secret = api_kind(Kind::Secret).unwrap();
        assert_eq!(secret.path(Some("shop")), "/api/v1/namespaces/shop/secrets");
        assert_eq!(secret.directory(), "core/Secret");
        assert_eq!(secret.depth, Depth::Metadata);
    }

    #[test]
    fn an_ingress_is_watched_and_its_class_only_with_the_whole_cluster() {
        let names = |cluster| watched(cluster).into_iter().map(|api| api.kind).collect::<Vec<_>>();
        assert_eq!(names(true).iter().filter(|kind| **kind == "Ingress").count(), 1);
        assert!(!names(false).contains(&"IngressClass"));
    }
}

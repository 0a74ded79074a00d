//! Kubernetes' `Ingress` and `IngressClass` (`networking.k8s.io/v1`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An `Ingress`. Values are judged where it is translated, so that what is wrong with one path touches no other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Ingress {
    /// The annotation `kubernetes.io/ingress.class`, older than `ingressClassName`.
    #[serde(skip)]
    pub class_annotation: Option<String>,
    /// Name of an `IngressClass`. An API server fills in the default one when the object is made.
    #[serde(rename = "ingressClassName")]
    pub ingress_class_name: Option<String>,
    /// What takes the requests that no rule takes.
    #[serde(rename = "defaultBackend")]
    pub default_backend: Option<IngressBackend>,
    /// Certificates.
    pub tls: Vec<IngressTls>,
    /// Which requests go where.
    pub rules: Vec<IngressRule>,
}

/// A certificate, and the hosts that it is shown for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct IngressTls {
    /// The hosts; every one where empty.
    pub hosts: Vec<String>,
    /// Secret of the same namespace; without it the entry says nothing.
    #[serde(rename = "secretName")]
    pub secret_name: Option<String>,
}

/// The paths of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct IngressRule {
    /// A name, or `*.` and a name: exactly one label stands for the star. Every host where absent.
    pub host: Option<String>,
    /// Its paths.
    pub http: Option<HttpIngressRule>,
}

/// Paths.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct HttpIngressRule {
    /// The paths.
    pub paths: Vec<HttpIngressPath>,
}

/// A path and what takes its requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct HttpIngressPath {
    /// The path; `/` where absent.
    pub path: Option<String>,
    /// `Exact`, `Prefix` or `ImplementationSpecific`, which stands for an absent one.
    #[serde(rename = "pathType")]
    pub path_type: Option<String>,
    /// What takes the requests.
    pub backend: IngressBackend,
}

/// What takes requests: one of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct IngressBackend {
    /// A Service of the same namespace.
    pub service: Option<IngressServiceBackend>,
    /// An object of some other kind, which is not supported.
    pub resource: Option<TypedLocalObjectReference>,
}

/// A Service with one of its ports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct IngressServiceBackend {
    /// Name of the Service.
    pub name: String,
    /// Its port.
    pub port: ServiceBackendPort,
}

/// A port of a Service, by one of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ServiceBackendPort {
    /// Its name.
    pub name: Option<String>,
    /// Its number.
    pub number: Option<u16>,
}

/// Names an object of the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct TypedLocalObjectReference {
    /// API group; the core one where absent.
    #[serde(rename = "apiGroup")]
    pub api_group: Option<String>,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
}

/// An `IngressClass`: who serves the Ingresses that name it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct IngressClass {
    /// The controller, such as `nuncio.dev/ingress-controller`.
    pub controller: String,
    /// The annotation `ingressclass.kubernetes.io/is-default-class`: Ingresses without a class are of this one.
    #[serde(skip)]
    pub is_default: bool,
}

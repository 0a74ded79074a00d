//! The kinds that users write, one file per kind.

mod auth_service;
mod common;
mod dev_portal;
mod docs;
mod endpoint_slice;
mod filter;
mod filter_oauth2;
mod filter_policy;
mod gzip;
mod host;
mod ingress;
mod labels;
mod listener;
mod mapping;
mod mapping_policy;
mod module;
mod module_settings;
mod preview;
mod preview_access;
mod preview_policy;
mod preview_repository;
mod preview_service;
mod preview_template;
mod rate_limit;
mod rate_limit_service;
mod remains;
mod resolver;
mod secret;
mod selector;
mod service;
mod tcp_mapping;
mod tls_context;

use std::sync::Arc;

pub use auth_service::{AuthProto, AuthProtocolVersion, AuthService, IncludeBody, StatusOnError};
pub use common::{AddedHeader, AddedHeaders, CircuitBreaker, Cors, Duration, Keepalive, RegexMap, RoutingPriority};
pub use dev_portal::{DevPortal, NamingScheme, PortalContent, PortalDocs, PortalSearch, PortalSelector, SearchKind};
pub use docs::{Docs, DocsProblem, LONGEST_DOCS_TIMEOUT_MS};
pub use endpoint_slice::{
    Endpoint, EndpointConditions, EndpointHint, EndpointHints, EndpointPort, EndpointSlice, EndpointTarget,
};
pub use filter::{
    ApiKeyFilter, BasicFilter, ExternalFilter, ExternalProto, ExternalTls, Filter, FilterErrorResponse, FromSecret,
    InjectedHeader, IntrospectionFilter, JsonObject, JwtFilter, KeySecret, KeySource, NamedSecret, PluginFilter,
    RenegotiateTls,
};
pub use filter_oauth2::{
    AccessTokenJwtFilter, AccessTokenValidation, ClientAuthentication, CodeChallengeMethod, GrantType, JwtAssertion,
    LOGIN_PARAMETERS, OAuth2Filter, Pkce, ProtectedOrigin, ScopeArgument, UseSessionCookies,
};
pub use filter_policy::{
    FilterArguments, FilterPolicy, FilterRule, FilterUse, Follows, HeaderCondition, InsteadArguments, InsteadFilter,
    InsteadOfRedirect, SameSite,
};
pub use gzip::{CompressionLevel, CompressionStrategy, Gzip};
pub use host::{
    AcmeProvider, Host, InsecureAction, InsecureRequestPolicy, LocalObjectReference, PreviewUrl, RequestPolicy,
    SecretReference,
};
pub use ingress::{
    HttpIngressPath, HttpIngressRule, Ingress, IngressBackend, IngressClass, IngressRule, IngressServiceBackend,
    IngressTls, ServiceBackendPort, TypedLocalObjectReference,
};
pub use labels::{DefaultLabels, GenericLabel, HeaderLabel, Label, LabelName, Labels};
pub use listener::{HostBinding, HostNamespaces, Listener, NamespaceFrom, Protocol, ProtocolLayer, SecurityModel};
pub use mapping::{DnsType, Mapping};
pub use mapping_policy::{
    GrpcHealthCheck, HealthCheck, HealthCheckLayer, HttpHealthCheck, LoadBalancer, LoadBalancerCookie,
    LoadBalancerPolicy, OutlierDetection, RetryPolicy, StatusRange,
};
pub use module::{IpAccess, Module, ModuleConfig};
pub use module_settings::{
    Buffer, Cidr, ClientCertDetails, ForwardClientCertDetails, GrpcStats, GrpcStatsService, InvalidCidr, IpRule,
    LogFormat, LogType, MappingDefaults, ModuleDefaults, Probe, UnderscoresAction,
};
pub use preview::{Preview, PreviewEntrypoint, PreviewInclude, PreviewLifetime, PreviewLifetimeFrom};
pub use preview_access::{PreviewAccess, PreviewAccessMode};
pub use preview_policy::{PreviewBackends, PreviewIncludes, PreviewPolicy, PreviewScheme, PreviewSelector};
pub use preview_repository::{Forge, PreviewCreators, PreviewRepository, PreviewSource};
pub use preview_service::{PreviewDocs, PreviewMatch, PreviewedService, WhenMissing};
pub use preview_template::{Filled, Gaps, LONGEST_BRANCH, PreviewTemplate, TemplateService};
pub use rate_limit::{ErrorResponse, Limit, LimitAction, LimitUnit, LocalRateLimit, RateLimit, TemplatedHeader};
pub use rate_limit_service::{ProtocolVersion, RateLimitGrpc, RateLimitService};
pub use remains::Remains;
pub use resolver::{KubernetesEndpointResolver, KubernetesServiceResolver};
pub use secret::{Secret, SecretBytes, SecretText};
pub use selector::{LabelSelector, LabelSelectorOperator, LabelSelectorRequirement};
pub use service::{IntOrString, Service, ServicePort};
pub use tcp_mapping::TcpMapping;
pub use tls_context::{TlsConfig, TlsContext, TlsVersion};

/// What an [`crate::Object`] says, by its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spec {
    /// `Mapping`.
    Mapping(Box<Mapping>),
    /// `TCPMapping`.
    TcpMapping(Box<TcpMapping>),
    /// `Host`.
    Host(Box<Host>),
    /// `Listener`.
    Listener(Box<Listener>),
    /// `Module`. Only the one called `ambassador` has settings; any other's are left at their defaults.
    Module(Box<Module>),
    /// `TLSContext`.
    TlsContext(Box<TlsContext>),
    /// `RateLimitService`.
    RateLimitService(Box<RateLimitService>),
    /// `RateLimit`.
    RateLimit(Box<RateLimit>),
    /// `AuthService`.
    AuthService(Box<AuthService>),
    /// `Filter`.
    Filter(Box<Filter>),
    /// `FilterPolicy`.
    FilterPolicy(Box<FilterPolicy>),
    /// `KubernetesServiceResolver`.
    ServiceResolver(KubernetesServiceResolver),
    /// `KubernetesEndpointResolver`.
    EndpointResolver(KubernetesEndpointResolver),
    /// Core `Service`; shared with whoever looks for endpoints.
    Service(Arc<Service>),
    /// `EndpointSlice` of `discovery.k8s.io/v1`; shared likewise.
    EndpointSlice(Arc<EndpointSlice>),
    /// Core `Secret`.
    Secret(Box<Secret>),
    /// `Ingress` of `networking.k8s.io/v1`.
    Ingress(Box<Ingress>),
    /// `IngressClass` of `networking.k8s.io/v1`.
    IngressClass(Box<IngressClass>),
    /// `Preview`.
    Preview(Box<Preview>),
    /// `PreviewPolicy`.
    PreviewPolicy(Box<PreviewPolicy>),
    /// `DevPortal`.
    DevPortal(Box<DevPortal>),
    /// The object cannot be used; its problems say why.
    Invalid(Remains),
}

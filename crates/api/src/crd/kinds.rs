//! All kinds, what each is called, and what `kubectl get` shows of it.

use super::gateway;
use super::kind::{Column, CustomKind, text, wide};
use super::structural::schema;
use crate::object::{GATEWAY_GROUP, GROUP, OWN_GROUP};
use crate::{
    AuthService, DevPortal, Filter, FilterPolicy, Host, KubernetesEndpointResolver, KubernetesServiceResolver,
    Listener, Mapping, Module, Preview, PreviewPolicy, RateLimit, RateLimitService, TcpMapping, TlsContext,
};

const BOTH: &[&str] = &["v1", "v2"];
/// Of Edge Stack's own kinds.
const WITH_BETAS: &[&str] = &["v1beta1", "v1beta2", "v1", "v2"];

const SOURCE_HOST: Column = Column { old_path: Some(".spec.host"), ..text("Source Host", ".spec.hostname") };
const PORT: Column = Column { kind: "integer", ..text("Port", ".spec.port") };

/// What most kinds have in common: `v3alpha1` of `getambassador.io`, with a `v1` and a `v2` before it.
const KIND: CustomKind = CustomKind {
    group: GROUP,
    kind: "",
    plural: "",
    short: &[],
    description: "",
    spec: None,
    needs_spec: false,
    version: "v3alpha1",
    older: BOTH,
    columns: &[],
};

/// A kind that is accepted and not yet interpreted.
const fn opaque(
    kind: &'static str,
    plural: &'static str,
    short: &'static [&'static str],
    description: &'static str,
) -> CustomKind {
    CustomKind { kind, plural, short, description, ..KIND }
}

/// All kinds, by group and name.
pub(super) const KINDS: &[CustomKind] = &[
    CustomKind {
        kind: "AuthService",
        plural: "authservices",
        short: &["authsvc"],
        description: "AuthService: who may come in is asked of another service.",
        spec: Some(schema::<AuthService>),
        needs_spec: true,
        columns: &[text("Service", ".spec.auth_service"), text("Proto", ".spec.proto")],
        ..KIND
    },
    opaque(
        "ConsulResolver",
        "consulresolvers",
        &["consulres"],
        "ConsulResolver: services are looked up in Consul. Not yet effective.",
    ),
    CustomKind {
        kind: "DevPortal",
        plural: "devportals",
        short: &["devp"],
        description: "DevPortal: which APIs a developer portal shows, and how.",
        spec: Some(schema::<DevPortal>),
        ..KIND
    },
    CustomKind {
        kind: "Filter",
        plural: "filters",
        short: &["fil"],
        description: "Filter: what a request must have to be let through.",
        spec: Some(schema::<Filter>),
        needs_spec: true,
        older: WITH_BETAS,
        ..KIND
    },
    CustomKind {
        kind: "FilterPolicy",
        plural: "filterpolicies",
        short: &["fp"],
        description: "FilterPolicy: which Filters requests pass.",
        spec: Some(schema::<FilterPolicy>),
        needs_spec: true,
        older: WITH_BETAS,
        ..KIND
    },
    CustomKind {
        kind: "Host",
        plural: "hosts",
        short: &["ho"],
        description: "Host: a name that the edge answers to, its certificate, and what happens to clear text.",
        spec: Some(schema::<Host>),
        older: &["v2"],
        columns: &[
            text("Hostname", ".spec.hostname"),
            text("State", ".status.state"),
            wide("Phase Completed", ".status.phaseCompleted"),
            wide("Phase Pending", ".status.phasePending"),
        ],
        ..KIND
    },
    CustomKind {
        kind: "KubernetesEndpointResolver",
        plural: "kubernetesendpointresolvers",
        short: &["ker"],
        description: "KubernetesEndpointResolver: a service is the addresses of its pods.",
        spec: Some(schema::<KubernetesEndpointResolver>),
        ..KIND
    },
    CustomKind {
        kind: "KubernetesServiceResolver",
        plural: "kubernetesserviceresolvers",
        short: &["ksr"],
        description: "KubernetesServiceResolver: a service is its cluster IP or DNS name.",
        spec: Some(schema::<KubernetesServiceResolver>),
        ..KIND
    },
    CustomKind {
        kind: "Listener",
        plural: "listeners",
        short: &["lsn"],
        description: "Listener: a port that the edge is open on.",
        spec: Some(schema::<Listener>),
        needs_spec: true,
        older: &[],
        columns: &[
            PORT,
            text("Protocol", ".spec.protocol"),
            text("Stack", ".spec.protocolStack"),
            wide("StatsPrefix", ".spec.statsPrefix"),
            text("Security", ".spec.securityModel"),
            wide("L7Depth", ".spec.l7Depth"),
        ],
        ..KIND
    },
    opaque("LogService", "logservices", &["logsvc"], "LogService: where access logs are sent. Not yet effective."),
    CustomKind {
        kind: "Mapping",
        plural: "mappings",
        short: &["map"],
        description: "Mapping: which requests go to which service, and what happens to them on the way.",
        spec: Some(schema::<Mapping>),
        needs_spec: true,
        columns: &[
            SOURCE_HOST,
            text("Source Prefix", ".spec.prefix"),
            text("Dest Service", ".spec.service"),
            text("State", ".status.state"),
            text("Reason", ".status.reason"),
        ],
        ..KIND
    },
    CustomKind {
        kind: "Module",
        plural: "modules",
        short: &["mod"],
        description: "Module: settings of the whole edge, in the one called ambassador.",
        spec: Some(schema::<Module>),
        ..KIND
    },
    CustomKind {
        kind: "RateLimit",
        plural: "ratelimits",
        short: &["rl"],
        description: "RateLimit: what requests with these labels are held to.",
        spec: Some(schema::<RateLimit>),
        needs_spec: true,
        older: WITH_BETAS,
        columns: &[text("Domain", ".spec.domain")],
        ..KIND
    },
    CustomKind {
        kind: "RateLimitService",
        plural: "ratelimitservices",
        short: &["rlsvc"],
        description: "RateLimitService: whom Envoy asks about global rate limits.",
        spec: Some(schema::<RateLimitService>),
        needs_spec: true,
        columns: &[text("Service", ".spec.service"), text("Domain", ".spec.domain")],
        ..KIND
    },
    CustomKind {
        kind: "TCPMapping",
        plural: "tcpmappings",
        short: &["tcpmap"],
        description: "TCPMapping: forwards connections, whatever they carry.",
        spec: Some(schema::<TcpMapping>),
        needs_spec: true,
        columns: &[PORT, text("Source Host", ".spec.host"), text("Dest Service", ".spec.service")],
        ..KIND
    },
    CustomKind {
        kind: "TLSContext",
        plural: "tlscontexts",
        short: &["tlsctx"],
        description: "TLSContext: certificates and TLS settings, for clients and for services.",
        spec: Some(schema::<TlsContext>),
        columns: &[text("Secret", ".spec.secret"), text("Hosts", ".spec.hosts")],
        ..KIND
    },
    opaque(
        "TracingService",
        "tracingservices",
        &["tracesvc"],
        "TracingService: where traces are sent. Not yet effective.",
    ),
    CustomKind {
        group: GATEWAY_GROUP,
        kind: "Filter",
        plural: "filters",
        short: &["fil"],
        description: "Filter: what a request must have to be let through.",
        spec: Some(gateway::filter),
        needs_spec: true,
        version: "v1alpha1",
        older: &[],
        columns: &[text("Type", ".spec.type")],
    },
    CustomKind {
        group: GATEWAY_GROUP,
        kind: "FilterPolicy",
        plural: "filterpolicies",
        short: &["fp"],
        description: "FilterPolicy: which Filters requests pass.",
        spec: Some(gateway::policy),
        needs_spec: true,
        version: "v1alpha1",
        older: &[],
        columns: &[],
    },
    CustomKind {
        group: OWN_GROUP,
        kind: "Preview",
        plural: "previews",
        short: &["prev"],
        description: "Preview: some services replaced by others, at URLs of its own.",
        spec: Some(schema::<Preview>),
        needs_spec: true,
        version: "v1alpha1",
        older: &[],
        columns: &[
            text("Access", ".spec.access.mode"),
            text("URL", ".status.urls[0].url"),
            text("Expires", ".status.expiresAt"),
        ],
    },
    CustomKind {
        group: OWN_GROUP,
        kind: "PreviewPolicy",
        plural: "previewpolicies",
        short: &["prevpol"],
        description: "PreviewPolicy: what Previews may do, and where.",
        spec: Some(schema::<PreviewPolicy>),
        needs_spec: true,
        version: "v1alpha1",
        older: &[],
        columns: &[text("Domain", ".spec.domain")],
    },
];

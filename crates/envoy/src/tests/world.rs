//! Everything at once, and the same without a controller: in one static bootstrap file.

mod settle;

use std::time::Duration;

use nuncio_ir::{
    Arm, Authorization, AuthorizationBody, AuthorizationProtocol, Check, Cluster, Cors, Discovery, Endpoint, Endpoints,
    Extension, Forward, HeaderEdits, HeaderMatch, HostRewrite, IpFamily, LbPolicy, LimitService, Mirror, PathMatch,
    PathRewrite, Pem, Priority, Protocol, QueryMatch, Redirect, ResourceType, Retry, Route, RouteAction, RouteMatch,
    Secret, SecretValue, Slot, SlotFilter, ValueMatch,
};
use serde_json::{Value, json};

use self::settle::{forget_sds, settle_endpoints, settle_extensions, settle_routes};
use super::build::{self, add, arm, forward, host, http_chain, invalid, listener, local, name, prefix, respond, route};
use super::clusters::{dns, everything};
use super::listeners::{every_setting, mutual};
use crate::json::with_secrets;
use crate::{Resource, cluster, endpoints, extension, listener as listener_resource, secret, table};

/// Resources of a gateway.
#[derive(Default)]
pub(super) struct World {
    pub(super) resources: Vec<Resource>,
}

impl World {
    pub(super) fn with(mut self, resources: impl IntoIterator<Item = Resource>) -> Self {
        self.resources.extend(resources);
        self
    }

    /// The resources of `kind` in JSON, private keys and all.
    pub(super) fn json(&self, kind: ResourceType) -> Vec<Value> {
        self.resources
            .iter()
            .filter(|resource| resource.kind == kind)
            .map(|resource| with_secrets(kind.type_url(), &resource.body).unwrap())
            .collect()
    }

    /// A bootstrap's `static_resources` that serve what the controller would: endpoints, routes and
    /// secrets in the place where a listener or cluster names them.
    pub(super) fn without_controller(&self) -> Value {
        let endpoints = self.json(ResourceType::Endpoints);
        let mut clusters = self.json(ResourceType::Cluster);
        for cluster in &mut clusters {
            settle_endpoints(cluster, &endpoints);
            forget_sds(cluster);
        }
        let mut listeners = self.json(ResourceType::Listener);
        let scopes = self.scopes();
        let extensions = self.json(ResourceType::Extension);
        for listener in &mut listeners {
            settle_routes(listener, &scopes);
            settle_extensions(listener, &extensions);
            forget_sds(listener);
        }
        json!({"clusters": clusters, "listeners": listeners, "secrets": self.json(ResourceType::Secret)})
    }

    fn scopes(&self) -> Vec<Value> {
        let routes = self.json(ResourceType::Route);
        let mut scopes = self.json(ResourceType::ScopedRoute);
        for scope in &mut scopes {
            let name = scope.as_object_mut().unwrap().remove("routeConfigurationName").unwrap();
            scope["routeConfiguration"] = routes.iter().find(|routes| routes["name"] == name).unwrap().clone();
        }
        scopes
    }
}

/// At least one of everything that the model can say.
pub(super) fn full() -> World {
    World::default().with(secrets()).with(clusters()).with(extensions()).with(tables()).with(listeners())
}

fn extensions() -> Vec<Resource> {
    [asking(Slot::Auth, "V4", http_check()), limiting(Some("V4"))].map(|filled| extension(&filled)).into()
}

/// The slot whose filter asks this cluster about limits.
pub(super) fn limiting(cluster: Option<&str>) -> Extension {
    let filter = SlotFilter::Limit(Box::new(LimitService {
        cluster: cluster.map(name),
        authority: "limits".to_owned(),
        domain: "edge".to_owned(),
        timeout: Duration::from_millis(20),
        deny_on_failure: true,
        resource_exhausted: true,
    }));
    Extension { slot: Slot::Limit, filter, origins: Vec::new() }
}

/// A slot whose filter asks this cluster.
pub(super) fn asking(slot: Slot, cluster: &str, protocol: AuthorizationProtocol) -> Extension {
    let filter = SlotFilter::Authorize(Box::new(Authorization {
        cluster: name(cluster),
        protocol,
        add_headers: vec![("x-edge".to_owned(), "%REQ(:path)%".to_owned())],
        timeout: Duration::from_secs(5),
        body: Some(AuthorizationBody { max_bytes: 100, allow_partial: false }),
        status_on_error: Some(503),
        failure_mode_allow: true,
    }));
    Extension { slot, filter, origins: Vec::new() }
}

pub(super) fn http_check() -> AuthorizationProtocol {
    AuthorizationProtocol::Http {
        path_prefix: "/check".to_owned(),
        request_headers: vec!["authorization".to_owned()],
        response_headers: vec!["x-user".to_owned()],
    }
}

fn secrets() -> Vec<Resource> {
    let pair = rcgen::generate_simple_self_signed(["shop.example".to_owned()]).unwrap();
    let certificate = || SecretValue::Certificate {
        chain: Pem(pair.cert.pem().into()),
        key: Pem(pair.signing_key.serialize_pem().into()),
    };
    let authority = || SecretValue::Validation { ca: Pem(pair.cert.pem().into()), crl: None };
    let nobody = SecretValue::Validation { ca: Pem("".into()), crl: None };
    [("ns/shop", certificate()), ("ns/client", certificate()), ("ns/shop~ca", nobody), ("ns/upstream~ca", authority())]
        .map(|(name, value)| secret(&Secret { name: build::secret_name(name), value }))
        .into()
}

fn clusters() -> Vec<Resource> {
    let policies = [LbPolicy::RoundRobin, LbPolicy::LeastRequest, LbPolicy::RingHash, LbPolicy::Maglev];
    let fixed = policies.map(|lb| Cluster {
        lb,
        proper_case: true,
        ..build::cluster(&format!("{lb:?}"), Discovery::Static(vec![local(9000)]))
    });
    let families = [IpFamily::V4, IpFamily::V6, IpFamily::Both].map(|family| {
        let discovery = dns("shop.example", family, family == IpFamily::V4);
        build::cluster(&format!("{family:?}"), discovery)
    });
    let tcp = Cluster { protocol: Protocol::Tcp, ..build::cluster("tcp", Discovery::Endpoints) };
    let assignments = ["everything", "tcp"].map(|cluster| {
        endpoints(&Endpoints {
            cluster: name(cluster),
            hostname: "shop.ns.svc".to_owned(),
            endpoints: vec![
                Endpoint {
                    zone: Some("a".into()),
                    other: Some("[::1]:9002".parse().unwrap()),
                    ..Endpoint::at(local(9001))
                },
                Endpoint { rank: 1, zone: Some("b".into()), ..Endpoint::at("[::1]:9001".parse().unwrap()) },
            ],
            shares: [("a".into(), 80), ("b".into(), 20)].into(),
        })
    });
    fixed.iter().chain(&families).chain([&tcp, &everything()]).map(cluster).chain(assignments).collect()
}

fn every_match() -> RouteMatch {
    let values = [
        ValueMatch::Exact("a".to_owned()),
        ValueMatch::Prefix { value: "a".to_owned(), ignore_case: true },
        ValueMatch::Suffix { value: "a".to_owned(), ignore_case: false },
        ValueMatch::Regex("a+".to_owned()),
        ValueMatch::Present,
    ];
    let header = |value: &ValueMatch, invert| HeaderMatch { name: "x-a".to_owned(), value: value.clone(), invert };
    RouteMatch {
        path: PathMatch::Exact { value: "/exact".to_owned(), case_sensitive: false },
        headers: values.iter().flat_map(|value| [header(value, false), header(value, true)]).collect(),
        query: values.iter().map(|value| QueryMatch { name: "q".to_owned(), value: value.clone() }).collect(),
    }
}

fn every_route() -> Vec<Route> {
    let everything = Arm {
        host_rewrite: Some(HostRewrite::Endpoint),
        request_headers: HeaderEdits {
            remove: vec!["x-gone".to_owned()],
            add: vec![add("x-host", "%REQ(:authority)%", true), add("x-percent", "100%%", false)],
        },
        idle_timeout: Some(Duration::ZERO),
        retry: Some(Retry {
            on: vec!["5xx".to_owned(), "connect-failure".to_owned()],
            retries: 3,
            per_try_timeout: Some(Duration::from_secs(1)),
            body_limit: Some(1 << 20),
        }),
        hash: vec![
            nuncio_ir::HashPolicy::Header("x-user".to_owned()),
            nuncio_ir::HashPolicy::Cookie { name: "sid".to_owned(), path: None, ttl: Some(Duration::ZERO) },
            nuncio_ir::HashPolicy::SourceIp,
        ],
        upgrades: vec!["websocket".to_owned()],
        ..arm(1, "RingHash")
    };
    let mirrored = RouteAction::Forward(Box::new(Forward {
        arms: vec![everything.into()],
        mirrors: vec![Mirror { cluster: name("Maglev"), audience: "maglev.shop:80".into(), percent: 50 }],
        priority: Priority::High,
    }));
    let shared = forward(vec![
        Arm { host_rewrite: Some(HostRewrite::Literal("c.example".to_owned())), ..arm(1, "RoundRobin") },
        arm(9, "LeastRequest"),
    ]);
    let rewritten = |rewrite| forward(vec![Arm { rewrite: Some(rewrite), ..arm(1, "V4") }]);
    let regex = || PathRewrite::Regex { pattern: "^/(.*)$".to_owned(), substitution: r"/x/\1".to_owned() };
    let matched = || PathRewrite::Matched("/".to_owned());
    let full = || PathRewrite::Full("/full".to_owned());
    let redirect = |path| {
        RouteAction::Redirect(Box::new(Redirect {
            scheme: Some("https".to_owned()),
            host: Some("b.example".to_owned()),
            port: Some(8443),
            path,
            status: 308,
        }))
    };
    let cors = Cors { origins: vec!["*".to_owned()], credentials: true, ..Default::default() };
    vec![
        Route { matches: every_match(), ..route("matches", prefix("/"), respond(200, &"x".repeat(5000))) },
        Route { cors: Some(cors.into()), ..route("mirrored", PathMatch::Regex("/re/.*".to_owned()), mirrored) },
        Route {
            auth: Check::On(
                [("tier".to_owned(), "gold".to_owned())]
                    .into_iter()
                    .collect::<std::collections::BTreeMap<_, _>>()
                    .into(),
            ),
            ..route("shared", prefix("/shared"), shared)
        },
        route("fractions", prefix("/fractions"), forward(vec![arm(1, "V6"), invalid(2, "gone"), arm(3, "Both")])),
        route("segments", PathMatch::Segments("/seg".to_owned()), rewritten(matched())),
        route("full", prefix("/full"), rewritten(full())),
        route("regex", prefix("/regex"), rewritten(regex())),
        route("r-plain", prefix("/r-plain"), redirect(None)),
        route("r-segments", PathMatch::Segments("/r-seg".to_owned()), redirect(Some(matched()))),
        route("r-prefix", prefix("/r-prefix"), redirect(Some(matched()))),
        route("r-full", prefix("/r-full"), redirect(Some(full()))),
        route("r-regex", prefix("/r-regex"), redirect(Some(regex()))),
        route("grpc", prefix("/grpc"), forward(vec![arm(1, "everything")])),
    ]
}

fn tables() -> Vec<Resource> {
    let wildcards = build::table(
        "*",
        "",
        vec![
            build::virtual_host("*.example", &["*.example", "shop.*"], every_route()),
            build::virtual_host("*", &["*"], vec![route("any", prefix("/"), respond(404, ""))]),
        ],
    );
    [host("shop.example", every_route()), wildcards].iter().flat_map(table).collect()
}

fn listeners() -> Vec<Resource> {
    let tcp = build::tls_chain("tcp", &["db.example"], "ns/shop", build::tcp(&[("tcp", 1), ("RoundRobin", 2)]));
    let optional = {
        let mut chain = mutual("optional", &["*.optional.example"], every_setting());
        chain.tls.as_mut().unwrap().client.as_mut().unwrap().required = false;
        chain
    };
    let mut secure = listener("https", 18_443, vec![mutual("strict", &["a.example"], every_setting()), optional, tcp]);
    secure.chains.push(build::closing("closed", &["closed.example"]));
    secure.chains.push(http_chain("rest", build::http()));
    secure.proxy_protocol = true;
    let clear = listener("http", 18_080, vec![http_chain("clear", every_setting())]);
    let raw = listener("tcp", 18_081, vec![build::chain("raw", build::tcp(&[("tcp", 1)]))]);
    [secure, clear, raw].iter().map(listener_resource).collect()
}

//! A Mapping, taken apart.

mod conditions;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use nuncio_api::{self as api, AddedHeaders, Mapping, ModuleConfig, ObjectId, Problem, RegexMap, Scheme};
use nuncio_ir::{Arm, Backend, Cors, HeaderAdd, HeaderEdits, HostRewrite, PathRewrite, Protocol, Redirect, Retry};

pub(crate) use self::conditions::{AUTHORITY, METHOD, length, text_length};
use self::conditions::{conditions, unmatchable};
use crate::compiled::{Asked, Compiled, Defaults, Labels, Part, Shared};
use crate::context::Context;
use crate::labels;
use crate::shares::weight;
use crate::upstream::{Resolved, Wanted, added, audience, family, load_balancer, lower_names, priority, resolve};

/// The original's time for an answer, and for a connection.
pub(crate) const DEFAULT_TIMEOUT_MS: u64 = 3_000;

/// Bytes of a body that are kept for what reads or repeats it, where the Module does not say how many: the original's, which is
/// Envoy's own default. A connection of the edge profile buffers less.
pub(crate) const BODY_LIMIT: u32 = 1 << 20;

/// Takes a Mapping apart. It always has a route: one that cannot be served answers 503 and says why.
pub(crate) fn compile(id: &ObjectId, labels: &Labels, mapping: &Mapping, context: &Context<'_>) -> Compiled {
    let mut problems = Vec::new();
    let part = part(id, mapping, context, &mut problems);
    let auth = asked(mapping);
    let shared = shared(mapping, context, &mut problems);
    problems.extend(unmatchable(mapping, context));
    Compiled { shared: common(shared), auth, problems, ..conditions(id, labels, mapping, part) }
}

/// Takes a Mapping apart of which only the conditions can be used.
pub(crate) fn invalid(id: &ObjectId, labels: &Labels, mapping: &Mapping, reason: String) -> Compiled {
    conditions(id, labels, mapping, Part::Invalid { reason })
}

fn part(id: &ObjectId, mapping: &Mapping, context: &Context<'_>, problems: &mut Vec<Problem>) -> Part {
    let shadow = mapping.shadow.unwrap_or(false);
    if mapping.host_redirect.unwrap_or(false) && !shadow {
        return Part::Redirect(Box::new(redirect(mapping)));
    }
    let (lb, hash) = load_balancer(mapping.load_balancer.as_deref().or(context.module.load_balancer.as_ref()));
    let Resolved { upstream, authority, warnings } = resolve(&wanted(id, mapping, context, lb), context);
    problems.extend(warnings);
    let upstream = upstream.map(Arc::new);
    problems.extend(upstream.as_ref().err().cloned());
    if shadow {
        let percent = mapping.weight.map_or(100, |percent| weight(percent).min(100));
        return Part::Shadow { percent, upstream: upstream.ok() };
    }
    let backend = match &upstream {
        Ok(upstream) => Backend::Cluster(upstream.name().clone()),
        Err(problem) => Backend::Invalid { status: 503, reason: problem.message.clone(), told: None },
    };
    let linkerd = mapping.add_linkerd_headers.or(context.module.add_linkerd_headers).unwrap_or(false);
    let audience = upstream.as_ref().map_or_else(|_| "".into(), |upstream| audience(upstream));
    let arm = Arm { audience, ..arm(mapping, context, backend, hash, linkerd.then_some(authority)) };
    Part::Arm { weight: mapping.weight.map(weight), arm: Arc::new(arm), upstream: upstream.ok() }
}

fn wanted<'a>(id: &'a ObjectId, mapping: &'a Mapping, context: &Context<'a>, lb: nuncio_ir::LbPolicy) -> Wanted<'a> {
    let module = context.module;
    let millis = |own: Option<u64>, default: Option<u64>| own.or(default).map(Duration::from_millis);
    let defaults = module.defaults.as_ref().map(|defaults| &defaults.httpmapping);
    Wanted {
        namespace: &id.namespace,
        service: &mapping.service,
        service_namespace: &id.namespace,
        resolver: mapping.resolver.as_deref(),
        tls: mapping.tls.as_deref(),
        cluster_tag: mapping.cluster_tag.as_deref(),
        stats_name: mapping.stats_name.as_deref().or(defaults.and_then(|defaults| defaults.stats_name.as_deref())),
        protocol: if mapping.grpc.unwrap_or(false) { Protocol::Http2 } else { Protocol::Http1 },
        connect_timeout: Duration::from_millis(mapping.connect_timeout_ms.unwrap_or(DEFAULT_TIMEOUT_MS)),
        idle_timeout: millis(mapping.cluster_idle_timeout_ms, module.cluster_idle_timeout_ms),
        max_connection_lifetime: millis(
            mapping.cluster_max_connection_lifetime_ms,
            module.cluster_max_connection_lifetime_ms,
        ),
        lb,
        circuit_breakers: mapping.circuit_breakers.as_ref().unwrap_or(&module.circuit_breakers),
        health_checks: &mapping.health_checks,
        outlier_detection: mapping.outlier_detection.as_deref(),
        keepalive: mapping.keepalive.as_deref(),
        dns_type: mapping.dns_type.unwrap_or_default(),
        respect_dns_ttl: mapping.respect_dns_ttl.unwrap_or(false),
        family: family(mapping.enable_ipv4, mapping.enable_ipv6, module),
    }
}

fn arm(
    mapping: &Mapping,
    context: &Context<'_>,
    backend: Backend,
    hash: Vec<nuncio_ir::HashPolicy>,
    linkerd: Option<String>,
) -> Arm {
    let rewrite = match mapping.rewrite.as_deref() {
        None => Some(PathRewrite::Matched("/".to_owned())),
        Some("") => None,
        Some(rewrite) => Some(PathRewrite::Matched(rewrite.to_owned())),
    };
    let of_endpoint = mapping.auto_host_rewrite.unwrap_or(false).then_some(HostRewrite::Endpoint);
    let host_rewrite = mapping.host_rewrite.clone().map(HostRewrite::Literal).or(of_endpoint);
    let timeout = mapping.timeout_ms.or(context.module.cluster_request_timeout_ms).unwrap_or(DEFAULT_TIMEOUT_MS);
    let add = linkerd.map(|value| HeaderAdd { name: "l5d-dst-override".to_owned(), value, append: false });
    Arm {
        weight: 1,
        backend,
        audience: "".into(),
        rewrite,
        host_rewrite,
        request_headers: HeaderEdits { remove: Vec::new(), add: add.into_iter().collect() },
        timeout: Duration::from_millis(timeout),
        idle_timeout: mapping.idle_timeout_ms.map(Duration::from_millis),
        retry: None,
        hash,
        upgrades: Vec::new(),
        auth_context: None,
    }
}

fn redirect(mapping: &Mapping) -> Redirect {
    let path = if let Some(path) = &mapping.path_redirect {
        Some(PathRewrite::Full(path.clone()))
    } else if let Some(prefix) = &mapping.prefix_redirect {
        Some(PathRewrite::Matched(prefix.clone()))
    } else {
        mapping.regex_redirect.as_deref().map(regex_rewrite)
    };
    Redirect {
        scheme: mapping.service.scheme.map(|scheme: Scheme| scheme.as_str().to_owned()),
        host: Some(mapping.service.url_host().into_owned()),
        port: mapping.service.port,
        path,
        status: mapping.redirect_response_code.unwrap_or(301),
    }
}

fn regex_rewrite(map: &RegexMap) -> PathRewrite {
    PathRewrite::Regex { pattern: map.pattern.clone(), substitution: map.substitution.clone() }
}

fn shared(mapping: &Mapping, context: &Context<'_>, problems: &mut Vec<Problem>) -> Shared {
    let module = context.module;
    let defaults = module.defaults.as_ref().map(|defaults| &defaults.httpmapping);
    let adds = |own: &Option<AddedHeaders>, default: Option<&AddedHeaders>| {
        own.as_ref().or(default).map(added).unwrap_or_default()
    };
    let removes = |own: &Option<Vec<String>>, default: Option<&Vec<String>>| {
        own.as_ref().or(default.filter(|names| !names.is_empty())).map(|names| lower_names(names))
    };
    Shared {
        add_request_headers: adds(&mapping.add_request_headers, defaults.map(|d| &d.add_request_headers)),
        remove_request_headers: removes(&mapping.remove_request_headers, defaults.map(|d| &d.remove_request_headers)),
        add_response_headers: adds(&mapping.add_response_headers, defaults.map(|d| &d.add_response_headers)),
        remove_response_headers: removes(
            &mapping.remove_response_headers,
            defaults.map(|d| &d.remove_response_headers),
        ),
        cors: mapping.cors.as_deref().map(cors),
        retry: mapping.retry_policy.as_deref().and_then(|policy| retry(policy, module)),
        regex_rewrite: mapping.regex_rewrite.as_deref().map(regex_rewrite),
        priority: mapping.priority.map(priority),
        upgrades: Some(mapping.allow_upgrade.clone()).filter(|upgrades| !upgrades.is_empty()),
        descriptors: labels::descriptors(mapping, context, problems),
        bucket: mapping.local_rate_limit.as_deref().and_then(labels::bucket),
        defaults: Defaults {
            cors: module.cors.as_deref().map_or_else(|| context.settings.cors.clone(), cors),
            retry: module.retry_policy.as_ref().and_then(|policy| retry(policy, module)),
        },
    }
}

fn asked(mapping: &Mapping) -> Asked {
    let asked = Asked { bypassed: mapping.bypass_auth.unwrap_or(false), ..Asked::default() };
    match mapping.auth_context_extensions.is_empty() {
        true => asked,
        false => Asked { context: Arc::new(mapping.auth_context_extensions.clone()), ..asked },
    }
}

/// Most Mappings share nothing, and all of those the same nothing.
fn common(shared: Shared) -> Arc<Shared> {
    static NOTHING: LazyLock<Arc<Shared>> = LazyLock::new(Arc::default);
    if shared == **NOTHING { Arc::clone(&NOTHING) } else { Arc::new(shared) }
}

/// A policy without origins allows nothing.
fn cors(cors: &api::Cors) -> Option<Cors> {
    (!cors.origins.is_empty()).then(|| Cors {
        origins: cors.origins.clone(),
        methods: cors.methods.join(", "),
        headers: cors.headers.join(", "),
        exposed_headers: cors.exposed_headers.join(", "),
        max_age: cors.max_age.map(|seconds| seconds.to_string()).unwrap_or_default(),
        credentials: cors.credentials.unwrap_or(false),
    })
}

fn retry(policy: &api::RetryPolicy, module: &ModuleConfig) -> Option<Retry> {
    (!policy.retry_on.is_empty()).then(|| Retry {
        on: policy.retry_on.clone(),
        retries: policy.num_retries.unwrap_or(1),
        per_try_timeout: policy.per_try_timeout.map(|timeout| timeout.0),
        body_limit: module.buffer_limit_bytes.is_none().then_some(BODY_LIMIT),
    })
}

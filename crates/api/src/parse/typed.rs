//! From an object's tree to its typed spec.

use std::sync::Arc;

use serde::Deserialize;

use super::envelope::{Version, annotation};
use super::issues::Issues;
use super::{gateway, legacy, module, remains, unknown};
use crate::yaml::{De, DeError, Mark, Node, Passed, Path};
use crate::{Ingress, IngressClass, Kind, Object, Problem, Secret, Spec, not_effective, validate};

/// Annotation that names the class of an Ingress, from before `ingressClassName`.
const INGRESS_CLASS: &str = "kubernetes.io/ingress.class";
/// Annotation of the `IngressClass` for Ingresses that name none.
const DEFAULT_CLASS: &str = "ingressclass.kubernetes.io/is-default-class";
/// Annotation of Kubernetes' own kinds that names the instance that takes them.
const INSTANCE: &str = "getambassador.io/ambassador-id";

/// Fills in the spec of `object` and what is wrong with it. `wrong` says what its metadata is refused for.
pub(super) fn object(
    mut object: Object,
    node: &mut Node<'_>,
    version: Version,
    wrong: Option<DeError>,
    file: &Arc<str>,
) -> Object {
    let kind = object.id.kind;
    let mut notes = Vec::new();
    match version {
        Version::Old => legacy::upgrade(kind, node, &mut notes),
        Version::Gateway => gateway::upgrade(kind, node, &mut notes),
        Version::Current => {}
    }
    match kind {
        Kind::Mapping => unknown_dns_type(node, &mut notes),
        Kind::Module => legacy::module_defaults(node),
        _ => {}
    }
    let node = &*node;
    let mut issues = Issues::new(node, file);
    notes.into_iter().for_each(|(mark, problem)| issues.push(mark, problem));
    if let Some(error) = wrong {
        issues.refused(error);
    }
    // First: the spec itself may be what nothing knows there.
    if kind.is_ours() {
        unknown::report_at_top(kind, node, &mut issues);
    }
    let spec = spec(&object, node, &mut issues);
    object.spec = spec.unwrap_or_else(|| Spec::Invalid(remains::of(&object.id, node, file)));
    if kind.is_ours() {
        not_effective::report(kind, &mut issues);
    }
    object.ambassador_id = match kind {
        Kind::Ingress | Kind::IngressClass => vec![annotation(node, INSTANCE).unwrap_or("default").to_owned()],
        _ => instances(node),
    };
    object.problems = issues.finish();
    object
}

/// The spec; `None` if the object cannot be used.
fn spec(object: &Object, node: &Node<'_>, issues: &mut Issues<'_>) -> Option<Spec> {
    let root = Path::Root;
    let path = root.key("spec");
    let kind = object.id.kind;
    let needed = matches!(
        kind,
        Kind::Mapping
            | Kind::TCPMapping
            | Kind::Listener
            | Kind::AuthService
            | Kind::RateLimitService
            | Kind::RateLimit
            | Kind::Filter
            | Kind::FilterPolicy
            | Kind::GatewayFilter
            | Kind::GatewayFilterPolicy
            | Kind::Preview
            | Kind::PreviewPolicy
    );
    if needed && node.get("spec").is_none_or(Node::is_null) {
        issues.error(&path, "MissingField", format!("{} needs a spec", kind.with_article()));
        return None;
    }
    if kind == Kind::Module {
        let usable = issues.errors() == 0;
        return module::read(&object.id, node, issues).filter(|_| usable).map(|module| Spec::Module(Box::new(module)));
    }
    let spec = match kind {
        Kind::Mapping => {
            let mut mapping = read(kind, node, &path, issues)?;
            validate::mapping(&mut mapping, &path, issues);
            Spec::Mapping(Box::new(mapping))
        }
        Kind::TCPMapping => {
            let mut mapping = read(kind, node, &path, issues)?;
            validate::tcp_mapping(&mut mapping, &path, issues);
            Spec::TcpMapping(Box::new(mapping))
        }
        Kind::Host => {
            let (mut host, is_whole) = read_in_part(kind, node, &path, issues)?;
            if is_whole {
                validate::host(&mut host, &path, issues);
            } else {
                validate::host_in_part(&host, &path, issues);
            }
            Spec::Host(Box::new(host))
        }
        Kind::Listener => {
            let mut listener = read(kind, node, &path, issues)?;
            validate::listener(&mut listener, &path, issues);
            Spec::Listener(Box::new(listener))
        }
        Kind::TLSContext => {
            let context = read(kind, node, &path, issues)?;
            validate::tls_context(&context, &path, issues);
            Spec::TlsContext(Box::new(context))
        }
        Kind::RateLimitService => {
            let mut service = read(kind, node, &path, issues)?;
            validate::rate_limit_service(&mut service, &path, issues);
            Spec::RateLimitService(Box::new(service))
        }
        Kind::RateLimit => {
            let limits = read(kind, node, &path, issues)?;
            validate::rate_limit(&limits, &path, issues);
            Spec::RateLimit(Box::new(limits))
        }
        Kind::AuthService => {
            let mut service = read(kind, node, &path, issues)?;
            validate::auth_service(&mut service, &path, issues);
            Spec::AuthService(Box::new(service))
        }
        Kind::Filter | Kind::GatewayFilter => {
            let mut filter = read(kind, node, &path, issues)?;
            validate::filter(&mut filter, &path, issues);
            Spec::Filter(Box::new(filter))
        }
        Kind::FilterPolicy | Kind::GatewayFilterPolicy => {
            let policy = read(kind, node, &path, issues)?;
            rules_are_written(node, &path, issues)?;
            validate::filter_policy(&policy, &path, issues);
            Spec::FilterPolicy(Box::new(policy))
        }
        Kind::Preview => {
            let preview = read(kind, node, &path, issues)?;
            validate::preview(&preview, &path, issues);
            Spec::Preview(Box::new(preview))
        }
        Kind::PreviewPolicy => {
            let mut policy = read(kind, node, &path, issues)?;
            validate::preview_policy(&mut policy, &path, issues);
            Spec::PreviewPolicy(Box::new(policy))
        }
        Kind::DevPortal => {
            let portal = read(kind, node, &path, issues)?;
            validate::dev_portal(&portal, &path, issues);
            Spec::DevPortal(Box::new(portal))
        }
        Kind::KubernetesServiceResolver => Spec::ServiceResolver(read(kind, node, &path, issues)?),
        Kind::KubernetesEndpointResolver => Spec::EndpointResolver(read(kind, node, &path, issues)?),
        Kind::Service => Spec::Service(Arc::new(foreign(node.get("spec"), &path, issues)?)),
        Kind::EndpointSlice => Spec::EndpointSlice(Arc::new(foreign(Some(node), &root, issues)?)),
        Kind::Secret => {
            let mut secret = secret(node, &root, issues)?;
            secret.merge_text();
            Spec::Secret(Box::new(secret))
        }
        Kind::Ingress => {
            let ingress: Ingress = foreign(node.get("spec"), &path, issues)?;
            let class_annotation = annotation(node, INGRESS_CLASS).map(str::to_owned);
            Spec::Ingress(Box::new(Ingress { class_annotation, ..ingress }))
        }
        Kind::IngressClass => {
            let class: IngressClass = foreign(node.get("spec"), &path, issues)?;
            let is_default = annotation(node, DEFAULT_CLASS) == Some("true");
            Spec::IngressClass(Box::new(IngressClass { is_default, ..class }))
        }
        Kind::Module => return None,
    };
    (issues.errors() == 0).then_some(spec)
}

/// Of one object more values than these are not refused at once.
const REFUSED: usize = 16;

/// Deserializes the `spec` of an object of ours; each value that cannot be read is reported, and the fields that nothing knows.
fn read<'de, T: Deserialize<'de> + Default>(
    kind: Kind,
    node: &'de Node<'de>,
    path: &Path<'_>,
    issues: &mut Issues<'_>,
) -> Option<T> {
    read_in_part(kind, node, path, issues).and_then(|(spec, is_whole)| is_whole.then_some(spec))
}

/// The same without the values that cannot be read; whether it is whole.
fn read_in_part<'de, T: Deserialize<'de> + Default>(
    kind: Kind,
    node: &'de Node<'de>,
    path: &Path<'_>,
    issues: &mut Issues<'_>,
) -> Option<(T, bool)> {
    let Some(spec) = node.get("spec") else { return Some((T::default(), true)) };
    let told = |error: DeError| if error.path.ends_with(".secret") { without_value(error) } else { error };
    let mut passed = Passed::default();
    loop {
        let result = T::deserialize(De::new(spec, path, &passed));
        match result {
            // What lacks a value that was refused may say that it is missing.
            Err(error) if passed.refused() < REFUSED && !passed.is_incomplete(&error.path) => {
                passed.refuse(&error.path);
                issues.refused(told(error));
            }
            result => {
                let is_whole = passed.refused() == 0;
                unknown::report(kind, passed, issues);
                return result.ok().map(|spec| (spec, is_whole));
            }
        }
    }
}

/// What is wrong, without what was found there.
fn without_value(error: DeError) -> DeError {
    let message = error.message.split(", found").next().unwrap_or_default().to_owned();
    DeError { message, ..error }
}

/// Deserializes an object that others define, and of which only some fields matter.
fn foreign<'de, T: Deserialize<'de> + Default>(
    node: Option<&'de Node<'de>>,
    path: &Path<'_>,
    issues: &mut Issues<'_>,
) -> Option<T> {
    let Some(node) = node else { return Some(T::default()) };
    T::deserialize(De::new(node, path, &Passed::foreign())).map_err(|error| issues.refused(error)).ok()
}

/// Deserializes a Secret. What is wrong with it is told without what was found there.
fn secret<'de>(node: &'de Node<'de>, path: &Path<'_>, issues: &mut Issues<'_>) -> Option<Secret> {
    let result = Secret::deserialize(De::new(node, path, &Passed::foreign()));
    result.map_err(|error| issues.refused(without_value(error))).ok()
}

/// A policy that lost its rules, or a rule its filters, is not one that protects nothing: that has to be said.
fn rules_are_written(node: &Node<'_>, path: &Path<'_>, issues: &mut Issues<'_>) -> Option<()> {
    let written = node.get("spec").and_then(|spec| spec.get("rules")).filter(|rules| !rules.is_null());
    let Some(rules) = written else {
        if issues.errors() == 0 {
            issues.error(&path.key("rules"), "MissingField", "is required; where nothing is to be protected, write []");
        }
        return None;
    };
    for (index, rule) in rules.items().iter().enumerate() {
        // `filters: null` is how guides of the original write that everybody may pass.
        if rule.get("filters").is_none() {
            let field = path.key("rules").index(index).key("filters").to_string();
            let message = "is missing: the rule lets everybody through; where that is meant, write []";
            issues.push(rule.mark, Problem::warning("MissingField", field, message));
        }
    }
    Some(())
}

/// The instances that take an object; best effort where the field is wrong.
pub(super) fn instances(node: &Node<'_>) -> Vec<String> {
    let spec = node.get("spec");
    let field = spec.and_then(|spec| spec.get("ambassador_id").or_else(|| spec.get("ambassadorId")));
    let texts = |node: &Node<'_>| match node.as_text() {
        Some(text) => vec![text.to_owned()],
        None => node.items().iter().filter_map(|item| item.as_text().map(str::to_owned)).collect(),
    };
    field.map(texts).filter(|ids| !ids.is_empty()).unwrap_or_else(|| vec!["default".to_owned()])
}

/// The original takes an unknown `dns_type` for the default one.
fn unknown_dns_type(node: &mut Node<'_>, notes: &mut Vec<(Mark, Problem)>) {
    let Some(spec) = node.get_mut("spec") else { return };
    let Some(kind) = spec.get("dns_type").and_then(Node::as_text) else { return };
    if matches!(kind, "" | "strict_dns" | "logical_dns") {
        return;
    }
    let message =
        format!("expected strict_dns or logical_dns, found \"{}\": strict_dns is used", crate::text::shorten(kind));
    if let Some(entry) = spec.remove("dns_type") {
        notes.push((entry.node.mark, Problem::warning("InvalidValue", "spec.dns_type", message)));
    }
}

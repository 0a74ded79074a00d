//! Hosts: whose requests, by which certificate, and what happens to clear text.

use std::sync::Arc;

use nuncio_api::{
    Host, InsecureAction, Kind, LabelSelector, Object, ObjectId, Problem, Remains, Spec, TlsConfig, TlsContext,
};
use nuncio_ir::{ClientValidation, DownstreamTls, SecretName, SecretValue, TlsSettings};

use crate::certificate::Certificate;
use crate::compiled::Labels;
use crate::context::{Context, NoTlsContext, SecretRef, file_field, tls_settings};
use crate::ingress::IngressHost;
use crate::pattern::HostPattern;
use crate::policy::{HostPolicy, Insecure, OwnChain};
use crate::secrets::SecretError;

/// A Host, taken apart.
#[derive(Clone, Debug)]
pub(crate) struct CompiledHost {
    pub(crate) labels: Labels,
    pub(crate) policy: Arc<HostPolicy>,
    pub(crate) tls: Option<HostTls>,
    /// It stands in where there is no Host: of the edge's namespace, and without labels.
    pub(crate) is_fallback: bool,
}

/// How a Host ends TLS.
#[derive(Clone, Debug)]
pub(crate) struct HostTls {
    pub(crate) tls: DownstreamTls,
    /// Wildcard names that the certificate is for.
    pub(crate) wildcards: Vec<HostPattern>,
}

impl HostTls {
    /// Whether requests for the Host must not come by another Host's connection: it asks for client
    /// certificates, or its handshake differs in more than the protocols offered.
    pub(crate) fn is_isolated(&self) -> bool {
        let but_alpn = TlsSettings { alpn: Vec::new(), ..self.tls.settings.clone() };
        self.tls.client.is_some() || but_alpn != TlsSettings::default()
    }
}

/// Takes a Host apart; `None` where not even its name can be read. A Host that is not valid stays, so
/// that its names answer nothing instead of being left to another Host.
pub(crate) fn compile(object: &Object, context: &Context<'_>, problems: &mut Vec<Problem>) -> Option<CompiledHost> {
    let host = match &object.spec {
        Spec::Host(host) => host,
        Spec::Invalid(Remains::Hostname(hostname)) => {
            return Some(invalid(&object.id, &object.labels, HostPattern::parse(hostname)?, None));
        }
        _ => return None,
    };
    let pattern = HostPattern::parse(host.hostname.as_deref().unwrap_or("*"))?;
    let tls = match downstream(&object.id, host, context, problems) {
        Ok(tls) => tls,
        Err(problem) => {
            problems.push(problem);
            return Some(invalid(&object.id, &object.labels, pattern, host.mapping_selector.clone()));
        }
    };
    Some(valid(&object.id, &object.labels, host, pattern, tls))
}

fn valid(id: &ObjectId, labels: &Labels, host: &Host, pattern: HostPattern, tls: Option<HostTls>) -> CompiledHost {
    let own_chain = tls
        .as_ref()
        .filter(|tls| tls.is_isolated())
        .map(|tls| OwnChain { name: chain_name(&pattern), asks_for_certificates: tls.tls.client.is_some() });
    let policy = HostPolicy {
        id: id.clone(),
        selector: host.mapping_selector.clone(),
        insecure: match host.insecure_action() {
            InsecureAction::Redirect => Insecure::Redirect,
            InsecureAction::Route => Insecure::Route,
            InsecureAction::Reject => Insecure::Reject,
        },
        own_chain,
        certificate_of: None,
        invalid: false,
        pattern,
    };
    CompiledHost { labels: labels.clone(), policy: Arc::new(policy), tls, is_fallback: false }
}

/// Takes the Host of an Ingress apart. Without its certificate it serves clear text, as it would beside TLS: whoever
/// issues certificates asks for a proof there first.
pub(crate) fn compile_ingress(
    made: &IngressHost,
    is_out: bool,
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) -> Option<CompiledHost> {
    let pattern = HostPattern::parse(made.host.hostname.as_deref().unwrap_or("*"))?;
    let compiled = if is_out {
        invalid(&made.origin, &made.labels, pattern, None)
    } else {
        let tls = downstream(&made.origin, &made.host, context, problems).unwrap_or_else(|problem| {
            problems.push(problem);
            None
        });
        valid(&made.origin, &made.labels, &made.host, pattern, tls)
    };
    problems.iter_mut().for_each(|problem| problem.field.clone_from(&made.field));
    Some(compiled)
}

/// The edge's own Secret with a certificate for where there is no Host, as the original calls it.
const FALLBACK_SECRET: &str = "fallback-self-signed-cert";

/// The Host that serves where there is none. With a certificate of the edge's own it is as any other Host; without one it
/// serves every name in clear text as it comes, and over TLS by a certificate that nobody trusts.
pub(crate) fn fallback(context: &Context<'_>) -> CompiledHost {
    let own = SecretRef::new(Arc::clone(&context.settings.namespace), FALLBACK_SECRET);
    let (name, insecure) = match context.secrets.certificate(&own) {
        Ok((name, _)) => (name, Insecure::Redirect),
        Err(SecretError::NotFound(_)) => (made_certificate(context), Insecure::Route),
        // One that is no good opens nothing.
        Err(_) => (made_certificate(context), Insecure::Redirect),
    };
    let policy = HostPolicy {
        id: ObjectId::new(Kind::Host, Arc::clone(&context.settings.namespace), "nuncio-fallback"),
        pattern: HostPattern::Any,
        selector: None,
        insecure,
        own_chain: None,
        certificate_of: None,
        invalid: false,
    };
    let tls = DownstreamTls { certificate: name, settings: TlsSettings::default(), client: None };
    CompiledHost {
        labels: Labels::new(),
        policy: Arc::new(policy),
        tls: Some(HostTls { tls, wildcards: Vec::new() }),
        is_fallback: true,
    }
}

fn made_certificate(context: &Context<'_>) -> SecretName {
    let certificate = &context.settings.fallback_certificate;
    let value = SecretValue::Certificate { chain: certificate.chain.clone(), key: certificate.key.clone() };
    context.secrets.use_as(SecretName(format!("nuncio/{FALLBACK_SECRET}").into()), value, Vec::new())
}

/// Name of a Host's own filter chain.
pub(crate) fn chain_name(pattern: &HostPattern) -> Arc<str> {
    format!("tls:{pattern}").into()
}

/// A Host whose name answers nothing, and whose Mappings say why.
pub(crate) fn invalid(
    id: &ObjectId,
    labels: &Labels,
    pattern: HostPattern,
    selector: Option<LabelSelector>,
) -> CompiledHost {
    let policy = HostPolicy {
        id: id.clone(),
        pattern,
        selector,
        insecure: Insecure::Reject,
        own_chain: None,
        certificate_of: None,
        invalid: true,
    };
    CompiledHost { labels: labels.clone(), policy: Arc::new(policy), tls: None, is_fallback: false }
}

fn downstream(
    id: &ObjectId,
    host: &Host,
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) -> Result<Option<HostTls>, Problem> {
    let no_certificate = |error: &SecretError| Problem::error("InvalidTLSSecret", "spec.tlsSecret", error.to_string());
    let secret = host.tls_secret.as_ref().map(|reference| {
        let own = reference.namespace.as_deref().filter(|namespace| !namespace.is_empty());
        SecretRef::new(own.unwrap_or(&id.namespace), reference.name.as_str())
    });
    let shared = shared_settings(id, host, context).inspect_err(|_| {
        // Whether its certificate is there hangs on no settings.
        let found = secret.as_ref().map(|secret| context.secrets.certificate(secret));
        problems.extend(found.and_then(|found| found.err().map(|error| no_certificate(&error))));
    })?;
    let (config, config_namespace, split) = match shared {
        Some((id, shared)) => (shared.config(), &id.namespace, shared.secret_namespacing),
        None => (host.tls.clone().unwrap_or_default(), &id.namespace, host.secret_namespacing()),
    };
    let split = context.splits_names(split);
    let Some(secret) = secret else {
        if config.cert_required.unwrap_or(false) || config.ca_secret.is_some() {
            let message =
                "missing: client certificates are asked for, and without a certificate of its own the Host cannot";
            return Err(Problem::error("InvalidTLSSecret", "spec.tlsSecret", message));
        }
        return Ok(None);
    };
    if let Some(field) = file_field(&config) {
        let message = format!("`{field}` is not supported, name a Secret instead");
        let field = if host.tls.is_some() { "spec.tls" } else { "spec.tlsContext" };
        return Err(Problem::error("UnsupportedFile", field, message));
    }
    if let Some((context_id, shared)) = shared {
        agrees((context_id, shared, split), id, host, &secret, problems)?;
    }
    let secret_ref = |text: &str| SecretRef::parse(text, config_namespace, split);
    let mut of_settings = Vec::new();
    let tls = match context.secrets.certificate(&secret) {
        Ok((name, certificate)) => {
            Ok(Some(host_tls(name, &certificate, &config, secret_ref, context, &mut of_settings)))
        }
        Err(error) => {
            // What else it lacks is told with it.
            client_validation(&config, secret_ref, context, &mut of_settings);
            Err(no_certificate(&error))
        }
    };
    if host.tls.is_none() {
        // The settings are in another object.
        of_settings.iter_mut().for_each(|problem| "spec.tlsContext".clone_into(&mut problem.field));
    }
    problems.append(&mut of_settings);
    tls
}

/// The TLSContext that a Host with a certificate names, or that is named for it: `NAME-context`, as in the original.
pub(crate) fn shared_settings<'a>(
    id: &ObjectId,
    host: &Host,
    context: &'a Context<'_>,
) -> Result<Option<(&'a ObjectId, &'a TlsContext)>, Problem> {
    match (&host.tls, &host.tls_context) {
        // Both are refused where the object is read.
        (Some(_), _) => Ok(None),
        (None, Some(reference)) => {
            let found = context.tls_context(&reference.name, &id.namespace);
            found.map(Some).map_err(|none| none.problem("spec.tlsContext"))
        }
        (None, None) if host.tls_secret.is_some() && id.kind == Kind::Host => {
            match context.tls_context(&format!("{}-context", id.name), &id.namespace) {
                Ok(found) => Ok(Some(found)),
                Err(NoTlsContext::Missing(_)) => Ok(None),
                Err(NoTlsContext::Unusable(named)) => {
                    let message = format!("{named}, which is for this Host, cannot be used");
                    Err(Problem::error("InvalidTLSContext", "spec.tlsContext", message))
                }
            }
        }
        (None, None) => Ok(None),
    }
}

/// Whether a TLSContext may speak for a Host: it is for the same certificate, and says so if it is for other names.
fn agrees(
    (context_id, shared, split): (&ObjectId, &TlsContext, bool),
    id: &ObjectId,
    host: &Host,
    secret: &SecretRef,
    problems: &mut Vec<Problem>,
) -> Result<(), Problem> {
    // The original reads the name in the Host's namespace.
    let is_same = |text: &str| {
        [&context_id.namespace, &id.namespace].iter().any(|near| SecretRef::parse(text, near, split) == *secret)
    };
    if let Some(other) = shared.secret.as_deref().filter(|other| !is_same(other)) {
        let message = format!("{context_id} is for the certificate {other}, and not for {secret}");
        return Err(Problem::error("TLSContextMismatch", "spec.tlsContext", message));
    }
    let is_own = |name: &String| Some(name) == host.hostname.as_ref() || **name == *id.name;
    if !shared.hosts.is_empty() && !shared.hosts.iter().any(is_own) {
        let message = format!("{context_id} is used, though its `hosts` do not name this Host");
        problems.push(Problem::warning("TLSContextMismatch", "spec.tlsContext", message));
    }
    Ok(())
}

/// TLS by a certificate and the settings beside it.
pub(crate) fn host_tls(
    name: SecretName,
    certificate: &Certificate,
    config: &TlsConfig,
    secret_ref: impl Fn(&str) -> SecretRef,
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) -> HostTls {
    let client = client_validation(config, secret_ref, context, problems);
    let tls = DownstreamTls { certificate: name, settings: tls_settings(config), client };
    HostTls { tls, wildcards: certificate.wildcards.clone() }
}

/// Client certificates that cannot be verified are all refused.
fn client_validation(
    config: &TlsConfig,
    secret_ref: impl Fn(&str) -> SecretRef,
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) -> Option<ClientValidation> {
    let required = config.cert_required.unwrap_or(false);
    let Some(ca) = &config.ca_secret else {
        if !required {
            return None;
        }
        let message = "`cert_required` without `ca_secret`: no client certificate can be verified, so all are refused";
        problems.push(Problem::error("NoClientCA", "spec.tls.ca_secret", message));
        return Some(ClientValidation { authorities: context.secrets.refuse_all(), required });
    };
    let crl = config.crl_secret.as_deref().map(&secret_ref);
    let authorities = context.secrets.validation(&secret_ref(ca), crl.as_ref()).unwrap_or_else(|error| {
        let of_crl = crl.as_ref() == Some(error.secret());
        let field = if of_crl { "spec.tls.crl_secret" } else { "spec.tls.ca_secret" };
        let message = format!("{error}: every client certificate is refused");
        problems.push(Problem::error("InvalidClientCA", field, message));
        context.secrets.refuse_all()
    });
    Some(ClientValidation { authorities, required })
}

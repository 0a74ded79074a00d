//! The webhook: whether the API server trusts it, and whether it answers. That is tried by dry runs, through the API server.

use std::collections::BTreeMap;
use std::time::SystemTime;

use k8s_openapi::ByteString;
use serde_json::{Value, json};

use super::ask::Api;
use super::certificates::ends;
use super::{Check, ClusterQuestions};

const SECTION: &str = "Webhook";
const SET_UP: &str = "is a gateway with --webhook running, does one lead, and may it write there (see the permissions)? Its log says what it cannot do";

const CONFIGURATIONS: &str = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";

/// The name of the `ValidatingWebhookConfiguration` that leads to the gateway's Service, if whoever asks may look for it.
pub(super) async fn configuration(api: &Api, questions: &ClusterQuestions) -> Option<String> {
    let list = api.get(CONFIGURATIONS).await.ok()?;
    let leads_here = |webhook: &Value| is_service(&webhook["clientConfig"]["service"], questions);
    let found = list["items"].as_array()?.iter().find(|configuration| {
        configuration["webhooks"].as_array().is_some_and(|webhooks| webhooks.iter().any(leads_here))
    });
    found?.pointer("/metadata/name")?.as_str().map(ToOwned::to_owned)
}

fn is_service(service: &Value, questions: &ClusterQuestions) -> bool {
    service["namespace"] == *questions.namespace && service["name"] == *questions.webhook_service
}

/// The webhook of a gateway.
pub(super) struct Webhook<'q> {
    questions: &'q ClusterQuestions,
    /// Definitions that are converted by its Service.
    converted: Vec<String>,
}

impl<'q> Webhook<'q> {
    pub(super) fn of(questions: &'q ClusterQuestions, definitions: &BTreeMap<String, Value>) -> Self {
        let ours = |definition: &Value| {
            let service = definition.pointer("/spec/conversion/webhook/clientConfig/service");
            service.is_some_and(|service| is_service(service, questions))
        };
        let converted = definitions.iter().filter(|(_, definition)| ours(definition)).map(|(name, _)| name.clone());
        Self { questions, converted: converted.collect() }
    }

    /// Whether anything asks it.
    pub(super) fn is_used(&self) -> bool {
        !self.converted.is_empty() || self.questions.webhook_configuration.is_some()
    }

    pub(super) async fn checks(&self, api: &Api, definitions: &BTreeMap<String, Value>) -> Vec<Check> {
        if !self.is_used() {
            let by_others: Vec<_> = definitions.values().filter_map(converter).collect();
            let found = match by_others.first() {
                Some(service) => format!("definitions are converted by {service}"),
                None => {
                    "no definition is converted, and no configuration was named (--webhook-configuration)".to_owned()
                }
            };
            return vec![Check::skipped(SECTION, "this gateway's webhook is used", found)];
        }
        let mut checks = self.trust(api, definitions).await;
        if self.converted.iter().any(|name| name == "mappings.getambassador.io") {
            checks.push(self.converts(api).await);
        }
        if self.questions.webhook_configuration.is_some() {
            checks.push(self.validates(api).await);
        }
        checks
    }

    /// The certificate, and whether the API server trusts its authority.
    async fn trust(&self, api: &Api, definitions: &BTreeMap<String, Value>) -> Vec<Check> {
        let ClusterQuestions { namespace, webhook_service, webhook_configuration, .. } = self.questions;
        let holds = format!("its certificate (Secret {namespace}/{webhook_service}) holds");
        let secret = match api.get(&format!("/api/v1/namespaces/{namespace}/secrets/{webhook_service}")).await {
            Ok(secret) => secret,
            Err(refusal) if refusal.is_missing() => {
                return vec![Check::failed(SECTION, holds, "there is none", SET_UP)];
            }
            Err(refusal) => return vec![Check::skipped(SECTION, holds, refusal.message)],
        };
        let text = |key: &str| decoded(&secret["data"][key]).unwrap_or_default();
        let mut checks = vec![validity(holds, ends(&text("tls.crt")))];
        let bundle = format!("{}{}", text("ca.crt"), text("previous-ca.crt"));
        let mut distrusting = Vec::new();
        for name in &self.converted {
            let client = definitions.get(name).and_then(|it| it.pointer("/spec/conversion/webhook/clientConfig"));
            if client.and_then(|client| decoded(&client["caBundle"])).as_deref() != Some(&bundle) {
                distrusting.push(name.clone());
            }
        }
        if let Some(name) = webhook_configuration {
            match api.get(&format!("{CONFIGURATIONS}/{name}")).await {
                Ok(configuration) => {
                    let webhooks = configuration["webhooks"].as_array().map(Vec::as_slice).unwrap_or_default();
                    let trusts =
                        |webhook: &Value| decoded(&webhook["clientConfig"]["caBundle"]).as_deref() == Some(&bundle);
                    if webhooks.is_empty() || !webhooks.iter().all(trusts) {
                        distrusting.push(name.clone());
                    }
                }
                Err(refusal) => distrusting.push(format!("{name} ({})", refusal.message)),
            }
        }
        let check = "the API server trusts it (caBundle)";
        checks.push(match distrusting.is_empty() {
            true => Check::ok(SECTION, check),
            false => {
                Check::failed(SECTION, check, format!("another caBundle, or none: {}", distrusting.join(", ")), SET_UP)
            }
        });
        checks
    }

    async fn converts(&self, api: &Api) -> Check {
        let check = "it converts objects of old versions";
        let spec = json!({ "prefix": "/nuncio-doctor/", "service": "nuncio-doctor" });
        match self.dry_run(api, "v2", &spec).await {
            Ok(()) => Check::ok(SECTION, check),
            Err(refusal) if refusal.is_denied() => Check::skipped(SECTION, check, cannot_try(&refusal.message)),
            // The definition may serve no old version.
            Err(refusal) if refusal.is_missing() => Check::skipped(SECTION, check, "no old version is served"),
            Err(refusal) => Check::failed(SECTION, check, refusal.message, SET_UP),
        }
    }

    async fn validates(&self, api: &Api) -> Check {
        let check = "it refuses what is wrong";
        // The schema takes it; that the expression does not parse is found by the webhook alone.
        let spec =
            json!({ "prefix": "/nuncio-doctor/(", "prefix_regex": true, "hostname": "*", "service": "nuncio-doctor" });
        match self.dry_run(api, "v3alpha1", &spec).await {
            Ok(()) => {
                let found = "a Mapping that is wrong was let through: the API server had no answer, and lets everything through then";
                Check::failed(SECTION, check, found, SET_UP)
            }
            Err(refusal) if refusal.is_denied() => Check::skipped(SECTION, check, cannot_try(&refusal.message)),
            Err(refusal) if refusal.message.contains("admission webhook") => Check::ok(SECTION, check),
            Err(refusal) => Check::failed(SECTION, check, refusal.message, SET_UP),
        }
    }

    /// Would create a Mapping for this gateway.
    async fn dry_run(&self, api: &Api, version: &str, spec: &Value) -> Result<(), super::ask::Refusal> {
        let ClusterQuestions { namespace, ambassador_id, .. } = self.questions;
        let path = format!("/apis/getambassador.io/{version}/namespaces/{namespace}/mappings?dryRun=All");
        let mut spec = spec.clone();
        spec["ambassador_id"] = json!([ambassador_id]);
        let object = json!({
            "apiVersion": format!("getambassador.io/{version}"),
            "kind": "Mapping",
            "metadata": { "name": "nuncio-doctor" },
            "spec": spec,
        });
        api.post(&path, &object).await.map(drop)
    }
}

fn cannot_try(why: &str) -> String {
    format!("whoever asks may not try it: {why}")
}

/// Who converts objects of a definition.
fn converter(definition: &Value) -> Option<String> {
    let service = definition.pointer("/spec/conversion/webhook/clientConfig/service")?;
    Some(format!("the Service {}/{}", service["namespace"].as_str()?, service["name"].as_str()?))
}

fn validity(check: String, end: Option<SystemTime>) -> Check {
    match end {
        None => Check::failed(SECTION, check, "it cannot be read", SET_UP),
        Some(end) => match end.duration_since(SystemTime::now()) {
            Ok(left) => Check::ok(SECTION, check).with(format!("for {} days more", left.as_secs() / (24 * 3600))),
            Err(_) => Check::failed(SECTION, check, "it has ended", SET_UP),
        },
    }
}

/// Text that the API server gives as Base64.
fn decoded(value: &Value) -> Option<String> {
    let ByteString(bytes) = serde_json::from_value(value.clone()).ok()?;
    String::from_utf8(bytes).ok()
}

//! Telling the API server whom to trust: the `caBundle` of the definitions and of the `ValidatingWebhookConfiguration`.
//!
//! Only what names the webhook's own Service is touched, only that field is written, and only where it differs.

use k8s_openapi::ByteString;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::rbac::DEFINITIONS;
use crate::status::FIELD_MANAGER;

/// Where to publish, and for which Service.
pub(super) struct Publisher {
    definitions: Api<DynamicObject>,
    configurations: Api<DynamicObject>,
    /// The `ValidatingWebhookConfiguration`, if there is one.
    configuration: Option<String>,
    namespace: String,
    service: String,
}

/// What could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the caBundle of {what}: {error}")]
pub(super) struct PublishError {
    what: String,
    #[source]
    error: Box<kube::Error>,
}

impl Publisher {
    pub(super) fn new(client: &Client, namespace: &str, service: &str, configuration: Option<String>) -> Self {
        let api = |group, kind, plural| {
            let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "v1", kind), plural);
            Api::all_with(client.clone(), &resource)
        };
        Self {
            definitions: api("apiextensions.k8s.io", "CustomResourceDefinition", "customresourcedefinitions"),
            configurations: api(
                "admissionregistration.k8s.io",
                "ValidatingWebhookConfiguration",
                "validatingwebhookconfigurations",
            ),
            configuration,
            namespace: namespace.to_owned(),
            service: service.to_owned(),
        }
    }

    /// Has the API server trust `bundle`, PEM. What is not installed is passed over; all else is tried before the first failure is told.
    pub(super) async fn publish(&self, bundle: &str) -> Result<(), PublishError> {
        let bundle = json!(ByteString(bundle.as_bytes().to_vec()));
        let mut result = Ok(());
        for name in DEFINITIONS {
            let wanted = |object: &Value| self.of_definition(object, &bundle);
            result = result.and(publish(&self.definitions, name, wanted).await);
        }
        if let Some(name) = &self.configuration {
            let wanted = |object: &Value| self.of_configuration(object, &bundle);
            result = result.and(publish(&self.configurations, name, wanted).await);
        }
        result
    }

    /// What to write of a definition: nothing where it names another webhook or none.
    fn of_definition(&self, definition: &Value, bundle: &Value) -> Option<Value> {
        let client = definition.pointer("/spec/conversion/webhook/clientConfig")?;
        self.differs(client, bundle)
            .then(|| json!({ "spec": { "conversion": { "webhook": { "clientConfig": { "caBundle": bundle } } } } }))
    }

    fn of_configuration(&self, configuration: &Value, bundle: &Value) -> Option<Value> {
        let webhooks = configuration.get("webhooks")?.as_array()?;
        let ours = webhooks.iter().filter(|webhook| self.differs(&webhook["clientConfig"], bundle));
        let written: Vec<_> =
            ours.map(|webhook| json!({ "name": webhook["name"], "clientConfig": { "caBundle": bundle } })).collect();
        (!written.is_empty()).then(|| json!({ "webhooks": written }))
    }

    fn differs(&self, client: &Value, bundle: &Value) -> bool {
        let service = &client["service"];
        let ours = service["namespace"] == *self.namespace && service["name"] == *self.service;
        ours && client["caBundle"] != *bundle
    }
}

async fn publish(
    api: &Api<DynamicObject>,
    name: &str,
    wanted: impl Fn(&Value) -> Option<Value>,
) -> Result<(), PublishError> {
    let failed = |error| PublishError { what: name.to_owned(), error: Box::new(error) };
    let Some(object) = api.get_opt(name).await.map_err(failed)? else { return Ok(()) };
    let Some(mut patch) = wanted(&object.data) else { return Ok(()) };
    let types = object.types.unwrap_or_default();
    patch["apiVersion"] = json!(types.api_version);
    patch["kind"] = json!(types.kind);
    // With another uid it is another object, and a conflict: it is looked at again.
    patch["metadata"] = json!({ "name": name, "uid": object.metadata.uid });
    let params = PatchParams::apply(FIELD_MANAGER).force();
    api.patch(name, &params, &Patch::Apply(patch)).await.map_err(failed)?;
    tracing::info!("{name} has the webhook's certificate authority now");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publisher() -> Publisher {
        let service = tower::service_fn(|_: http::Request<kube::client::Body>| async {
            Err::<http::Response<kube::client::Body>, _>(std::io::Error::other("asked for nothing"))
        });
        Publisher::new(&Client::new(service, "default"), "nuncio", "nuncio-webhook", None)
    }

    fn client(name: &str, bundle: &str) -> Value {
        json!({ "service": { "namespace": "nuncio", "name": name, "port": 443 }, "caBundle": bundle })
    }

    #[tokio::test]
    async fn only_what_is_ours_and_differs_is_written() {
        let (publisher, bundle) = (publisher(), json!("Yg=="));
        let definition = |client: Value| json!({ "spec": { "conversion": { "webhook": { "clientConfig": client } } } });
        let of = |client: Value| publisher.of_definition(&definition(client), &bundle);
        assert!(of(client("nuncio-webhook", "YQ==")).is_some());
        assert_eq!(of(client("nuncio-webhook", "Yg==")), None);
        assert_eq!(of(client("emissary-apiext", "YQ==")), None);
        assert_eq!(
            publisher.of_definition(&json!({ "spec": { "conversion": { "strategy": "None" } } }), &bundle),
            None
        );
        let configuration = json!({ "webhooks": [
            { "name": "a", "clientConfig": client("nuncio-webhook", "YQ==") },
            { "name": "b", "clientConfig": client("other", "YQ==") },
        ] });
        let expected = json!({ "webhooks": [{ "name": "a", "clientConfig": { "caBundle": "Yg==" } }] });
        assert_eq!(publisher.of_configuration(&configuration, &bundle), Some(expected));
    }
}

//! What an Ingress says of where it can be reached: the addresses of the gateway's Service.

use std::collections::BTreeMap;
use std::sync::Arc;

use nuncio_api::{Kind, Object, ObjectId};
use serde_json::{Value, json};

/// Label and value by which the original knows its own Service, in its own namespace.
const LABEL: (&str, &str) = ("app.kubernetes.io/component", "ambassador-service");

/// Names a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// What is published of the gateway's Service.
#[derive(Debug)]
pub(super) struct Published {
    namespace: Arc<str>,
    service: Option<ObjectId>,
    /// The status of each Ingress, as far as it is known.
    status: Option<Value>,
}

impl Published {
    pub(super) fn new(namespace: &str, service: Option<ServiceName>) -> Self {
        let service = service.map(|service| ObjectId::new(Kind::Service, service.namespace, service.name));
        Self { namespace: namespace.into(), service, status: None }
    }

    /// The status of each Ingress that is served.
    pub(super) fn status(&self) -> Option<&Value> {
        self.status.as_ref()
    }

    /// Looks again at the Services that have addresses; says whether Ingresses are to have another status.
    pub(super) fn look<'o>(
        &mut self,
        balanced: &BTreeMap<ObjectId, Value>,
        object: impl Fn(&ObjectId) -> Option<&'o Arc<Object>>,
    ) -> bool {
        let has_label = |id: &ObjectId| {
            let value = object(id).and_then(|service| service.labels.get(LABEL.0));
            id.namespace == self.namespace && value.is_some_and(|value| value.eq_ignore_ascii_case(LABEL.1))
        };
        let status = match &self.service {
            Some(service) => balanced.get(service),
            None => balanced.iter().find(|(id, _)| has_label(id)).map(|(_, status)| status),
        };
        let differs = status != self.status.as_ref();
        self.status = status.cloned();
        differs
    }
}

/// The `status` of an Ingress that is served through a Service with this `status`. `None` as long as the Service has no
/// address: an Ingress that had one keeps it then, since DNS records hang on it.
pub(super) fn load_balancer_status(service_status: &Value) -> Option<Value> {
    let addresses = service_status.pointer("/loadBalancer/ingress")?.as_array()?;
    // `ipMode` is a Service's alone.
    let entry = |address: &Value| {
        let fields =
            ["ip", "hostname"].into_iter().filter_map(|field| Some((field.to_owned(), address.get(field)?.clone())));
        Value::Object(fields.collect())
    };
    let entries: Vec<_> = addresses.iter().map(entry).collect();
    (!entries.is_empty()).then(|| json!({ "loadBalancer": { "ingress": entries } }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_copied_and_what_only_a_service_has_is_not() {
        let service =
            json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.7", "ipMode": "VIP"}, {"hostname": "lb.example"}]}});
        let expected = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}, {"hostname": "lb.example"}]}});
        assert_eq!(load_balancer_status(&service), Some(expected));
        assert_eq!(load_balancer_status(&json!({"loadBalancer": {}})), None);
        assert_eq!(load_balancer_status(&json!({"loadBalancer": {"ingress": []}})), None);
    }
}

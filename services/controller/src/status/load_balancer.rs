//! What an Ingress says of where it can be reached: the addresses of the gateway's Service.

use serde_json::{Value, json};

/// The `status` of an Ingress that is served through a Service with this `status`. `None` as long as the Service has no
/// address: an Ingress that had one keeps it then, since DNS records hang on it.
#[must_use]
pub fn load_balancer_status(service_status: &Value) -> Option<Value> {
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

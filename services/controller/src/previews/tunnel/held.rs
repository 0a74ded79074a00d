//! Who stands in now, for who looks at a Preview that he may change.

use nuncio_api::{Object, Spec};

use super::{Place, Tunnels};
use crate::admin::{PreviewServerView, PreviewView, PreviewedServiceView};
use crate::previews::Lifecycle;

impl Lifecycle {
    /// What is told of a Preview, with who serves its services by a connection to this gateway, for who may change it.
    pub(crate) fn with_servers(&self, object: &Object, mut told: PreviewView) -> PreviewView {
        if told.may_change {
            self.tunnels.note_servers(object, &mut told.services);
        }
        told
    }
}

impl Tunnels {
    /// The services that are told of begin with the Preview's own, in their order.
    fn note_servers(&self, object: &Object, told: &mut [PreviewedServiceView]) {
        let Spec::Preview(spec) = &object.spec else { return };
        let holders = self.holders();
        for (service, told) in spec.services.iter().zip(told).filter(|(service, _)| service.is_tunnel()) {
            let place = Place { id: object.id.clone(), service: service.baseline.clone() };
            told.served_by = holders.get(&place).map(|holder| PreviewServerView {
                by: holder.by.clone(),
                since: u64::try_from(holder.since.as_second()).unwrap_or_default(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use nuncio_api::{Defaults, parse};
    use serde_json::json;
    use tokio::sync::mpsc;

    use super::super::{Holder, tests};
    use super::*;
    use crate::admin::OpenTunnel;

    #[test]
    fn it_is_told_who_serves_which_service_and_since_when() {
        let services = json!([{"baseline": "web", "tunnel": true}, {"baseline": "cart", "tunnel": true}]);
        let text = json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": "Preview", "metadata": {"name": "tax"},
            "spec": {"services": services, "entrypoints": [{"name": "web", "host": "shop.example"}],
                "access": {"mode": "Public"}}});
        let defaults = Defaults { namespace: "shop".into(), env: None };
        let object = parse(text.to_string().as_bytes(), &Arc::from("it"), &defaults).objects.remove(0);
        let (tunnels, _told) = tests::tunnels();
        let place = Place { id: object.id.clone(), service: "cart".parse().unwrap() };
        let (end, _ended) = mpsc::unbounded_channel();
        let since = Timestamp::from_second(7).unwrap();
        let holder = Holder { number: 1, session: "a".into(), by: "ann".into(), since, end };
        tunnels.take(&place, holder, &OpenTunnel::default(), "socket".into()).unwrap();
        let service = |baseline: &str| PreviewedServiceView {
            baseline: baseline.to_owned(),
            backend: "a tunnel".to_owned(),
            only: None,
            included: None,
            requests: None,
            fallbacks: None,
            served_by: None,
        };
        // The last one is of a Preview that is included.
        let mut told = ["web", "cart", "cart"].map(service);
        tunnels.note_servers(&object, &mut told);
        let ann = PreviewServerView { by: "ann".to_owned(), since: 7 };
        assert_eq!(told.map(|service| service.served_by), [None, Some(ann), None]);
    }
}

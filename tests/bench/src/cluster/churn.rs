//! Pods that come and go: a Service of a thousand.

use std::time::{Duration, Instant};

use nuncio_e2e::Gateway;
use nuncio_e2e::yaml;
use nuncio_test_support::Goal;
use nuncio_test_support::usage::{cpu, main_thread_cpu};
use serde_json::json;

use super::place::{Place, endpoint_slice, mapping, service};
use crate::loading::loaded;
use crate::statistics::milliseconds;
use crate::table::Table;

const SLICES: usize = 10;
const CHANGES: usize = 200;
/// Milliseconds of CPU for each.
const CPU: f64 = 1.0;
/// Between changes, so that each is by itself.
const PAUSE: Duration = Duration::from_millis(10);

pub(super) async fn measure(table: &mut Table, place: &Place, gateway: &Gateway<'_>) {
    let many = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "many"}, "spec": {"ports": [{"name": "http", "port": 80}]},
    });
    place.create(&service(), std::iter::once(many)).await;
    let slices = (0..SLICES).map(|n| {
        let pod = |k: usize| json!({"addresses": [format!("10.250.{n}.{}", k + 1)], "conditions": {"ready": true}});
        json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": format!("many-{n}"), "labels": {"kubernetes.io/service-name": "many"}},
            "endpoints": (0..100).map(pod).collect::<Vec<_>>(), "ports": [{"name": "http", "port": 8080}],
        })
    });
    place.create(&endpoint_slice(), slices).await;
    let spec = json!({"hostname": "many.bench.example", "prefix": "/", "service": "many"});
    place.create(&mapping(), std::iter::once(yaml::object("Mapping", "many", spec))).await;
    gateway.admin.state("Mapping", "many", "acked").await;

    let (api, envoy) = (place.api(&endpoint_slice()), gateway.envoy().expect("an Envoy"));
    let (used, envoys, first) = (cpu(gateway.id()), main_thread_cpu(envoy), gateway.admin.revision().await);
    let begun = Instant::now();
    for change in 0..CHANGES {
        let path = format!("/endpoints/{}/conditions/ready", change / SLICES / 2 % 100);
        let patch = json!([{"op": "replace", "path": path, "value": change / SLICES % 2 == 1}]);
        let patch: kube::api::Patch<()> = kube::api::Patch::Json(serde_json::from_value(patch).expect("a patch"));
        let name = format!("many-{}", change % SLICES);
        api.patch(&name, &kube::api::PatchParams::default(), &patch).await.expect("a patch");
        tokio::time::sleep(PAUSE).await;
    }
    let took = begun.elapsed();
    let sent = loaded(async || match gateway.admin.revision().await - first {
        sent if sent >= CHANGES as u64 * 9 / 10 => Ok(sent),
        sent => Err(format!("{sent} of {CHANGES}")),
    })
    .await;
    let each = |whole: Duration| milliseconds(whole) / f64::from(u32::try_from(CHANGES).unwrap_or(1));
    let (used, envoys) =
        (each(cpu(gateway.id()).saturating_sub(used)), each(main_thread_cpu(envoy).saturating_sub(envoys)));
    let beside =
        format!("{CHANGES} in {:.1} s, {sent} sent; Envoy's main thread {envoys:.1} ms each", took.as_secs_f64());
    table.targeted("a pod of 1 000 comes or goes: CPU of the controller", used, "ms", Goal::AtMost(CPU), beside);
}

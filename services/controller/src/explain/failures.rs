//! By what requests of a route may fail though the route takes them: what Envoy answers with 503 or 504 instead of the service.

use std::collections::BTreeSet;

use nuncio_ir::{Arm, Backend, Cluster, Forward, Model, Priority, Route, RouteAction};

use crate::admin::FailureView;
use crate::view::{counted_as, service_of, span};

/// What Envoy holds at once where a cluster does not say more.
const USUAL: u32 = 1024;

/// What may become of requests that are forwarded.
pub(super) fn of_route(model: &Model, route: &Route) -> Vec<FailureView> {
    let RouteAction::Forward(forward) = &route.action else { return Vec::new() };
    let mut seen = BTreeSet::new();
    let ways = forward.arms.iter().filter_map(|arm| match &arm.backend {
        Backend::Cluster(name) => Some((arm, model.clusters.get(name).filter(|_| seen.insert(name))?)),
        Backend::Invalid { .. } => None,
    });
    ways.flat_map(|(arm, cluster)| of_cluster(forward, arm, cluster)).collect()
}

fn of_cluster(forward: &Forward, arm: &Arm, cluster: &Cluster) -> Vec<FailureView> {
    let (service, counted) = (service_of(&cluster.name), counted_as(cluster));
    let failure = |status: u16, why: String, counters: &[&str]| FailureView {
        status,
        why,
        service: service.to_owned(),
        count: None,
        counters: counters.iter().map(|counter| format!("cluster.{counted}.{counter}")).collect(),
    };
    let connect =
        format!("no connection to the service is made within {}, or it is refused", span(cluster.connect_timeout));
    let mut failures = vec![
        failure(503, "no endpoint of the service is fit to take requests".to_owned(), &["upstream_cx_none_healthy"]),
        failure(503, connect, &["upstream_cx_connect_fail"]),
        failure(503, at_once(forward.priority, cluster), &["upstream_rq_pending_overflow"]),
        failure(
            503,
            "the service ends the connection before it has answered".to_owned(),
            &["upstream_cx_destroy_remote_with_active_rq", "upstream_rq_rx_reset"],
        ),
    ];
    if !arm.timeout.is_zero() {
        let why = format!("the service has not answered in full within {}", span(arm.timeout));
        failures.push(failure(504, why, &["upstream_rq_timeout"]));
    }
    if let Some(time) = arm.retry.as_ref().and_then(|retry| retry.per_try_timeout) {
        let why = format!("the last try has not been answered within {}", span(time));
        failures.push(failure(504, why, &["upstream_rq_per_try_timeout"]));
    }
    failures
}

/// The circuit breaker in words.
fn at_once(priority: Priority, cluster: &Cluster) -> String {
    let breaker = cluster.circuit_breakers.iter().find(|breaker| breaker.priority == priority);
    let [pending, requests] = [breaker.and_then(|it| it.max_pending_requests), breaker.and_then(|it| it.max_requests)]
        .map(|most| most.unwrap_or(USUAL));
    format!("more than {requests} requests to the service run at once, or more than {pending} wait (circuit breaker)")
}

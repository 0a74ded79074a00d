//! Services for which a process stands in that connects to the gateway itself, from wherever it runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use nuncio_api::{PreviewPolicy, PreviewedService, Problem, ServiceRef};

use super::replacement::Terms;

/// The Unix sockets behind which such processes of a Preview are, by the services that they stand in for.
pub(crate) type Sockets = BTreeMap<ServiceRef, Arc<str>>;

/// Why no process may stand in.
pub(super) fn forbidden(service: &PreviewedService, policy: &PreviewPolicy) -> Option<&'static str> {
    (service.is_tunnel() && !policy.allows_tunnels()).then_some("the PreviewPolicy does not allow tunnels")
}

/// Why there is nobody behind a service for which a process is to stand in.
pub(super) fn missing(
    index: usize,
    service: &PreviewedService,
    socket: Option<&Arc<str>>,
    terms: Terms<'_, '_>,
    problems: &mut Vec<Problem>,
) -> Option<String> {
    let field = format!("spec.services[{index}].tunnel");
    if let Some(why) = forbidden(service, terms.policy) {
        problems.push(Problem::error("NotAllowed", field, why));
        return Some(why.to_owned());
    }
    let missing = socket.is_none().then(|| format!("nobody runs `nuncio preview serve` for {}", service.baseline));
    let told = missing.clone().filter(|_| !terms.is_over);
    problems.extend(told.map(|message| Problem::warning("NoEndpoints", field, message)));
    missing
}

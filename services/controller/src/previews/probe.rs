//! Follows a request of a preview through the services: where its key was handed on, where it was lost, and who was never
//! asked.
//!
//! The request is one of a trace whose id begins with what no client knows. Of such requests Envoy writes a line each, whatever
//! Listener they come by, so those that a service sends on are told too, as long as it hands on the trace. It does so for as
//! long as a probe is under way, and what is read is that of its own trace: another beginning for each would change the
//! listeners. Requests that belong to the preview come by an internal Listener with its key; a service that has lost it sends
//! one without. A call may come by any gateway of several, so the others (`peers`) watch for the trace meanwhile.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use http::StatusCode;
use nuncio_api::{Kind, ObjectId};
use nuncio_ir::{BAGGAGE_HEADER, BAGGAGE_MEMBER, Handler, Model, PREVIEW_HEADER, PROBES_SWITCH};
use nuncio_translate::{NOT_FOUND, PreviewProbe, PreviewReplacement};
use reqwest::{header, redirect};
use tokio::runtime::Handle;
use tokio::time::sleep;

use super::Lifecycle;
use super::peers::Others;
use super::seen::{Seen, cut, log_beside, read};
use crate::admin::{
    AdminClient, Handed, PlacedCallView, PreviewError, ProbePreview, ProbeView, ProbedCallView, ProbedServiceView,
    WatchedPreview,
};
use crate::engine::Engine;
use crate::run::lock;
use crate::view::backend_words;

/// How long the answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long Envoy may take to write down what it has seen: it does so every second.
const SETTLING: Duration = Duration::from_millis(2_500);
/// How much longer one may take that is busy, and how often it is looked whether it has.
const BUSY: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(100);

impl Lifecycle {
    /// Sends a request through the services of a Preview and tells what became of its key. Blocks.
    pub(crate) fn probe(&self, engine: &Mutex<Engine>, wanted: &ProbePreview) -> Result<ProbeView, PreviewError> {
        let id = ObjectId::new(Kind::Preview, &*wanted.namespace, &*wanted.name);
        self.is_allowed(engine, &id, wanted.by.as_ref())?;
        let conflict = |why: &str| PreviewError::Conflict(why.to_owned());
        let (probe, address) = {
            let engine = lock(engine);
            if engine.files.object(&id).is_none() {
                return Err(PreviewError::Missing(format!("{}/{}", wanted.namespace, wanted.name)));
            }
            let probe = engine.world.preview_probe(&id).ok_or_else(|| conflict("the preview is not shown"))?;
            (probe, internal(engine.world.model()))
        };
        let address = address.ok_or_else(|| {
            conflict(
                "there is no internal Listener for requests in clear text, by which services would call each other",
            )
        })?;
        let (Some(envoy), Some(mark)) = (&self.envoy, &probe.mark) else {
            return Err(no_envoy());
        };
        let host = probe.hosts.first().ok_or_else(|| conflict("the preview has no entrypoint"))?;
        let path = wanted.path.as_deref().unwrap_or("/");
        if !path.starts_with('/') {
            return Err(PreviewError::Invalid("path: expected one that begins with a slash".to_owned()));
        }
        let Ok(_alone) = self.probing.try_lock() else { return Err(busy()) };
        start_log(envoy);
        let trace = format!("{mark}{:016x}", fastrand::u64(1..));
        let (namespace, name) = (wanted.namespace.clone(), wanted.name.clone());
        let watched = WatchedPreview { by: String::new(), namespace, name, trace: trace.clone() };
        let (status, mut others) = Handle::current().block_on(async {
            let watch = self.peers.watch(&watched).await;
            let status = followed(envoy, send(envoy, &probe, address, (host, path), &trace)).await;
            (status, self.peers.watched(watch, &watched).await)
        });
        let status = status?;
        let mut calls = self.calls(engine, envoy, &watched);
        calls.append(&mut others.calls);
        Ok(view(&lock(engine), &id, (host, path, status), trace, Others { calls, ..others }))
    }
}

pub(super) fn no_envoy() -> PreviewError {
    PreviewError::Conflict("no Envoy runs beside this controller that could tell what it sees".to_owned())
}

pub(super) fn busy() -> PreviewError {
    PreviewError::Conflict("another probe is under way".to_owned())
}

/// What was told of earlier probes nobody asks for any more.
pub(super) fn start_log(envoy: &Path) {
    cut(&log_beside(envoy), 0);
}

/// An address at which services are believed, in clear text.
fn internal(model: &Model) -> Option<SocketAddr> {
    let is_internal = |handler: &Handler| match handler {
        Handler::Http(settings) => settings.is_internal(),
        Handler::Tcp(_) | Handler::Close => false,
    };
    let found = model.listeners.values().find(|listener| {
        !listener.proxy_protocol && listener.chains.iter().any(|it| it.tls.is_none() && is_internal(&it.handler))
    })?;
    let own = if found.address.is_ipv4() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { found.address.ip() };
    Some(if found.address.ip().is_unspecified() { SocketAddr::new(own, found.address.port()) } else { found.address })
}

/// Does something while Envoy writes down what it sees of traces that are followed.
async fn followed<T>(envoy: &Path, what: impl Future<Output = Result<T, PreviewError>>) -> Result<T, PreviewError> {
    let admin = AdminClient::unix(envoy);
    switch(&admin, 100).await?;
    let done = what.await;
    switch(&admin, 0).await?;
    done
}

pub(super) async fn switch(admin: &AdminClient, percent: u8) -> Result<(), PreviewError> {
    let failed = |why: String| PreviewError::Conflict(format!("Envoy does not tell what it sees: {why}"));
    let reply = admin.post(&format!("/runtime_modify?{PROBES_SWITCH}={percent}")).await;
    match reply.map_err(|error| failed(error.to_string()))?.status {
        status if status.is_success() => Ok(()),
        status => Err(failed(status.to_string())),
    }
}

/// Gives the status of the answer, once Envoy must have told of everything.
async fn send(
    envoy: &Path,
    probe: &PreviewProbe,
    address: SocketAddr,
    (host, path): (&str, &str),
    trace: &str,
) -> Result<u16, PreviewError> {
    let failed = |error: reqwest::Error| PreviewError::Conflict(format!("the probe: {}", error.without_url()));
    let client = reqwest::Client::builder().no_proxy().redirect(redirect::Policy::none()).timeout(TIMEOUT);
    let key = probe.key.expose();
    let request = client.build().map_err(failed)?.get(format!("http://{address}{path}"));
    let request = request.header(header::HOST, host).header("x-forwarded-proto", probe.scheme);
    let request = request.header(PREVIEW_HEADER, key).header(BAGGAGE_HEADER, format!("{BAGGAGE_MEMBER}={key}"));
    let parent = format!("00-{trace}-{:016x}-01", fastrand::u64(1..));
    let answer = request.header("traceparent", &parent).send().await.map_err(failed)?;
    sleep(SETTLING).await;
    // It ends after all that it led to, and is written down after them.
    let (log, late) = (log_beside(envoy), Instant::now() + BUSY);
    while read(&log, &parent).is_empty() && Instant::now() < late {
        sleep(LOOK).await;
    }
    Ok(answer.status().as_u16())
}

fn view(
    engine: &Engine,
    id: &ObjectId,
    (host, path, status): (&str, &str, u16),
    trace: String,
    Others { calls, gateways, missed }: Others,
) -> ProbeView {
    let replacements = engine.world.preview_replacements(id).into_iter().enumerate();
    let services = replacements.map(|(at, PreviewReplacement { service, missing, .. })| {
        let of_it = calls.iter().filter(|seen| seen.service_at == Some(at)).map(|seen| seen.call.carried);
        ProbedServiceView {
            baseline: service.baseline.to_string(),
            backend: backend_words(service),
            key: handed(of_it, missed.is_empty()),
            missing: missing.map(str::to_owned),
        }
    });
    let services = services.collect();
    let calls = calls.into_iter().map(|seen| seen.call).collect();
    let gateways = gateways.saturating_add(1);
    ProbeView { host: host.to_owned(), path: path.to_owned(), status, trace, calls, services, gateways, missed }
}

/// What became of the key on the way to a service, by whether each request had it, and whether all were seen that there were.
fn handed(requests: impl Iterator<Item = bool>, are_all: bool) -> Handed {
    let unseen = if are_all { Handed::NotSeen } else { Handed::Unknown };
    requests.fold(unseen, |before, carried| match (before, carried) {
        (Handed::Lost, _) | (_, false) => Handed::Lost,
        (_, true) => Handed::Carried,
    })
}

/// A request, and which of the services it went to that a Preview replaces.
pub(super) fn placed(engine: &Engine, id: &ObjectId, seen: &Seen) -> PlacedCallView {
    let service_at = seen.cluster.as_deref().and_then(|cluster| engine.world.preview_service(id, cluster));
    PlacedCallView { call: call(seen), service_at }
}

fn call(seen: &Seen) -> ProbedCallView {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let cluster = text(&seen.cluster);
    ProbedCallView {
        from: text(&seen.from),
        host: text(&seen.host),
        path: text(&seen.path),
        // A cluster's name ends in a digest.
        service: cluster.rsplit_once('-').map_or(cluster.as_str(), |(service, _)| service).to_owned(),
        carried: seen.key.is_some(),
        served_by: seen.served_by.clone().unwrap_or_else(|| "baseline".to_owned()),
        status: seen.status,
        problem: problem(seen).map(str::to_owned),
    }
}

/// What is wrong with an answer, by its status and what Envoy says of it.
fn problem(seen: &Seen) -> Option<&'static str> {
    let is_flagged = |flag: &str| seen.flags.iter().flat_map(|flags| flags.split(',')).any(|it| it == flag);
    let is = |said: &Option<String>, what: &str| said.as_deref() == Some(what);
    let is_stopped = is(&seen.details, "ext_authz_denied");
    let has_decided = |what: &str| seen.decision.as_ref().is_some_and(|decision| decision == what);
    match seen.status {
        0 if is_flagged("DC") => Some("no answer: the caller went away"),
        0 => Some("no answer"),
        _ if has_decided("error") => Some("undecided: what a Filter asks does not answer"),
        _ if is(&seen.details, "ext_authz_error") => Some("the authentication service could not be asked"),
        // An AuthService, or a service that a Filter asks, may lead anywhere: to them that is a refusal.
        300..400 if is_stopped && has_decided("answer") => Some("a login stopped it"),
        ..400 if is_stopped => Some("answered before any service"),
        _ if is_stopped => Some("the gateway refused it before any service"),
        404 if is(&seen.route, NOT_FOUND) || is_flagged("NR") => Some("no Mapping takes it"),
        status @ 400.. => StatusCode::from_u16(status).ok().and_then(|it| it.canonical_reason()).or(Some("an error")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_lost_where_one_request_has_none() {
        for (are_all, unseen) in [(true, Handed::NotSeen), (false, Handed::Unknown)] {
            assert_eq!(handed([].into_iter(), are_all), unseen, "what others have seen counts");
            assert_eq!(handed([true, true].into_iter(), are_all), Handed::Carried);
            assert_eq!(handed([true, false].into_iter(), are_all), Handed::Lost);
            assert_eq!(handed([false, true].into_iter(), are_all), Handed::Lost);
        }
    }

    #[test]
    fn a_call_is_told_by_the_service_that_it_went_to() {
        let seen = r#"{"cluster":"cart:80-0123456789abcdef","from":"10.0.0.1","key":null,"served_by":null,"status":200,"trace":"t"}"#;
        let call = call(&serde_json::from_str(seen).unwrap());
        assert_eq!((&*call.service, &*call.served_by, call.carried), ("cart:80", "baseline", false));
        assert_eq!(call.problem, None, "of an Envoy that said no more");
    }

    #[test]
    fn what_is_wrong_with_an_answer_is_said() {
        let login = json!({"details": "ext_authz_denied", "decision": "answer"});
        let denied = json!({"details": "ext_authz_denied", "decision": "deny"});
        let of_service = json!({"details": "ext_authz_denied", "decision": null});
        let error = json!({"flags": "UAEX", "details": "ext_authz_error"});
        let undecided = json!({"details": "ext_authz_error", "decision": "error"});
        let of_other = json!({"details": "ext_authz_denied", "decision": {"by": 1}});
        let answered = json!({"flags": "-", "details": "via_upstream", "route": "shop"});
        let no_mapping = json!({"flags": "-", "details": "direct_response", "route": "not-found"});
        for (status, said, wrong) in [
            (200, &answered, None),
            (302, &answered, None),
            (0, &json!({"flags": "DC"}), Some("no answer: the caller went away")),
            (0, &json!({"flags": "-"}), Some("no answer")),
            (302, &login, Some("a login stopped it")),
            (302, &denied, Some("answered before any service")),
            (302, &of_service, Some("answered before any service")),
            (200, &login, Some("answered before any service")),
            (401, &denied, Some("the gateway refused it before any service")),
            (503, &error, Some("the authentication service could not be asked")),
            (503, &undecided, Some("undecided: what a Filter asks does not answer")),
            (302, &of_other, Some("answered before any service")),
            (404, &no_mapping, Some("no Mapping takes it")),
            (404, &json!({"flags": "NR"}), Some("no Mapping takes it")),
            (404, &answered, Some("Not Found")),
            (502, &json!({"flags": "UF,URX"}), Some("Bad Gateway")),
            (599, &answered, Some("an error")),
        ] {
            let mut line = said.clone();
            (line["status"], line["trace"]) = (status.into(), "t".into());
            assert_eq!(problem(&serde_json::from_value(line).unwrap()), wrong, "{status} {said}");
        }
    }
}

//! Follows a request of a preview through the services: where its key was handed on, where it was lost, and who was never
//! asked.
//!
//! The request is one of a trace whose id begins with what no client knows. Of such requests Envoy writes a line each, whatever
//! Listener they come by, so those that a service sends on are told too, as long as it hands on the trace. It does so for as
//! long as a probe is under way, and what is read is that of its own trace: another beginning for each would change the
//! listeners. Requests that belong to the preview come by an internal Listener with its key; a service that has lost it sends
//! one without.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use nuncio_api::{Kind, ObjectId};
use nuncio_ir::{BAGGAGE_HEADER, BAGGAGE_MEMBER, Handler, Model, PREVIEW_HEADER, PROBES_SWITCH};
use nuncio_translate::{PreviewProbe, PreviewReplacement};
use reqwest::{header, redirect};
use serde::Deserialize;
use tokio::runtime::Handle;

use super::Lifecycle;
use crate::admin::{AdminClient, Handed, PreviewError, ProbePreview, ProbeView, ProbedCallView, ProbedServiceView};
use crate::engine::Engine;
use crate::run::lock;
use crate::view::backend_words;

/// How long the answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long Envoy may take to write down what it has seen: it does so every second.
const SETTLING: Duration = Duration::from_millis(2_500);
/// What is read of the log. One that is larger begins anew: whoever has seen the trace of a probe can have Envoy write more.
const LARGEST: u64 = 1 << 20;

/// Where the Envoy with this admin socket tells of requests that are followed.
pub(crate) fn log_beside(admin_socket: &Path) -> PathBuf {
    admin_socket.with_file_name("probes.log")
}

/// A request that Envoy has seen.
#[derive(Debug, Deserialize)]
struct Seen {
    cluster: Option<String>,
    from: Option<String>,
    host: Option<String>,
    key: Option<String>,
    path: Option<String>,
    served_by: Option<String>,
    status: u16,
    trace: String,
}

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
            return Err(conflict("no Envoy runs beside this controller that could tell what it sees"));
        };
        let host = probe.hosts.first().ok_or_else(|| conflict("the preview has no entrypoint"))?;
        let path = wanted.path.as_deref().unwrap_or("/");
        if !path.starts_with('/') {
            return Err(PreviewError::Invalid("path: expected one that begins with a slash".to_owned()));
        }
        let Ok(_alone) = self.probing.try_lock() else {
            return Err(conflict("another probe is under way"));
        };
        // What was told of earlier ones nobody asks for any more.
        let log = log_beside(envoy);
        cut(&log, 0);
        let trace = format!("{mark}{:016x}", fastrand::u64(1..));
        let status = Handle::current().block_on(followed(envoy, send(&probe, address, (host, path), &trace)))?;
        let seen = read(&log, &trace);
        Ok(view(&lock(engine), &id, (host, path, status), trace, &seen))
    }
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

async fn switch(admin: &AdminClient, percent: u8) -> Result<(), PreviewError> {
    let failed = |why: String| PreviewError::Conflict(format!("Envoy does not tell what it sees: {why}"));
    let reply = admin.post(&format!("/runtime_modify?{PROBES_SWITCH}={percent}")).await;
    match reply.map_err(|error| failed(error.to_string()))?.status {
        status if status.is_success() => Ok(()),
        status => Err(failed(status.to_string())),
    }
}

/// Gives the status of the answer, once Envoy must have told of everything.
async fn send(
    probe: &PreviewProbe,
    address: SocketAddr,
    (host, path): (&str, &str),
    trace: &str,
) -> Result<u16, PreviewError> {
    let failed = |error: reqwest::Error| PreviewError::Conflict(format!("the probe: {}", error.without_url()));
    let client = reqwest::Client::builder().no_proxy().redirect(redirect::Policy::none()).timeout(TIMEOUT);
    let key = probe.key.expose();
    let request = client.build().map_err(failed)?.get(format!("http://{address}{path}"));
    let request = request.header(header::HOST, host).header("x-forwarded-proto", "https");
    let request = request.header(PREVIEW_HEADER, key).header(BAGGAGE_HEADER, format!("{BAGGAGE_MEMBER}={key}"));
    let request = request.header("traceparent", format!("00-{trace}-{:016x}-01", fastrand::u64(1..)));
    let answer = request.send().await.map_err(failed)?;
    tokio::time::sleep(SETTLING).await;
    Ok(answer.status().as_u16())
}

/// What was seen of a trace, the last to be answered first.
fn read(log: &Path, trace: &str) -> Vec<Seen> {
    // Nothing was seen where there is none.
    let text = end(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines = text.lines().rev().filter_map(|line| serde_json::from_str::<Seen>(line).ok());
    lines.filter(|seen| seen.trace.contains(trace)).collect()
}

/// The end of a log.
fn end(log: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LARGEST)))?;
    let mut text = Vec::new();
    file.take(LARGEST).read_to_end(&mut text)?;
    Ok(text)
}

/// Keeps the log from growing.
pub(super) fn limit(log: &Path) {
    cut(log, LARGEST);
}

/// Has a log that is longer begin anew: what Envoy appends next stands at its beginning.
fn cut(log: &Path, longest: u64) {
    if fs::metadata(log).is_ok_and(|it| it.len() > longest) {
        let done = OpenOptions::new().write(true).open(log).and_then(|file| file.set_len(0));
        if let Err(error) = done {
            tracing::warn!("{}: {error}", log.display());
        }
    }
}

fn view(
    engine: &Engine,
    id: &ObjectId,
    (host, path, status): (&str, &str, u16),
    trace: String,
    seen: &[Seen],
) -> ProbeView {
    let calls: Vec<_> = seen.iter().map(|seen| (call(seen), index(engine, id, seen))).collect();
    let replacements = engine.world.preview_replacements(id).into_iter().enumerate();
    let services = replacements.map(|(at, PreviewReplacement { service, missing, .. })| {
        let of_it = calls.iter().filter(|(_, index)| *index == Some(at)).map(|(call, _)| call.carried);
        ProbedServiceView {
            baseline: service.baseline.to_string(),
            backend: backend_words(service),
            key: handed(of_it),
            missing: missing.map(str::to_owned),
        }
    });
    let services = services.collect();
    let calls = calls.into_iter().map(|(call, _)| call).collect();
    ProbeView { host: host.to_owned(), path: path.to_owned(), status, trace, calls, services }
}

/// What became of the key on the way to a service, by whether each request had it.
fn handed(requests: impl Iterator<Item = bool>) -> Handed {
    requests.fold(Handed::NotSeen, |before, carried| match (before, carried) {
        (Handed::Lost, _) | (_, false) => Handed::Lost,
        (_, true) => Handed::Carried,
    })
}

fn index(engine: &Engine, id: &ObjectId, seen: &Seen) -> Option<usize> {
    engine.world.preview_service(id, seen.cluster.as_deref()?)
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_lost_where_one_request_has_none() {
        assert_eq!(handed([].into_iter()), Handed::NotSeen);
        assert_eq!(handed([true, true].into_iter()), Handed::Carried);
        assert_eq!(handed([true, false].into_iter()), Handed::Lost);
        assert_eq!(handed([false, true].into_iter()), Handed::Lost);
    }

    #[test]
    fn what_envoy_writes_is_read_for_the_trace_that_is_asked_for() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let line = |trace: &str, key: &str| {
            format!(
                r#"{{"cluster":"cart:80-0123456789abcdef","from":"10.0.0.1","host":"cart.internal","key":{key},"path":"/","served_by":null,"status":200,"trace":"00-{trace}-b7ad6b7169203331-01"}}"#
            )
        };
        let lines = [line("aaaa", "\"npk\""), "{\"half".to_owned(), line("bbbb", "null"), line("aaaa", "null")];
        std::fs::write(log.path(), lines.join("\n")).unwrap();
        let calls: Vec<_> = read(log.path(), "aaaa").iter().map(call).collect();
        assert_eq!(calls.iter().map(|call| call.carried).collect::<Vec<_>>(), [false, true]);
        assert_eq!((&*calls[0].service, &*calls[0].served_by), ("cart:80", "baseline"));
    }

    #[test]
    fn a_log_is_read_from_its_end_and_does_not_grow_without_bound() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let line = r#"{"status":200,"trace":"00-aaaa-b7ad6b7169203331-01"}"#.to_owned() + "\n";
        let fits = usize::try_from(LARGEST).unwrap() / line.len();
        std::fs::write(log.path(), line.repeat(fits)).unwrap();
        limit(log.path());
        assert_eq!(read(log.path(), "aaaa").len(), fits);
        std::fs::write(log.path(), line.repeat(fits + 100)).unwrap();
        assert_eq!(read(log.path(), "aaaa").len(), fits);
        limit(log.path());
        assert_eq!(read(log.path(), "aaaa").len(), 0);
    }
}

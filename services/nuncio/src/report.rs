//! What a person sees while the gateway runs: what is served where, then a line for each change.

mod record;
pub(crate) mod words;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use nuncio_api::ObjectId;
use nuncio_controller::{ChangeKind, Event, LocatedProblem, ServedListener, Subject};
use nuncio_telemetry::LogFormat;
use tokio::sync::mpsc;
use tokio::time::timeout;

pub(crate) use self::words::{count, milliseconds, severity};
use self::words::{objects, url};
use crate::cli::Place;
use crate::exit::print_text;

/// Changes that may wait for an Envoy. With none connected they would pile up for ever.
const MAX_WAITING: usize = 100;
/// How long a gateway may take for the keys of previews until it is told that they are waited for.
const START: Duration = Duration::from_secs(5);

/// Turns events into lines. Knows no output: [`tell`] does.
#[derive(Debug)]
pub(crate) struct Report {
    /// What is served, as the command line names it.
    place: Place,
    admin: SocketAddr,
    portal: Option<SocketAddr>,
    /// What changed, by revision, and is not yet live.
    waiting: VecDeque<(u64, Vec<(ObjectId, ChangeKind)>)>,
    /// Whether any Envoy has ever had everything.
    live: bool,
    begun: Instant,
    /// Previews of which it was not told that they wait for keys, since these are being made.
    spared: BTreeMap<ObjectId, Event>,
    /// Objects of which it was told what is wrong.
    told: BTreeSet<ObjectId>,
}

impl Report {
    /// For the gateway that serves `place` and has its diagnostics at `admin`.
    pub(crate) fn new(place: Place, admin: SocketAddr) -> Self {
        let (waiting, begun) = (VecDeque::new(), Instant::now());
        let (spared, told) = (BTreeMap::new(), BTreeSet::new());
        Self { place, admin, portal: None, waiting, live: false, begun, spared, told }
    }

    /// The same with a developer portal at `portal`, if there is one.
    pub(crate) fn with_portal(self, portal: Option<SocketAddr>) -> Self {
        Self { portal, ..self }
    }

    /// The next event. One that was spared comes again where it lasts.
    pub(crate) async fn next(&mut self, events: &mut mpsc::Receiver<Event>) -> Option<Event> {
        if self.spared.is_empty() {
            return events.recv().await;
        }
        match timeout(START.saturating_sub(self.begun.elapsed()), events.recv()).await {
            Ok(event) => event,
            Err(_) => self.spared.pop_first().map(|(_, event)| event),
        }
    }

    /// What to say about `event`: any number of lines.
    pub(crate) fn lines(&mut self, event: &Event) -> Vec<String> {
        match event {
            Event::Serving { listeners, hosts, routes, problems } => {
                self.serving(listeners, *hosts, *routes, *problems)
            }
            Event::Changed { objects: changed, revision: Some(revision) } => {
                if self.waiting.len() == MAX_WAITING {
                    self.waiting.pop_front();
                }
                self.waiting.push_back((*revision, changed.clone()));
                Vec::new()
            }
            Event::Changed { objects: changed, revision: None } => {
                vec![format!("{} → nothing that is served changes", objects(changed))]
            }
            Event::Live { revision, envoys, elapsed } => self.live(*revision, *envoys, &milliseconds(*elapsed)),
            Event::Problem(located) => problem(located),
            Event::Mended(subject) => vec![format!("{subject}: nothing is wrong any more")],
            // What else is wrong was told.
            Event::Passed(_) => Vec::new(),
            Event::Nacked { resource, objects, message } => self.refused(resource, objects, message),
            Event::EnvoyConnected { node, version } if self.live => vec![format!("{node} ({version}) connected")],
            Event::EnvoyConnected { .. } => Vec::new(),
            Event::EnvoyDisconnected { node } => vec![format!("{node} disconnected")],
            Event::TunnelOpened { preview, service, by } => vec![format!("{preview}: {by} serves {service}")],
            Event::TunnelClosed { preview, service, by, since, reason } => {
                vec![format!("{preview}: {by} no longer serves {service}, since {since:.0} until now: {reason}")]
            }
        }
    }

    /// Whether an event is not worth a word: a gateway that has begun a moment ago makes keys, and has made them.
    fn spares(&mut self, event: &Event) -> bool {
        match event {
            Event::Problem(located @ LocatedProblem { object: Some(id), .. }) => {
                let is_passing = located.is_passing() && self.begun.elapsed() < START;
                if is_passing {
                    self.spared.insert(id.clone(), event.clone());
                } else {
                    self.told.insert(id.clone());
                }
                is_passing
            }
            Event::Mended(Subject::Object(id)) => {
                let (was_spared, was_told) = (self.spared.remove(id).is_some(), self.told.remove(id));
                was_spared && !was_told
            }
            Event::Passed(id) => self.spared.remove(id).is_some(),
            Event::Changed { objects, .. } => {
                // Of what is gone nothing waits.
                let gone = objects.iter().filter(|(_, kind)| *kind == ChangeKind::Removed);
                gone.for_each(|(id, _)| drop(self.spared.remove(id)));
                false
            }
            _ => false,
        }
    }

    /// Whether any Envoy has ever had everything.
    pub(crate) fn was_live(&self) -> bool {
        self.live
    }

    fn serving(&self, listeners: &[ServedListener], hosts: usize, routes: usize, problems: usize) -> Vec<String> {
        let name = self.place.name();
        let mut lines = vec![format!("Serving {name}: {}, {}", count(hosts, "host"), count(routes, "route"))];
        for listener in listeners {
            lines.extend(listener.schemes.iter().map(|scheme| format!("  {}", url(scheme, listener.address))));
        }
        if listeners.is_empty() {
            lines.push("  nowhere: there is no Listener that could be served".to_owned());
        }
        lines.push(format!("  {}  (diagnostics)", url("http", self.admin)));
        lines.extend(self.portal.map(|portal| format!("  {}/docs/  (developer portal)", url("http", portal))));
        if problems > 0 {
            // All of them: `nuncio check` knows nothing of ports, names and services.
            lines.push(format!("  {}: {}/api/v1/problems", count(problems, "problem"), url("http", self.admin)));
        }
        lines
    }

    /// What was refused does not become live.
    fn refused(&mut self, resource: &str, out: &[ObjectId], message: &str) -> Vec<String> {
        for (_, changed) in &mut self.waiting {
            changed.retain(|(id, _)| !out.contains(id));
        }
        self.waiting.retain(|(_, changed)| !changed.is_empty());
        let mut lines = vec![format!("Envoy refused {resource}: {message}")];
        lines.extend(out.iter().map(|id| format!("  taken out until it changes: {id}")));
        if out.is_empty() {
            lines.push("  no single object is to blame: what was in force before stays".to_owned());
        }
        lines
    }

    fn live(&mut self, revision: u64, envoys: usize, elapsed: &str) -> Vec<String> {
        let on = count(envoys, "Envoy");
        let mut lines = Vec::new();
        while self.waiting.front().is_some_and(|(waiting, _)| *waiting <= revision) {
            let changed = self.waiting.pop_front().map(|(_, changed)| objects(&changed));
            lines.extend(changed.map(|changed| format!("{changed} → live on {on} in {elapsed}")));
        }
        if !self.live && lines.is_empty() {
            lines.push(format!("Live on {on}"));
        }
        self.live = true;
        lines
    }
}

/// `error: shop/cart.yaml:3:5: Mapping default/cart: spec.prefix: …`, then the line with a caret.
fn problem(located: &LocatedProblem) -> Vec<String> {
    let place = located.location.as_ref().map(|location| format!("{location}: ")).unwrap_or_default();
    let object = located.object.as_ref().map(ToString::to_string).or_else(|| located.called.clone());
    let object = object.map(|object| format!("{object}: ")).unwrap_or_default();
    let severity = severity(located.problem.severity);
    let first = format!("{severity}: {place}{object}{}", located.problem);
    std::iter::once(first).chain(located.snippet.lines().map(|line| format!("  {line}"))).collect()
}

/// Whether the event says that Envoy cannot have an address, and in which words.
pub(crate) fn cannot_bind(event: &Event) -> Option<String> {
    let Event::Nacked { resource, message, .. } = event else { return None };
    message.contains("cannot bind").then(|| format!("cannot serve {resource}: {message}"))
}

/// Tells of an event where the format of the logs says: in lines on standard output, or in JSON among the logs.
pub(crate) fn tell(report: &mut Report, event: &Event, format: LogFormat) {
    if report.spares(event) {
        return;
    }
    let lines = report.lines(event);
    if format == LogFormat::Json {
        record::write(event, &lines);
    } else if !lines.is_empty() {
        print_text(&format!("{}\n", lines.join("\n")));
    }
}

#[cfg(test)]
mod tests;

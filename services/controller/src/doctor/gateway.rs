//! A gateway that runs, by its diagnostics.

use std::collections::HashSet;

use nuncio_api::Severity;
use serde::de::DeserializeOwned;

use super::{Check, Outcome, first};
use crate::admin::{AdminClient, EnvoyView, Page, ProblemView};
use crate::event::LocatedProblem;

const SECTION: &str = "Gateway";

/// Looks at the gateway whose diagnostics are served at `address`. What its objects are `known` to have is not told again.
pub async fn gateway(address: &str, known: &[LocatedProblem]) -> Vec<Check> {
    let client = AdminClient::gateway(address);
    let answers = format!("the gateway at {address} answers and takes traffic");
    let mut checks = match client.get("/ambassador/v0/check_ready").await {
        Err(error) => {
            let hint = "is it running, and is this its --admin address? In a cluster: kubectl port-forward service/nuncio-admin 8877";
            return vec![Check::failed(SECTION, answers, error.to_string(), hint)];
        }
        Ok(reply) if reply.status.is_success() => vec![Check::ok(SECTION, answers)],
        Ok(reply) => {
            let why = String::from_utf8_lossy(&reply.body).trim().to_owned();
            vec![Check::failed(
                SECTION,
                answers,
                why,
                "what it waits for has to come; the log of the gateway says more",
            )]
        }
    };
    checks.push(match list::<EnvoyView>(&client, "envoys").await {
        Ok(envoys) => connected(&envoys),
        Err(error) => Check::failed(SECTION, CONNECTED, error, FOREIGN),
    });
    match list::<ProblemView>(&client, "problems").await {
        Ok(problems) => checks.extend([refused(&problems), running(&problems, known)]),
        Err(error) => checks.push(Check::failed(SECTION, TAKEN, error, FOREIGN)),
    }
    checks
}

const CONNECTED: &str = "Envoy is connected and has the newest configuration";
const TAKEN: &str = "Envoy takes what it is sent";
const UNTROUBLED: &str = "nothing else is wrong that shows only while it runs";
/// Reason of what Envoy does not take.
const REFUSED: &str = "RefusedByProxy";
/// What helps where the answer is none of the diagnostics.
const FOREIGN: &str = "is that the --admin address of a Nuncio of this version?";

async fn list<T: DeserializeOwned>(client: &AdminClient, name: &str) -> Result<Vec<T>, String> {
    let reply = client.get(&format!("/api/v1/{name}?limit=10000")).await.map_err(|error| error.to_string())?;
    if !reply.status.is_success() {
        return Err(format!("status {}", reply.why()));
    }
    let page: Page<T> = serde_json::from_slice(&reply.body).map_err(|error| format!("not understood: {error}"))?;
    Ok(page.items)
}

fn connected(envoys: &[EnvoyView]) -> Check {
    if envoys.is_empty() {
        let hint = "nothing is served: is Envoy running, and can it reach the controller (--xds)? Its log says why not";
        return Check::failed(SECTION, CONNECTED, "none is connected", hint);
    }
    let behind = envoys.iter().filter(|envoy| envoy.synced_revision != Some(envoy.newest_revision));
    let found: Vec<_> =
        behind.map(|envoy| format!("{} ({}) does not have it yet", envoy.node, envoy.version)).collect();
    if found.is_empty() {
        let versions: Vec<_> = envoys.iter().map(|envoy| envoy.version.as_str()).collect();
        return Check::ok(SECTION, CONNECTED).with(versions.join(", "));
    }
    let hint =
        "ask again: a change takes milliseconds. If it stays so, its log and the problems of the gateway say why";
    Check { outcome: Outcome::Warning, found, hint: Some(hint.to_owned()), ..Check::ok(SECTION, CONNECTED) }
}

fn refused(problems: &[ProblemView]) -> Check {
    let found: Vec<_> = problems.iter().filter(|problem| problem.reason == REFUSED).map(line).collect();
    if found.is_empty() {
        return Check::ok(SECTION, TAKEN);
    }
    let hint = "change what Envoy complains about and apply the object again: until then it is left out, and all else is served";
    Check { outcome: Outcome::Failed, found: first(found), hint: Some(hint.to_owned()), ..Check::ok(SECTION, TAKEN) }
}

/// What the gateway found to be wrong and the objects by themselves do not show: a Redis that is away, a port that is taken.
fn running(problems: &[ProblemView], known: &[LocatedProblem]) -> Check {
    let known: Vec<_> = known.iter().map(ProblemView::from).collect();
    let known: HashSet<_> = known.iter().map(subject).collect();
    let new = problems.iter().filter(|problem| problem.reason != REFUSED && !known.contains(&subject(problem)));
    let outcome = new.clone().map(|problem| outcome(problem.severity)).max().unwrap_or(Outcome::Ok);
    let found = first(new.map(|problem| format!("{} ({})", line(problem), problem.reason)).collect());
    let hint = "docs/problems.md says what each reason means, and /api/v1/problems of the gateway lists them all";
    let hint = (outcome != Outcome::Ok).then(|| hint.to_owned());
    Check { outcome, found, hint, ..Check::ok(SECTION, UNTROUBLED) }
}

/// What a problem is about, however it is worded.
fn subject(problem: &ProblemView) -> (Option<[&str; 3]>, &str, &str) {
    let object = problem.object.as_ref().map(|object| [&*object.kind, &*object.namespace, &*object.name]);
    (object, &problem.field, &problem.reason)
}

fn outcome(severity: Severity) -> Outcome {
    match severity {
        Severity::Error => Outcome::Failed,
        Severity::Warning => Outcome::Warning,
    }
}

fn line(problem: &ProblemView) -> String {
    let object = problem.object.as_ref();
    let object = object.map(|it| format!("{} {}/{}: ", it.kind, it.namespace, it.name)).unwrap_or_default();
    let field = if problem.field.is_empty() { String::new() } else { format!("{}: ", problem.field) };
    format!("{object}{field}{}", problem.message)
}

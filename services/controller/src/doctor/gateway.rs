//! A gateway that runs, by its diagnostics.

use std::collections::HashSet;
use std::path::Path;

use nuncio_api::Severity;
use serde::de::DeserializeOwned;

use super::{Check, Outcome, first};
use crate::admin::{AdminClient, EnvoyView, GatewaySource, GatewayView, Page, ProblemView};
use crate::event::LocatedProblem;

const SECTION: &str = "Gateway";

/// Which gateway has its diagnostics at `address`, beside what is looked at: a directory, else a cluster. Nothing of one that does
/// not answer, of which [`gateway()`] tells.
pub async fn which(address: &str, directory: Option<&Path>) -> Option<Check> {
    let reply = AdminClient::gateway(address).get("/api/v1/gateway").await.ok()?;
    let asked = format!("the gateway at {address} {IS_MEANT}");
    if !reply.status.is_success() {
        return Some(Check::skipped(SECTION, asked, format!("it does not say what it reads: status {}", reply.why())));
    }
    Some(match serde_json::from_slice(&reply.body) {
        Ok(told) => meant(asked, &told, directory.map(GatewaySource::directory).as_ref()),
        Err(error) => Check::skipped(SECTION, asked, format!("what it says that it reads is not understood: {error}")),
    })
}

/// Whether a gateway is the one of the directory that is looked at, or one of a cluster. One cluster has several addresses.
fn meant(asked: String, told: &GatewayView, directory: Option<&GatewaySource>) -> Check {
    let GatewayView { machine, source } = told;
    let is_meant = match (source, directory) {
        (GatewaySource::Cluster(_), None) => true,
        (source, directory) => Some(source) == directory,
    };
    let what = |source: &GatewaySource| match source {
        GatewaySource::Directory(path) => format!("the directory {path}"),
        GatewaySource::Cluster(server) => format!("the cluster at {server}"),
    };
    if is_meant {
        return Check::ok(SECTION, asked).with(format!("{} ({machine})", what(source)));
    }
    let here = directory.map_or_else(|| "a cluster".to_owned(), what);
    let found = format!("it reads {} on {machine}, and not {here}", what(source));
    let hint = "what is said of the gateway is said of that one: name another by --admin, or look at what it reads";
    Check::warning(SECTION, asked, found, hint)
}

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

const IS_MEANT: &str = "reads what is looked at";
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_which_gateway_is_asked_and_whether_it_reads_something_else() {
        let directory = |path: &str| GatewaySource::Directory(path.into());
        let cluster = GatewaySource::Cluster("https://10.0.0.1:6443".into());
        let looked = |source: GatewaySource, directory: Option<GatewaySource>| {
            let told = GatewayView { machine: "laptop".into(), source };
            meant("it".into(), &told, directory.as_ref())
        };
        let well = looked(directory("/srv/shop"), Some(directory("/srv/shop")));
        assert_eq!((well.outcome, well.found), (Outcome::Ok, vec!["the directory /srv/shop (laptop)".to_owned()]));
        let well = looked(cluster.clone(), None);
        assert_eq!(
            (well.outcome, well.found),
            (Outcome::Ok, vec!["the cluster at https://10.0.0.1:6443 (laptop)".to_owned()])
        );
        for (source, looked_at, found) in [
            (
                directory("/srv/bank"),
                Some(directory("/srv/shop")),
                "/srv/bank on laptop, and not the directory /srv/shop",
            ),
            (cluster, Some(directory("/srv/shop")), "10.0.0.1:6443 on laptop, and not the directory /srv/shop"),
            (directory("/srv/bank"), None, "/srv/bank on laptop, and not a cluster"),
        ] {
            let other = looked(source, looked_at);
            assert_eq!(other.outcome, Outcome::Warning);
            assert!(other.found[0].ends_with(found), "{:?}", other.found);
        }
    }

    #[test]
    fn a_directory_is_the_same_whatever_way_leads_to_it() {
        let root = tempfile::tempdir().unwrap();
        let (there, link) = (root.path().join("there"), root.path().join("link"));
        std::fs::create_dir(&there).unwrap();
        std::os::unix::fs::symlink(&there, &link).unwrap();
        for way in [link, there.join("../there")] {
            assert_eq!(GatewaySource::directory(&way), GatewaySource::directory(&there), "{}", way.display());
        }
        assert_ne!(GatewaySource::directory(root.path()), GatewaySource::directory(&there));
    }
}

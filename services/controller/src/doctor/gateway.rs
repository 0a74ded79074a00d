//! A gateway that runs, by its diagnostics.

use std::collections::HashSet;
use std::path::Path;

use nuncio_api::Severity;
use serde::de::DeserializeOwned;

use super::{Check, Outcome, first};
use crate::admin::{AdminClient, EnvoyView, GatewaySource, GatewayView, Page, ProblemView};
use crate::event::LocatedProblem;
use crate::leader;

const SECTION: &str = "Gateway";

/// Which gateway has its diagnostics at `address`, beside what is looked at: a directory, else a cluster. Nothing of one that does
/// not answer, of which [`gateway()`] tells.
pub async fn which(address: &str, directory: Option<&Path>) -> Option<Check> {
    let reply = AdminClient::gateway(address).get("/api/v1/gateway").await.ok()?;
    let asked = format!("the gateway at {address} {IS_MEANT}");
    if !reply.status.is_success() {
        return Some(Check::skipped(SECTION, asked, format!("it does not say what it reads: status {}", reply.why())));
    }
    let here = |path| GatewayView { machine: leader::machine(), source: GatewaySource::directory(path) };
    Some(match serde_json::from_slice(&reply.body) {
        Ok(told) => meant(asked, &told, directory.map(here).as_ref()),
        Err(error) => Check::skipped(SECTION, asked, format!("what it says that it reads is not understood: {error}")),
    })
}

/// Whether a gateway is the one of the directory that is looked at `here`, else one of a cluster. Of which cluster is not compared:
/// one has several addresses, and many have the same one for their pods.
fn meant(asked: String, told: &GatewayView, here: Option<&GatewayView>) -> Check {
    let what = |GatewayView { machine, source }: &GatewayView| match source {
        GatewaySource::Directory(path) => format!("the directory {path} on {machine}"),
        GatewaySource::Cluster(server) => format!("the cluster at {server} from {machine}"),
    };
    let found = format!("it reads {}", what(told));
    match (&told.source, here) {
        (_, Some(here)) if here == told => Check::ok(SECTION, asked).with(what(told)),
        (GatewaySource::Cluster(_), None) => {
            let why = format!("{found}; whether that is the cluster that is looked at, no address tells");
            Check::skipped(SECTION, asked, why)
        }
        (_, here) => {
            let here = here.map_or_else(|| "a cluster".to_owned(), what);
            let hint =
                "what is said of the gateway is said of that one: name another by --admin, or look at what it reads";
            Check::warning(SECTION, asked, format!("{found}, and not {here}"), hint)
        }
    }
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
        let on =
            |machine: &str, source: &GatewaySource| GatewayView { machine: machine.into(), source: source.clone() };
        let [shop, bank] = ["/srv/shop", "/srv/bank"].map(|path| GatewaySource::Directory(path.into()));
        let cluster = GatewaySource::Cluster("https://10.0.0.1:6443".into());
        let looked = |told: &GatewayView, here: Option<&GatewaySource>| {
            let check = meant("it".into(), told, here.map(|source| on("laptop", source)).as_ref());
            (check.outcome, check.found.concat())
        };
        let here = "the directory /srv/shop on laptop";
        assert_eq!(looked(&on("laptop", &shop), Some(&shop)), (Outcome::Ok, here.to_owned()));
        let (outcome, found) = looked(&on("pod", &cluster), None);
        assert_eq!(outcome, Outcome::Skipped, "there may be others: {found}");
        assert!(found.starts_with("it reads the cluster at https://10.0.0.1:6443 from pod; whether"), "{found}");
        let not_here = format!(", and not {here}");
        for (told, looked_at, found) in [
            (on("laptop", &bank), Some(&shop), format!("the directory /srv/bank on laptop{not_here}")),
            (on("server", &shop), Some(&shop), format!("the directory /srv/shop on server{not_here}")),
            (on("pod", &cluster), Some(&shop), format!("the cluster at https://10.0.0.1:6443 from pod{not_here}")),
            (on("laptop", &bank), None, "the directory /srv/bank on laptop, and not a cluster".to_owned()),
        ] {
            assert_eq!(looked(&told, looked_at), (Outcome::Warning, format!("it reads {found}")));
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

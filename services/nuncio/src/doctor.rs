//! `nuncio doctor`: what may keep a gateway from its work, and what to do about it.

mod machine;
mod render;

use nuncio_controller::Topology;
use nuncio_controller::doctor::{self, Check, ClusterQuestions, Outcome};
use nuncio_controller::offline::Offline;
use serde::Serialize;
use tokio::runtime::Runtime;

use crate::cli::{DoctorArgs, Format};
use crate::controller::runtime;
use crate::exit::{self, Failure, print_json, print_styled};
use crate::gateway::load;

/// What `-o json` prints.
#[derive(Serialize)]
struct Report<'c> {
    /// Nothing has failed.
    ok: bool,
    checks: &'c [Check],
}

/// Looks at everything, and tells. Fails if something does not work.
pub(crate) fn run(args: &DoctorArgs) -> exit::Outcome {
    let checks = checks(args)?;
    let ok = checks.iter().all(|check| check.outcome != Outcome::Failed);
    match args.output {
        Format::Text => print_styled(&render::text(&checks)),
        Format::Json => print_json(&Report { ok, checks: &checks })?,
    }
    if ok { Ok(()) } else { Err(Failure::found()) }
}

fn checks(args: &DoctorArgs) -> Result<Vec<Check>, Failure> {
    let runtime = runtime()?;
    let gateways = runtime.block_on(gateways(args));
    // Whose word it is that follows comes first: nobody may have meant the one at the usual address.
    let which = |gateway: &String| runtime.block_on(doctor::which(gateway, args.place.dir.as_deref()));
    let mut checks: Vec<_> = gateways.iter().filter_map(which).collect();
    let place = match &args.place.dir {
        Some(_) => vec![machine::envoy(args.envoy.as_deref())],
        None => runtime.block_on(doctor::cluster(&questions(args)?)),
    };
    // A cluster that does not answer has no objects to look at.
    let answers = args.place.dir.is_some() || place.iter().any(|check| check.section != "Kubernetes API");
    checks.extend(place);
    let mut known = Vec::new();
    if answers {
        match load(&args.place, &args.identity, Topology::default()) {
            Ok(offline) => {
                checks.extend(of_objects(args, &offline, &runtime, &gateways));
                known = offline.problems();
            }
            Err(failure) => checks.push(unreadable(args, &failure)),
        }
    }
    checks.extend(runtime.block_on(machine::redis(args.redis.as_deref())));
    for gateway in &gateways {
        checks.extend(runtime.block_on(doctor::gateway(gateway, &known)));
    }
    Ok(checks)
}

/// What the objects themselves tell, beside the gateways that run.
fn of_objects(args: &DoctorArgs, offline: &Offline, runtime: &Runtime, gateways: &[String]) -> Vec<Check> {
    let mut checks = Vec::new();
    if args.place.dir.is_some() {
        checks.push(runtime.block_on(machine::ports(offline.listeners(), args.bind, gateways)));
    }
    checks.extend(doctor::certificates(offline));
    checks.extend(doctor::objects(offline, &format!("nuncio check {}", args.place.argument())));
    checks
}

fn unreadable(args: &DoctorArgs, failure: &Failure) -> Check {
    let hint = format!("nuncio check {} tries the same", args.place.argument());
    Check::failed("Objects", "the objects can be read", failure.to_string(), hint)
}

/// Gateways that run: those that were named, else the one at the address that the environment says, as in its pod, if
/// there is one. For a directory that is the usual address if the environment says nothing.
async fn gateways(args: &DoctorArgs) -> Vec<String> {
    if !args.admin.is_empty() {
        return args.admin.clone();
    }
    let said = std::env::var("NUNCIO_ADMIN").ok().filter(|address| !address.is_empty());
    let usual = || args.place.dir.is_some().then(|| "127.0.0.1:8877".to_owned());
    match said.or_else(usual) {
        Some(address) if machine::is_open(&address).await => vec![address],
        _ => Vec::new(),
    }
}

fn questions(args: &DoctorArgs) -> Result<ClusterQuestions, Failure> {
    let namespace = args.place.namespace(&args.identity);
    let account = args.service_account.as_deref().map(|text| {
        let (namespace, name) = text.split_once('/').unwrap_or((&namespace, text));
        (namespace.to_owned(), name.to_owned())
    });
    if account.as_ref().is_some_and(|(namespace, name)| namespace.is_empty() || name.is_empty()) {
        return Err(Failure::usage("--service-account is [NAMESPACE/]NAME"));
    }
    Ok(ClusterQuestions {
        access: args.place.cluster.access(),
        selection: args.place.cluster.selection(&namespace),
        ambassador_id: args.identity.ambassador_id.clone(),
        account,
        webhook_service: args.webhook_service.clone(),
        webhook_configuration: args.webhook_configuration.clone().filter(|name| !name.is_empty()),
        edits: args.allow_edits,
        previews: args.allow_previews,
        statuses: !args.no_status,
        mapping_statuses: args.mapping_status,
        namespace,
    })
}

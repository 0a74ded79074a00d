//! What a request that is followed tells, in tables.

use nuncio_controller::admin::{Handed, ProbeView};

use super::keeper::Keeper;
use super::{one, understood};
use crate::cli::{Format, PreviewDoctorArgs};
use crate::exit::{Failure, Outcome, print_json, print_text};
use crate::table;

/// Follows one.
pub(super) fn doctor(args: &PreviewDoctorArgs) -> Outcome {
    let keeper = Keeper::open(&args.named.place)?;
    let preview = one(&keeper, &args.named.preview)?;
    let told: ProbeView = understood(keeper.probe(&preview.namespace, &preview.name, &args.path)?)?;
    match args.output {
        Format::Json => print_json(&told)?,
        Format::Text => print_text(&text(&told)),
    }
    if told.services.iter().all(|service| service.key == Handed::Carried) {
        return Ok(());
    }
    Err(Failure::new(
        "the key did not arrive everywhere: have services pass on the header baggage of the request that they serve",
    ))
}

fn text(told: &ProbeView) -> String {
    let calls = told.calls.iter().map(|call| {
        let key = if call.carried { "carried" } else { "lost" };
        let asked = format!("{}{}", call.host, call.path);
        [
            call.from.clone(),
            asked,
            call.service.clone(),
            key.to_owned(),
            call.served_by.clone(),
            call.status.to_string(),
        ]
    });
    let services = told.services.iter().map(|service| {
        let key = match service.key {
            Handed::Carried => "carried",
            Handed::Lost => "lost",
            Handed::NotSeen => "not seen",
        };
        [service.baseline.clone(), service.backend.clone(), key.to_owned()]
    });
    let calls =
        table::render(["FROM", "ASKED FOR", "SERVICE", "KEY", "SERVED BY", "STATUS"], &calls.collect::<Vec<_>>());
    let services = table::render(["REPLACED", "BY", "KEY"], &services.collect::<Vec<_>>());
    format!("GET {}{}: {} (trace {})\n\n{calls}\n{services}", told.host, told.path, told.status, told.trace)
}

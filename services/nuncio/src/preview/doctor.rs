//! What a request that is followed tells, in tables.

use nuncio_controller::admin::{Handed, ProbeView, ProbedServiceView};

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
    let wrong = complaints(&told);
    if wrong.is_empty() { Ok(()) } else { Err(Failure::new(wrong.join("; "))) }
}

/// Who is not there, and that the key is not: it cannot get to who is not there.
fn complaints(told: &ProbeView) -> Vec<&str> {
    let mut found: Vec<_> = told.services.iter().filter_map(|service| service.missing.as_deref()).collect();
    let is_without = |service: &ProbedServiceView| match service.key {
        Handed::Carried => false,
        Handed::Lost => true,
        Handed::NotSeen => service.missing.is_none(),
    };
    if told.services.iter().any(is_without) {
        found.push(
            "the key did not arrive everywhere: have services pass on the header baggage of the request that they serve",
        );
    }
    found
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
        let missing = service.missing.clone().unwrap_or_default();
        [service.baseline.clone(), service.backend.clone(), key.to_owned(), missing]
    });
    let calls =
        table::render(["FROM", "ASKED FOR", "SERVICE", "KEY", "SERVED BY", "STATUS"], &calls.collect::<Vec<_>>());
    let services = table::render(["REPLACED", "BY", "KEY", "PROBLEM"], &services.collect::<Vec<_>>());
    format!("GET {}{}: {} (trace {})\n\n{calls}\n{services}", told.host, told.path, told.status, told.trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(key: Handed, missing: Option<&str>) -> ProbeView {
        let [baseline, backend] = ["cart", "a tunnel"].map(str::to_owned);
        let service = ProbedServiceView { baseline, backend, key, missing: missing.map(str::to_owned) };
        let [host, path, trace] = ["shop.example", "/", "6e1f"].map(str::to_owned);
        ProbeView { host, path, status: 200, trace, calls: Vec::new(), services: vec![service] }
    }

    #[test]
    fn a_key_that_arrives_is_not_enough_where_nobody_stands_in() {
        let nobody = "nobody runs `nuncio preview serve` for cart";
        for (key, missing, of_missing, of_key) in [
            (Handed::Carried, None, false, false),
            (Handed::Carried, Some(nobody), true, false),
            (Handed::NotSeen, Some(nobody), true, false),
            (Handed::NotSeen, None, false, true),
            (Handed::Lost, Some(nobody), true, true),
        ] {
            let told = told(key, missing);
            let found = complaints(&told);
            let is_of_key = |it: &&str| it.starts_with("the key did not arrive");
            assert_eq!((found.contains(&nobody), found.iter().any(is_of_key)), (of_missing, of_key), "{found:?}");
            assert_eq!(text(&told).contains(nobody), missing.is_some(), "{}", text(&told));
        }
    }
}

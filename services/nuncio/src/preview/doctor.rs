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
    let is_any = |is: fn(&ProbedServiceView) -> bool| told.services.iter().any(is);
    // Where the key is lost counts more than what nobody knows.
    if is_any(|service| service.key == Handed::Lost || (service.key == Handed::NotSeen && service.missing.is_none())) {
        found.push(
            "the key did not arrive everywhere: have services pass on the header baggage of the request that they serve",
        );
    } else if is_any(|service| service.key == Handed::Unknown && service.missing.is_none()) {
        found.push(
            "other gateways, which were not heard, may have seen the missing requests: name them by --peers of the gateway",
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
            if call.status == 0 { "-".to_owned() } else { call.status.to_string() },
            call.problem.clone().unwrap_or_default(),
        ]
    });
    let services = told.services.iter().map(|service| {
        let key = match service.key {
            Handed::Carried => "carried",
            Handed::Lost => "lost",
            Handed::NotSeen => "not seen",
            Handed::Unknown => "not seen here",
        };
        let missing = service.missing.clone().unwrap_or_default();
        [service.baseline.clone(), service.backend.clone(), key.to_owned(), missing]
    });
    let header = ["FROM", "ASKED FOR", "SERVICE", "KEY", "SERVED BY", "STATUS", "PROBLEM"];
    let calls = table::render(header, &calls.collect::<Vec<_>>());
    let services = table::render(["REPLACED", "BY", "KEY", "PROBLEM"], &services.collect::<Vec<_>>());
    let missed: String = told.missed.iter().map(|why| format!("\nNot heard: {why}\n")).collect();
    let by = if told.gateways > 1 { format!(", seen by {} gateways", told.gateways) } else { String::new() };
    format!("GET {}{}: {} (trace {}{by})\n\n{calls}\n{services}{missed}", told.host, told.path, told.status, told.trace)
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    fn told(keys: &[(&str, Option<&str>)], gateways: usize, missed: &[&str]) -> ProbeView {
        let service = |(key, missing): &(&str, Option<&str>)| json!({ "baseline": "cart", "backend": "a tunnel", "key": key, "missing": missing });
        let services: Vec<_> = keys.iter().map(service).collect();
        let told = json!({ "host": "shop.example", "path": "/", "status": 200, "trace": "6e1f", "calls": [],
            "services": services, "gateways": gateways, "missed": missed });
        from_value(told).unwrap()
    }

    #[test]
    fn a_key_that_arrives_is_not_enough_where_nobody_stands_in() {
        let nobody = "nobody runs `nuncio preview serve` for cart";
        for (key, missing, of_missing, of_key) in [
            ("carried", None, false, false),
            ("carried", Some(nobody), true, false),
            ("not-seen", Some(nobody), true, false),
            ("not-seen", None, false, true),
            ("lost", Some(nobody), true, true),
        ] {
            let told = told(&[(key, missing)], 1, &[]);
            let found = complaints(&told);
            let is_of_key = |it: &&str| it.starts_with("the key did not arrive");
            assert_eq!((found.contains(&nobody), found.iter().any(is_of_key)), (of_missing, of_key), "{found:?}");
            assert_eq!(text(&told).contains(nobody), missing.is_some(), "{}", text(&told));
        }
    }

    #[test]
    fn what_is_wrong_with_an_answer_stands_beside_it() {
        let call = |status: u16, problem: Option<&str>| {
            json!({ "from": "10.0.0.1", "host": "cart.internal", "path": "/", "service": "cart:80", "carried": true,
                "served_by": "preview", "status": status, "problem": problem })
        };
        let calls =
            [call(0, Some("no answer: the caller went away")), call(302, Some("a login stopped it")), call(200, None)];
        let calls = calls.map(|call| from_value(call).unwrap()).into();
        let shown = text(&ProbeView { calls, ..told(&[("carried", None)], 1, &[]) });
        let ends = |end: &str| shown.lines().any(|line| line.ends_with(end));
        assert!(ends("  -       no answer: the caller went away"), "{shown}");
        assert!(ends("  302     a login stopped it") && ends("  200"), "{shown}");
    }

    #[test]
    fn what_other_gateways_may_have_seen_is_not_said_to_be_lost() {
        let one = told(&[("carried", None), ("unknown", None)], 1, &["10.1.2.3:8877: no reply within 5 s"]);
        let shown = text(&one);
        assert!(shown.contains("not seen here") && shown.contains("Not heard: 10.1.2.3:8877: no reply"), "{shown}");
        assert!(shown.starts_with("GET shop.example/: 200 (trace 6e1f)\n"), "{shown}");
        assert!(complaints(&one).concat().contains("--peers"));
        assert!(complaints(&told(&[("lost", None), ("unknown", None)], 1, &["x"])).concat().contains("baggage"));
        let all = text(&told(&[("not-seen", None)], 2, &[]));
        assert!(all.contains("(trace 6e1f, seen by 2 gateways)") && all.contains("not seen"), "{all}");
        assert!(!all.contains("Not heard"), "{all}");
    }
}

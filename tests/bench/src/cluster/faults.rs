//! Requests without a pause while the cluster is not as it should be.

use std::time::{Duration, Instant};

use nuncio_e2e::{Client, Gateway, Load, Outcome, Site, get};
use nuncio_test_support::Goal;
use serde_json::{Value, json};

use super::place::{Place, mapping};
use crate::loading::loaded;
use crate::table::Table;

const BAD: usize = 10_000;
const GOOD: usize = 100;
const OUTAGE: Duration = Duration::from_secs(60);

fn load(site: &Site) -> Load {
    Load::kept(&Client::http(site.http()), vec![get(&Place::host(0), "/0/"); 2], |reply| reply.status == 200)
}

fn add(table: &mut Table, what: &str, outcome: &Outcome, more: &str) {
    let failed = f64::from(u32::try_from(outcome.failed).unwrap_or(u32::MAX));
    let first = outcome.failures.first().map(|one| format!("; {one}")).unwrap_or_default();
    let beside = format!("of {} requests{more}{first}", outcome.sent);
    table.targeted(format!("requests failed: {what}"), failed, "", Goal::AtMost(0.0), beside);
}

/// Bad objects among good ones.
pub(super) async fn measure(table: &mut Table, place: &Place, site: &Site) {
    let bad = |n: usize| {
        let spec = match n % 3 {
            0 => json!({"hostname": "*", "prefix": format!("/bad/{n}/"), "service": "http://a b"}),
            1 => json!({"hostname": "*", "prefix": format!("/bad/{n}/("), "prefix_regex": true, "service": "x"}),
            _ => json!({"hostname": "*", "prefix": format!("/bad/{n}/"), "service": "x", "resolver": "nowhere"}),
        };
        nuncio_e2e::yaml::object("Mapping", &format!("bad-{n}"), spec)
    };
    let good = |n: usize| -> Value {
        let spec = json!({"hostname": format!("good-{n}.bench.example"), "prefix": "/", "service": place.upstream.to_string()});
        nuncio_e2e::yaml::object("Mapping", &format!("good-{n}"), spec)
    };
    let (load, begun) = (load(site), Instant::now());
    let all = (0..BAD).map(|n| (n, bad(n)));
    let mixed = all.flat_map(|(n, bad)| {
        let good = n.is_multiple_of(BAD / GOOD).then(|| good(n / (BAD / GOOD)));
        std::iter::once(bad).chain(good)
    });
    place.create(&mapping(), mixed).await;
    let (created, client) = (begun.elapsed(), Client::http(site.http()));
    loaded(async || {
        for n in 0..GOOD {
            let reply =
                client.send(&get(&format!("good-{n}.bench.example"), "/")).await.map_err(|error| error.to_string())?;
            if reply.status != 200 {
                return Err(format!("good-{n} answers {}", reply.status));
            }
        }
        Ok(())
    })
    .await;
    let behind = begun.elapsed().saturating_sub(created).as_secs_f64();
    let outcome = load.stop().await;
    let more = format!("; the good ones served {behind:.1} s after the last was created");
    add(table, &format!("{BAD} bad Mappings among {GOOD} good ones"), &outcome, &more);
}

/// The API server goes away for a minute, while nothing else happens.
pub(super) async fn measure_outage(table: &mut Table, mut place: Place, site: &Site, gateway: &Gateway<'_>) {
    let load = load(site);
    let revision = gateway.admin.revision().await;
    place.cluster.stop_api_server().await;
    tokio::time::sleep(OUTAGE).await;
    place.cluster.start_api_server().await;
    let begun = Instant::now();
    let patch = json!({"spec": {"add_response_headers": {"x-version": {"value": "back"}}}});
    place.patch(&place.api(&mapping()), "mapping-0", patch).await;
    let client = Client::http(site.http());
    loaded(async || {
        let reply = client.send(&get(&Place::host(0), "/0/")).await.map_err(|error| error.to_string())?;
        if reply.header("x-version") == Some("back") { Ok(()) } else { Err("the old version".to_owned()) }
    })
    .await;
    let caught = begun.elapsed().as_secs_f64();
    let changes = gateway.admin.revision().await - revision;
    let outcome = load.stop().await;
    let more = format!("; a change after it seen {caught:.1} s after the server was back, {changes} revisions");
    add(table, &format!("API server away for {} s", OUTAGE.as_secs()), &outcome, &more);
}

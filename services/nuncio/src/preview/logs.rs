//! What has happened to a preview, and what it is asked, line by line.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

use nuncio_controller::admin::PreviewEventView;
use nuncio_controller::time_text;
use serde_json::{Value, json};

use super::keeper::Keeper;
use super::{Preview, one, previews, understood};
use crate::cli::PreviewLogsArgs;
use crate::exit::{Outcome, print_text};

/// How often it is looked whether there is something new.
const LOOK: Duration = Duration::from_secs(1);

/// Prints what is known, and with `--follow` what comes after it, until the preview is gone.
pub(super) fn logs(args: &PreviewLogsArgs) -> Outcome {
    let keeper = Keeper::open(&args.named.place)?;
    let Preview { namespace, name, .. } = one(&keeper, &args.named.preview)?;
    let mut told = Told::default();
    while let Some(preview) = previews(keeper.list(Some(&namespace), Some(&name))?)?.pop() {
        let events: Vec<PreviewEventView> = understood(keeper.events(&namespace, &name)?)?;
        told.news(&events, &preview).iter().for_each(|line| print_text(&format!("{line}\n")));
        if !args.follow {
            return Ok(());
        }
        sleep(LOOK);
    }
    eprintln!("{namespace}/{name} is gone");
    Ok(())
}

/// What was printed.
#[derive(Debug, Default)]
struct Told {
    last: Option<PreviewEventView>,
    /// How many requests each service had got: of the preview, and of the baseline in its place.
    counts: BTreeMap<String, [u64; 2]>,
}

impl Told {
    /// The lines for what was not printed yet, by time. Events come with the last first.
    fn news(&mut self, events: &[PreviewEventView], preview: &Preview) -> Vec<String> {
        let new = events.iter().take_while(|event| self.last.as_ref() != Some(event)).collect::<Vec<_>>();
        let mut lines: Vec<_> = new.into_iter().rev().map(|it| (it.at, event(it))).collect();
        self.last = events.first().cloned().or(self.last.take());
        let (asked_at, at) = (preview.last_request, preview.last_request.map(time_text).unwrap_or_default());
        for service in &preview.services {
            let now = [service.requests, service.fallbacks].map(Option::unwrap_or_default);
            let before = self.counts.insert(service.baseline.clone(), now).unwrap_or_default();
            // An Envoy that was started anew counts from the beginning.
            let more = [0, 1].map(|at| if now[at] < before[at] { now[at] } else { now[at] - before[at] });
            let answered = [(more[0], &*service.backend), (more[1], "the baseline")];
            let asked = answered.into_iter().filter(|(more, _)| *more > 0);
            let told =
                |(more, by): (u64, &str)| line(&at, "requests", &format!("{}: {more} to {by}", service.baseline));
            lines.extend(asked.map(|asked| (asked_at.unwrap_or(u64::MAX), told(asked))));
        }
        lines.sort_by_key(|(at, _)| *at);
        lines.into_iter().map(|(_, line)| line).collect()
    }
}

fn event(event: &PreviewEventView) -> String {
    let kind = serde_json::to_value(event.kind).unwrap_or_default();
    line(&time_text(event.at), kind.as_str().unwrap_or_default(), &event.detail)
}

fn line(at: &str, what: &str, detail: &str) -> String {
    format!("{at:20}  {what:9}  {detail}").trim_end().to_owned()
}

/// The events in an answer of a gateway's diagnostics.
pub(super) fn of_details(mut page: Value) -> Value {
    page.pointer_mut("/items/0/events").map_or_else(|| json!([]), Value::take)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(at: u64, kind: &str, detail: &str) -> PreviewEventView {
        serde_json::from_value(json!({ "at": at, "kind": kind, "detail": detail })).unwrap()
    }

    fn counted(requests: Option<u64>, fallbacks: u64) -> Preview {
        serde_json::from_value(
            json!({ "namespace": "shop", "name": "tax", "access": "Public", "urls": [], "problems": [],
            "expires_at": null, "last_request": 60, "services": [
                { "baseline": "cart", "backend": "cart-2", "requests": requests, "fallbacks": fallbacks }] }),
        )
        .unwrap()
    }

    #[test]
    fn each_event_is_printed_once_and_requests_as_they_come() {
        let mut told = Told::default();
        let [made, live, fell] = [at(5, "created", ""), at(6, "live", ""), at(9, "fell-back", "cart")];
        let first = told.news(&[live.clone(), made.clone()], &counted(None, 0));
        assert_eq!(first, ["1970-01-01T00:00:05Z  created", "1970-01-01T00:00:06Z  live"]);
        assert!(told.news(&[live.clone(), made.clone()], &counted(Some(0), 0)).is_empty());
        let more = told.news(&[fell.clone(), live, made], &counted(Some(7), 2));
        assert_eq!(
            more,
            [
                "1970-01-01T00:00:09Z  fell-back  cart",
                "1970-01-01T00:01:00Z  requests   cart: 7 to cart-2",
                "1970-01-01T00:01:00Z  requests   cart: 2 to the baseline",
            ]
        );
        assert_eq!(
            told.news(std::slice::from_ref(&fell), &counted(Some(8), 2)),
            ["1970-01-01T00:01:00Z  requests   cart: 1 to cart-2"]
        );
        assert_eq!(told.news(&[fell], &counted(Some(3), 2)), ["1970-01-01T00:01:00Z  requests   cart: 3 to cart-2"]);
    }

    #[test]
    fn what_happened_after_the_last_request_is_told_after_it() {
        let events = [at(90, "ends-soon", ""), at(60, "live", ""), at(5, "created", "")];
        let told = Told::default().news(&events, &counted(Some(7), 0));
        let what: Vec<_> = told.iter().map(|line| line.split_whitespace().nth(1).unwrap()).collect();
        assert_eq!(what, ["created", "live", "requests", "ends-soon"], "{told:#?}");
    }

    #[test]
    fn details_of_none_have_no_events() {
        assert_eq!(of_details(json!({ "items": [] })), json!([]));
        assert_eq!(of_details(json!({ "items": [{ "events": [1] }] })), json!([1]));
    }
}

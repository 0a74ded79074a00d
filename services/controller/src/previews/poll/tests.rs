use nuncio_api::{Kind, Object};
use reqwest::StatusCode;
use std::sync::Arc;

use super::super::manifest::Manifest;
use super::super::pulls::Repository;
use super::*;

fn pull(api: &str, number: u64) -> PullRequest {
    PullRequest { repository: Repository { provider: None, api: api.into(), name: "acme/cart".into() }, number }
}

fn object(name: &str) -> Arc<Object> {
    let manifest = Manifest::new(ObjectId::new(Kind::Preview, "shop", name), BTreeMap::new());
    Arc::new(manifest.written(&manifest.text()).unwrap())
}

fn of(api: &str, number: u64) -> Of {
    let (repository, object) = (PreviewRepository::default(), object(&format!("pr-{number}")));
    Of { pull: pull(api, number), repository, token: String::new(), object, has_ended: false }
}

fn due(round: &mut Round, now: Instant) -> Vec<(String, u64)> {
    round.due(now).into_iter().map(|(pull, ..)| (pull.repository.api, pull.number)).collect()
}

fn told(is_closed: bool) -> Result<State, ForgeError> {
    Ok(State::Told { is_closed, updated: "2026-11-29T06:00:00Z".to_owned(), validator: Some("\"1\"".to_owned()) })
}

#[test]
fn each_api_is_asked_one_thing_at_a_time() {
    let (mut round, now) = (Round::default(), Instant::now());
    round.want([of("a", 1), of("a", 2), of("b", 1)].into_iter(), now);
    assert_eq!(due(&mut round, now), [("a".to_owned(), 1), ("b".to_owned(), 1)], "what was there before, at once");
    assert!(due(&mut round, now).is_empty(), "it has not answered yet");
    assert_eq!(round.note(&pull("a", 1), told(false), now), None);
    assert_eq!(due(&mut round, now), [("a".to_owned(), 2)]);
    round.want([of("a", 1), of("a", 3)].into_iter(), now);
    assert!(due(&mut round, now + EVERY).is_empty(), "whoever is asked about meanwhile");
    // Also what is not asked about any more frees its API.
    assert_eq!(round.note(&pull("a", 2), told(false), now), None);
    assert!(due(&mut round, now).is_empty(), "of what has begun since webhooks tell");
    assert_eq!(due(&mut round, now + EVERY), [("a".to_owned(), 1)]);
    assert_eq!(round.note(&pull("a", 1), told(false), now), None);
    assert_eq!(due(&mut round, now + EVERY), [("a".to_owned(), 3)]);
}

#[test]
fn a_forge_is_left_alone_when_it_says_so() {
    let (mut round, now) = (Round::default(), Instant::now());
    round.want([of("a", 1), of("a", 2)].into_iter(), now);
    due(&mut round, now);
    let wait = Duration::from_secs(60);
    let limit = ForgeError::TooOften { status: StatusCode::FORBIDDEN, wait };
    assert_eq!(round.note(&pull("a", 1), Err(limit), now), None);
    assert!(due(&mut round, now + wait / 2).is_empty());
    assert_eq!(due(&mut round, now + wait), [("a".to_owned(), 2)]);
}

#[test]
fn a_forge_is_left_alone_also_when_it_says_so_of_what_nobody_asks_about_any_more() {
    let (mut round, now) = (Round::default(), Instant::now());
    round.want([of("a", 1), of("a", 2)].into_iter(), now);
    assert_eq!(due(&mut round, now), [("a".to_owned(), 1)]);
    round.want([of("a", 2)].into_iter(), now);
    let wait = Duration::from_secs(60);
    let limit = ForgeError::TooOften { status: StatusCode::TOO_MANY_REQUESTS, wait };
    assert_eq!(round.note(&pull("a", 1), Err(limit), now), None);
    assert!(due(&mut round, now + wait / 2).is_empty());
    assert_eq!(due(&mut round, now + wait), [("a".to_owned(), 2)]);
}

#[test]
fn what_is_open_is_asked_about_by_its_validator() {
    let (mut round, now) = (Round::default(), Instant::now());
    let validator = |round: &mut Round, now| round.due(now).remove(0).2;
    round.want([of("a", 1)].into_iter(), now);
    assert_eq!(validator(&mut round, now), None);
    assert_eq!(round.note(&pull("a", 1), told(false), now), None);
    assert_eq!(validator(&mut round, now + EVERY).as_deref(), Some("\"1\""));
    assert_eq!(round.note(&pull("a", 1), Ok(State::Unchanged), now), None);
    assert_eq!(validator(&mut round, now + EVERY * 2).as_deref(), Some("\"1\""));
    assert_eq!(round.note(&pull("a", 1), Ok(State::Unchanged), now), None);
    // Another preview of it was not told of; and one that could not be ended is to be told of again.
    let other = Of { object: object("other"), ..of("a", 1) };
    round.want([of("a", 1), other].into_iter(), now);
    assert_eq!(validator(&mut round, now + EVERY * 3), None);
    assert!(round.note(&pull("a", 1), told(true), now).is_some());
    assert_eq!(validator(&mut round, now + EVERY * 4), None);
}

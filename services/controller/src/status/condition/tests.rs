//! Conditions of objects, by what is known of them.

use super::*;

fn status(holds: bool, message: &str) -> Status {
    Status {
        generation: 3,
        conditions: vec![Condition {
            kind: ConditionType::Accepted,
            holds,
            reason: "Accepted",
            message: message.to_owned(),
        }],
        legacy: Some(Legacy { state: "Running", field: "reason", why: String::new() }),
        legacy_only: false,
        shared: false,
        yields: false,
        ingress: None,
        rules: Vec::new(),
        preview: PreviewFacts::default(),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn a_time_is_kept_as_long_as_the_status_is_the_same() {
    let first = status(true, "one").render(&Seen::default(), at(1_700_000_000));
    assert_eq!(first["conditions"][0]["lastTransitionTime"], "2023-11-14T22:13:20Z");
    let seen = Seen::read(Kind::Mapping, &first);
    let reworded = status(true, "two").render(&seen, at(1_700_000_100));
    assert_eq!(reworded["conditions"][0]["lastTransitionTime"], "2023-11-14T22:13:20Z");
    assert!(!Seen::read(Kind::Mapping, &reworded).says(&seen), "another message is another status");
    let flipped = status(false, "two").render(&seen, at(1_700_000_100));
    assert_eq!(flipped["conditions"][0]["lastTransitionTime"], "2023-11-14T22:15:00Z");
}

#[test]
fn a_preview_says_where_it_is_and_until_when() {
    let url = PreviewUrl {
        entrypoint: "web".to_owned(),
        baseline: "shop.example".into(),
        url: "https://x/".to_owned(),
        selector: None,
    };
    let fingerprint = Some("00ff00ff".to_owned());
    let used = |requests: u64| Used { requests, fallbacks: 1, last_used_at: None, since: "then".to_owned() };
    let preview = PreviewFacts {
        urls: vec![url],
        expires_at: Some(1_700_000_000),
        key_fingerprint: fingerprint,
        traffic: Some(used(7)),
    };
    let more = PreviewFacts { traffic: Some(used(8)), ..preview.clone() };
    let more = Status { preview: more, ..status(true, "") }.render(&Seen::default(), at(5));
    let shown = Status { preview, ..status(true, "") }.render(&Seen::default(), at(5));
    assert_eq!(shown["urls"], json!([{ "entrypoint": "web", "url": "https://x/" }]));
    assert_eq!((&shown["expiresAt"], &shown["keyFingerprint"]), (&json!("2023-11-14T22:13:20Z"), &json!("00ff00ff")));
    assert_eq!(shown["traffic"], json!({ "requests": 7, "fallbacks": 1, "since": "then" }));
    assert!(!Seen::read(Kind::Preview, &more).says(&Seen::read(Kind::Preview, &shown)));
    let extended = Status {
        preview: PreviewFacts { expires_at: Some(1_700_000_001), ..PreviewFacts::default() },
        ..status(true, "")
    };
    let extended = extended.render(&Seen::default(), at(5));
    assert!(!Seen::read(Kind::Preview, &extended).says(&Seen::read(Kind::Preview, &shown)));
}

#[test]
fn what_others_write_does_not_count() {
    let mut theirs = status(true, "one").render(&Seen::default(), at(5));
    let seen = Seen::read(Kind::Mapping, &theirs);
    theirs["conditions"].as_array_mut().unwrap().insert(0, json!({"type": "Theirs", "status": "True"}));
    theirs["other"] = json!(7);
    theirs["conditions"][1]["lastTransitionTime"] = json!("1999-01-01T00:00:00Z");
    assert!(Seen::read(Kind::Mapping, &theirs).says(&seen));
    theirs["state"] = json!("Inactive");
    assert!(!Seen::read(Kind::Mapping, &theirs).says(&seen));
    assert!(!Seen::read(Kind::Mapping, &Value::Null).says(&seen));
}

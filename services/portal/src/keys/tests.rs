use std::fs;
use std::os::unix::fs::PermissionsExt;

use nuncio_auth::Request;
use nuncio_auth::api_key::{ApiKeys, Found};
use serde_json::{Value, json};

use super::*;

fn person(subject: &str) -> Identity {
    let issuer = "https://idp.example".to_owned();
    Identity { subject: subject.to_owned(), issuer, groups: Vec::new(), realm: None, assertion: "".into() }
}

async fn open(path: &std::path::Path) -> Result<Keys, KeysError> {
    Keys::open(&Place::File(path.to_owned()), None).await
}

/// Whose key a Filter takes it for that reads the file.
fn taken(path: &std::path::Path, secret: &str) -> Found {
    let manifest: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let digests = manifest["stringData"].as_object().unwrap().iter();
    let keys: Vec<_> = digests.map(|(owner, digest)| json!({ "owner": owner, "secret": digest })).collect();
    let filter = json!({ "sources": [{ "header": "x-api-key" }], "keys": keys });
    let filter = ApiKeys::new(&serde_json::from_value(filter).unwrap()).unwrap();
    let mut request = Request::new("GET", "http", "a", "/");
    request.add_header("x-api-key", secret.as_bytes());
    filter.find(&mut request, false)
}

#[tokio::test]
async fn a_key_is_good_until_it_is_rotated_or_revoked_and_never_written_down() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.yaml");
    let (ann, bob) = (person("ann@shop.example"), person("bob"));
    let keys = open(&path).await.unwrap();
    assert_eq!(taken(&path, "nuncio_"), Found::Unknown, "the Secret is there before any key");
    let first = keys.create(&ann, " laptop ").await.unwrap();
    assert_eq!(taken(&path, &first.secret), Found::Owner(first.id.as_str().into()));
    assert!(
        first.id.starts_with("annshopexample-") && first.id.matches('-').count() == 2 && first.secret.len() > 40,
        "{first:?}"
    );
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains(&first.secret) && text.contains("sha256:"), "{text}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    // Another portal, later.
    let keys = open(&path).await.unwrap();
    assert_eq!(keys.of(&ann).await.unwrap()[0].1.name, "laptop");
    assert!(
        keys.of(&bob).await.unwrap().is_empty()
            && keys.of(&Identity { issuer: "other".into(), ..ann.clone() }).await.unwrap().is_empty()
    );
    assert!(matches!(keys.rotate(&bob, &first.id).await, Err(KeysError::Unknown)));
    assert!(matches!(keys.revoke(&bob, &first.id).await, Err(KeysError::Unknown)));
    let second = keys.rotate(&ann, &first.id).await.unwrap();
    assert_eq!(taken(&path, &first.secret), Found::Unknown);
    assert_eq!(taken(&path, &second.secret), Found::Owner(first.id.as_str().into()));
    keys.revoke(&ann, &first.id).await.unwrap();
    assert_eq!(taken(&path, &second.secret), Found::Unknown);
    assert!(keys.of(&ann).await.unwrap().is_empty());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing lies about");
}

#[tokio::test]
async fn who_is_called_the_same_elsewhere_has_other_ids() {
    let whose = |subject: &str, issuer: &str| {
        let id = id(&Identity { issuer: issuer.to_owned(), ..person(subject) });
        id.rsplit_once('-').unwrap().0.to_owned()
    };
    let ann = whose("ann", "https://a.example");
    assert_eq!(ann, whose("ann", "https://a.example"));
    for other in [whose("ann", "https://b.example"), whose("a-n-n", "https://a.example")] {
        assert!(other.starts_with("ann-") && other != ann, "{other}");
    }
    assert!(whose("é", "").starts_with("key-"));
}

#[tokio::test]
async fn a_key_keeps_its_place_when_it_is_rotated() {
    let directory = tempfile::tempdir().unwrap();
    let (keys, ann) = (open(&directory.path().join("keys.yaml")).await.unwrap(), person("ann"));
    let names = async || keys.of(&ann).await.unwrap().into_iter().map(|(_, key)| key.name).collect::<Vec<_>>();
    let first = keys.create(&ann, "first").await.unwrap();
    keys.create(&ann, "second").await.unwrap();
    let before = keys.find(&ann, &first.id).await.unwrap();
    keys.rotate(&ann, &first.id).await.unwrap();
    assert_eq!(names().await, ["first", "second"]);
    assert!(keys.find(&ann, &first.id).await.unwrap().since > before.since, "it is told since when it is another");
    assert!(matches!(keys.find(&person("bob"), &first.id).await, Err(KeysError::Unknown)));
}

#[tokio::test]
async fn a_new_key_is_handed_over_by_its_owners_browser_to_any_portal_that_has_the_secret() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.yaml");
    let (keys, ann) = (open(&path).await.unwrap(), person("ann"));
    let new = keys.create(&ann, "laptop").await.unwrap();
    let (sealed, other) = (new.sealed(), open(&path).await.unwrap());
    assert!(!sealed.contains(&new.secret) && sealed != new.sealed(), "{sealed}");
    assert_eq!(other.opened(&ann, ["x", &sealed]).await.unwrap().unwrap().secret, new.secret);
    assert!(other.opened(&person("bob"), [&*sealed]).await.unwrap().is_none(), "it is not his");
    for wrong in ["", ".", &new.id, &format!("{}.", new.id), &sealed[..sealed.len() - 2], &format!("x{sealed}")] {
        assert!(other.opened(&ann, [wrong]).await.unwrap().is_none(), "{wrong}");
    }
    keys.rotate(&ann, &new.id).await.unwrap();
    assert!(other.opened(&ann, [&*sealed]).await.unwrap().is_none(), "it is good no longer");
}

#[tokio::test]
async fn what_cannot_be_a_key_says_why_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.yaml");
    let (keys, ann) = (open(&path).await.unwrap(), person("ann"));
    for name in ["", "  ", "a\nb", &"x".repeat(61)] {
        assert!(matches!(keys.create(&ann, name).await, Err(KeysError::Name)), "{name:?}");
    }
    for count in 0..MOST {
        keys.create(&ann, &count.to_string()).await.unwrap();
    }
    assert!(matches!(keys.create(&ann, "more").await, Err(KeysError::TooMany)));
    keys.create(&person("bob"), "another's").await.unwrap();

    fs::write(&path, "kind: Mapping\n").unwrap();
    assert!(matches!(keys.create(&ann, "x").await, Err(KeysError::Unreadable(..))));
    assert!(matches!(open(&path).await, Err(KeysError::Unreadable(..))));
    assert_eq!(fs::read_to_string(&path).unwrap(), "kind: Mapping\n", "what somebody else wrote stays");
    assert!(matches!(open(&directory.path().join("nowhere/keys.yaml")).await, Err(KeysError::File(..))));
}

#[tokio::test]
async fn how_often_keys_were_used_is_asked_of_the_gateway() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let told = axum::routing::get(async |uri: http::Uri| {
        assert_eq!(uri.query(), Some("ids=ann-1,bob-2"));
        axum::Json(json!({ "ann-1": { "count": 3, "last": 7 } }))
    });
    let controller = axum::Router::new().route("/api/v1/key-uses", told);
    let controller = tokio::spawn(async { axum::serve(listener, controller).await.unwrap() });
    let directory = tempfile::tempdir().unwrap();
    let place = Place::File(directory.path().join("keys.yaml"));
    let keys = Keys::open(&place, Some(Uses::Of(Admin::new(&address.to_string()).unwrap()))).await.unwrap();
    let used = keys.used(&["ann-1", "bob-2"]).await;
    assert_eq!(used, BTreeMap::from([("ann-1".to_owned(), KeyUse { count: 3, last: 7 })]));
    controller.abort();
    assert!(controller.await.is_err());
    assert!(keys.used(&["ann-1", "bob-2"]).await.is_empty(), "a page is of use without");

    // One that takes connections and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let admin = Admin::new(&silent.local_addr().unwrap().to_string()).unwrap();
    let keys = Keys::open(&place, Some(Uses::Of(admin))).await.unwrap();
    let began = std::time::Instant::now();
    assert!(keys.used(&["ann-1"]).await.is_empty() && began.elapsed().as_secs() < 5);
}

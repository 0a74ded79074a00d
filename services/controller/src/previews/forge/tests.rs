use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, Uri};
use axum::response::IntoResponse;
use tokio::net::TcpListener;

use super::*;

/// What a forge was asked: the path, and the validator.
type Asked = Arc<Mutex<Vec<(String, Option<String>)>>>;

/// Answers with the same validator as long as nothing changes.
async fn answer(Shared(asked): Shared<Asked>, uri: Uri, headers: HeaderMap) -> axum::response::Response {
    let known = headers.get("if-none-match").map(|it| it.to_str().unwrap().to_owned());
    assert_eq!(headers["via"], nuncio_auth::VIA);
    asked.lock().unwrap().push((uri.path().to_owned(), known.clone()));
    if known.as_deref() == Some("W/\"7\"") {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let body = json!({ "state": "merged", "updated_at": "2026-11-29T06:00:00.000Z", "title": "Fix" }).to_string();
    ([("etag", "W/\"7\""), ("content-type", "application/json")], body).into_response()
}

#[tokio::test]
async fn what_has_not_changed_is_not_told_again() {
    let asked = Asked::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(Arc::clone(&asked));
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let client = client().unwrap();
    for (provider, path) in
        [(Forge::GitHub, "/repos/acme/cart/issues/42"), (Forge::GitLab, "/projects/acme%2Fcart/merge_requests/42")]
    {
        let repository = PreviewRepository {
            provider: Some(provider),
            name: "acme/cart".to_owned(),
            api: Some(api.clone()),
            ..PreviewRepository::default()
        };
        let pull = Pull { client: &client, repository: &repository, token: "a test's own", number: 42 };
        let State::Told { is_closed, updated, validator } = pull.state(None).await.unwrap() else { panic!() };
        assert_eq!((is_closed, &*updated), (true, "2026-11-29T06:00:00.000Z"));
        assert_eq!(pull.state(validator.as_deref()).await.unwrap(), State::Unchanged);
        let told = std::mem::take(&mut *asked.lock().unwrap());
        assert_eq!(told, [(path.to_owned(), None), (path.to_owned(), validator)]);
    }
    serving.abort();
}

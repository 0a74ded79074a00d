//! What forges send when a pull request is opened, changed or closed. Anybody can send something: until the controller has looked
//! at the signature it has a place among a few, and little time.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Serialize;
use tokio::sync::Semaphore;

use super::model::Changed;
use super::problem::ProblemDetails;
use crate::web::Site;

/// The largest delivery; those of pull requests are a tenth of it.
const MAX_BODY: usize = 1 << 20;
/// How many are under way at once, and how long one may take to come.
const MOST_AT_ONCE: usize = 64;
const PATIENCE: Duration = Duration::from_secs(10);

/// Where forges send to.
pub(super) fn router() -> Router<Site> {
    at_most(MOST_AT_ONCE, Router::new().route("/webhooks/{provider}", post(receive)))
}

/// The same, with so many places.
fn at_most<S: Clone + Send + Sync + 'static>(most: usize, router: Router<S>) -> Router<S> {
    let places = Arc::new(Semaphore::new(most));
    router.layer(DefaultBodyLimit::max(MAX_BODY)).layer(from_fn_with_state(places, admit))
}

/// Lets a request in where there is a place, before anything of its body is read.
async fn admit(State(places): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    let Ok(_place) = places.try_acquire() else {
        let why = "too many deliveries of webhooks are under way: send it again";
        return ProblemDetails::new(StatusCode::SERVICE_UNAVAILABLE, why).into_response();
    };
    next.run(request).await
}

/// The body, if it comes soon and is short.
async fn body_of(request: Request) -> Result<String, ProblemDetails> {
    match tokio::time::timeout(PATIENCE, String::from_request(request, &())).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(wrong)) => Err(ProblemDetails::new(wrong.status(), wrong.body_text())),
        Err(_) => {
            let why = format!("the body has not come within {} s", PATIENCE.as_secs());
            Err(ProblemDetails::new(StatusCode::REQUEST_TIMEOUT, why))
        }
    }
}

/// What a forge sent, as it came.
#[derive(Serialize)]
struct Delivery<'a> {
    provider: &'a str,
    event: &'a str,
    signature: &'a str,
    body: &'a str,
}

async fn receive(
    State(site): State<Site>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Json<Changed>, ProblemDetails> {
    let (event, signature) = match &*provider {
        "github" => ("x-github-event", "x-hub-signature-256"),
        "gitlab" => ("x-gitlab-event", "x-gitlab-token"),
        _ => return Err(ProblemDetails::new(StatusCode::NOT_FOUND, "webhooks are those of github and gitlab")),
    };
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if text("content-type").starts_with("application/x-www-form-urlencoded") {
        let why = "choose application/json as the content type of the webhook";
        return Err(ProblemDetails::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    let body = body_of(request).await?;
    let delivery = Delivery { provider: &provider, event: text(event), signature: text(signature), body: &body };
    let (status, answer) = site.console.admin.relay("/api/v1/preview-hook", &delivery).await?;
    if !status.is_success() {
        return Err(ProblemDetails::of(status, &answer));
    }
    let changed = serde_json::from_slice(&answer);
    changed.map(Json).map_err(|error| ProblemDetails::new(StatusCode::BAD_GATEWAY, error.to_string()))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use tokio::sync::Notify;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn who_finds_no_place_is_told_to_come_again() {
        let (begun, end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let wait = {
            let (begun, end) = (Arc::clone(&begun), Arc::clone(&end));
            move |request: Request| async move {
                begun.notify_one();
                end.notified().await;
                body_of(request).await
            }
        };
        let router = at_most(1, Router::new().route("/webhooks/github", post(wait)));
        let ask = |body: String| {
            let request = Request::post("/webhooks/github").body(Body::from(body)).unwrap();
            router.clone().oneshot(request)
        };
        let first = tokio::spawn(ask("{}".to_owned()));
        begun.notified().await;
        let refused = ask("{}".to_owned()).await.unwrap();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.headers()["retry-after"], "5");
        end.notify_one();
        assert_eq!(first.await.unwrap().unwrap().status(), StatusCode::OK);
        // Its place is free again; and what is too long is read no further.
        end.notify_one();
        assert_eq!(ask("x".repeat(MAX_BODY + 1)).await.unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
}

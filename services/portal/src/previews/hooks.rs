//! What forges send when a pull request is opened, changed or closed. Anybody can send something: until the controller has looked
//! at the signature it holds up no others for long. A body that is slow to come makes room for those that are not; what has
//! come waits for its turn, since few forges send again what was refused.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, FromRequest, Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Extension, Json, Router};
use serde::Serialize;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};
use tokio::time::Instant;

use super::model::Changed;
use super::problem::ProblemDetails;
use crate::gateway::Admin;
use crate::web::Site;

/// The largest delivery; those of pull requests are a tenth of it. All that is held at once, by whomever it was sent, is three times
/// 64 MiB: what is coming, what waits with what is told, and how it is told.
const MAX_BODY: usize = 512 << 10;
/// How many bodies may be coming at once, and how long one may take.
const MOST_COMING: usize = 128;
const PATIENCE: Duration = Duration::from_secs(10);
/// How many the controller is told at once, how many wait for that, and how long. Forges wait for ten seconds.
const MOST_AT_ONCE: usize = 64;
const MOST_WAITING: usize = 64;
const WAIT: Duration = Duration::from_secs(4);
/// How long what has come may take until it is answered. The controller begins nothing that has waited there for four seconds, so
/// what it has begun has a second at least.
const ANSWER: Duration = Duration::from_secs(9);

/// Where forges send to.
pub(super) fn router() -> Router<Site> {
    let places = Places::new(MOST_COMING, MOST_AT_ONCE, WAIT);
    with_places(places, Router::new().route("/webhooks/{provider}", post(receive)))
}

/// The same, with so many places.
fn with_places<S: Clone + Send + Sync + 'static>(places: Places, router: Router<S>) -> Router<S> {
    router.layer(DefaultBodyLimit::max(MAX_BODY)).layer(Extension(Arc::new(places)))
}

/// Places for what is under way, of three kinds. None of them can be another's: a body that is slow has to go where others
/// come, one that has come must not.
#[derive(Debug)]
struct Places {
    /// Of what has not come yet: bounds the memory that slow bodies hold.
    coming: Mutex<Coming>,
    most_coming: usize,
    /// Of what has come and waits: bounds the memory that a flood holds, in which everything comes soon.
    waiting: Semaphore,
    /// Of what the controller looks at: bounds the threads that it spends on what nobody may have signed. It has fewer places
    /// of its own, for what is signed; the others here are for telling which that is.
    told: Semaphore,
    wait: Duration,
}

/// Bodies that are coming, in the order in which they began, each with what has it go when it is dropped.
#[derive(Debug, Default)]
struct Coming {
    next: u64,
    bodies: BTreeMap<u64, oneshot::Sender<()>>,
}

/// A body that is coming.
#[derive(Debug)]
struct Seat<'p> {
    places: &'p Places,
    number: u64,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.places.coming().bodies.remove(&self.number);
    }
}

impl Places {
    fn new(most_coming: usize, most_at_once: usize, wait: Duration) -> Self {
        let (waiting, told) = (Semaphore::new(MOST_WAITING), Semaphore::new(most_at_once));
        Self { coming: Mutex::default(), most_coming, waiting, told, wait }
    }

    fn coming(&self) -> MutexGuard<'_, Coming> {
        self.coming.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a body. Where there are too many, the one that has been coming for longest has to go: a forge's takes a moment,
    /// in which as many others would have to begin.
    fn seat(&self) -> (Seat<'_>, oneshot::Receiver<()>) {
        let (stay, gone) = oneshot::channel();
        let mut coming = self.coming();
        let number = coming.next;
        coming.next += 1;
        coming.bodies.insert(number, stay);
        if coming.bodies.len() > self.most_coming {
            coming.bodies.pop_first();
        }
        (Seat { places: self, number }, gone)
    }

    /// The body, if it comes soon and is short.
    async fn body_of(&self, request: Request) -> Result<String, ProblemDetails> {
        let (_seat, gone) = self.seat();
        let body = tokio::time::timeout(PATIENCE, String::from_request(request, &()));
        let came = tokio::select! {
            biased;
            came = body => came,
            _ = gone => return Err(too_many()),
        };
        match came {
            // No JSON has those as they are, and each would be told in six bytes.
            Ok(Ok(body)) if body.contains(|it: char| it < ' ' && !it.is_ascii_whitespace()) => {
                Err(ProblemDetails::new(StatusCode::BAD_REQUEST, "the body is no JSON: it has control characters"))
            }
            Ok(Ok(body)) => Ok(body),
            Ok(Err(wrong)) => Err(ProblemDetails::new(wrong.status(), wrong.body_text())),
            Err(_) => {
                let why = format!("the body has not come within {} s", PATIENCE.as_secs());
                Err(ProblemDetails::new(StatusCode::REQUEST_TIMEOUT, why))
            }
        }
    }

    /// A place among those that the controller is told of, as soon as there is one.
    async fn place(&self) -> Result<SemaphorePermit<'_>, ProblemDetails> {
        let _waiting = self.waiting.try_acquire().map_err(|_| too_many())?;
        match tokio::time::timeout(self.wait, self.told.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(too_many()),
        }
    }
}

fn too_many() -> ProblemDetails {
    let why = "too many deliveries of webhooks are under way: send it again";
    ProblemDetails::new(StatusCode::SERVICE_UNAVAILABLE, why)
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
    Extension(places): Extension<Arc<Places>>,
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
    let body = places.body_of(request).await?;
    let end = Instant::now() + ANSWER;
    let _place = places.place().await?;
    let delivery = Delivery { provider: &provider, event: text(event), signature: text(signature), body: &body };
    tell(&site.console.admin, &delivery, end).await
}

/// What comes of a delivery, if the controller says so in time.
async fn tell(admin: &Admin, delivery: &Delivery<'_>, end: Instant) -> Result<Json<Changed>, ProblemDetails> {
    let Ok(told) = tokio::time::timeout_at(end, admin.relay("/api/v1/preview-hook", delivery)).await else {
        let why = "the gateway has not handled it in time: send it again, which does nothing twice";
        return Err(ProblemDetails::new(StatusCode::SERVICE_UNAVAILABLE, why));
    };
    let (status, answer) = told?;
    if !status.is_success() {
        return Err(ProblemDetails::of(status, &answer));
    }
    let changed = serde_json::from_slice(&answer);
    changed.map(Json).map_err(|error| ProblemDetails::new(StatusCode::BAD_GATEWAY, error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::Body;
    use axum::response::IntoResponse;
    use bytes::Bytes;
    use futures_util::stream;
    use tokio::net::TcpListener;
    use tower::ServiceExt;

    use super::*;

    fn delivery(body: impl Into<Body>) -> Request {
        Request::post("/webhooks/github").body(body.into()).unwrap()
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_makes_room_for_those_that_do() {
        let places = Arc::new(Places::new(2, 1, WAIT));
        let hold = || {
            let (places, never) = (Arc::clone(&places), stream::pending::<Result<Bytes, Infallible>>());
            tokio::spawn(async move { places.body_of(delivery(Body::from_stream(never))).await })
        };
        let (first, second) = (hold(), hold());
        while places.coming().bodies.len() < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(places.body_of(delivery("{}")).await.unwrap(), "{}");
        assert_eq!(first.await.unwrap().unwrap_err().code(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(!second.is_finished());
        assert_eq!(places.body_of(delivery("{}")).await.unwrap(), "{}", "there is room now");
        assert!(!second.is_finished());
        second.abort();
    }

    #[tokio::test]
    async fn what_has_come_waits_for_a_place_and_not_for_ever() {
        let places = Places::new(1, 1, PATIENCE);
        let held = places.place().await.unwrap();
        let (waited, ()) = tokio::join!(places.place(), async {
            tokio::task::yield_now().await;
            drop(held);
        });
        drop(waited.unwrap());
        let places = Places::new(1, 1, Duration::from_millis(20));
        let held = places.place().await.unwrap();
        let refused = places.place().await.unwrap_err().into_response();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.headers()["retry-after"], "5");
        drop(held);
        drop(places.place().await.unwrap());
    }

    #[tokio::test]
    async fn what_the_controller_does_not_answer_in_time_is_to_be_sent_again() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let admin = Admin::new(&silent.local_addr().unwrap().to_string()).unwrap();
        let delivery = Delivery { provider: "github", event: "pull_request", signature: "", body: "{}" };
        let late = tell(&admin, &delivery, Instant::now() + Duration::from_millis(20)).await.unwrap_err();
        let late = late.into_response();
        assert_eq!(late.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(late.headers()["retry-after"], "5");
    }

    #[tokio::test]
    async fn what_is_too_long_is_read_no_further() {
        let read =
            |Extension(places): Extension<Arc<Places>>, request: Request| async move { places.body_of(request).await };
        let router: Router = with_places(Places::new(1, 1, WAIT), Router::new().route("/webhooks/github", post(read)));
        for (length, status) in [(MAX_BODY, StatusCode::OK), (MAX_BODY + 1, StatusCode::PAYLOAD_TOO_LARGE)] {
            let reply = router.clone().oneshot(delivery("x".repeat(length))).await.unwrap();
            assert_eq!(reply.status(), status, "{length}");
        }
    }

    #[tokio::test]
    async fn what_grows_when_it_is_told_is_not() {
        let places = Places::new(1, 1, WAIT);
        assert_eq!(places.body_of(delivery("{\r\n\t\"a\": \"\u{7f}\"}")).await.unwrap(), "{\r\n\t\"a\": \"\u{7f}\"}");
        let refused = places.body_of(delivery("{\"a\": \"\u{1}\"}")).await.unwrap_err();
        assert_eq!(refused.code(), StatusCode::BAD_REQUEST);
    }
}

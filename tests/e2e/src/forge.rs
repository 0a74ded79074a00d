//! A forge, as far as the gateway knows one: how a pull request is and comments on it, by what GitHub and GitLab document of
//! their APIs.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use serde_json::{Value, json};

use crate::{Site, eventually};

/// The token that it takes.
pub const TOKEN: &str = "a test's own token";

/// A pull request: its repository, and its number there.
pub type PullRequest = (&'static str, u64);

/// The pull requests that there are. That of the stand-ins' usual tests is the first.
pub const PULL_REQUESTS: [PullRequest; 3] = [("acme/cart", 42), ("acme/cart", 43), ("acme/web", 42)];

/// A forge with a few pull requests, whose comments it keeps.
#[derive(Debug)]
pub struct Forge {
    /// Where it is.
    pub address: SocketAddr,
    /// What it knows.
    pub state: Arc<Mutex<State>>,
    /// Whose requests are not answered for now.
    held: watch::Sender<Option<&'static str>>,
    _task: AbortOnDropHandle<()>,
}

/// Who the token is of.
pub const OWN: u64 = 7;

/// A comment.
#[derive(Clone, Debug)]
pub struct Comment {
    /// Where it stands.
    pub of: PullRequest,
    /// Later ones have greater ones.
    pub id: u64,
    /// Who wrote it.
    pub author: u64,
    /// What it says.
    pub body: String,
}

/// What a forge knows.
#[derive(Debug, Default)]
pub struct State {
    /// By id, the oldest first.
    pub comments: Vec<Comment>,
    /// What was asked in a way that the documentation does not have.
    pub wrong: Vec<String>,
    /// Pull requests that are closed: the others are open.
    pub closed: BTreeSet<PullRequest>,
    /// When pull requests were changed last.
    pub updated: String,
    /// How often it was asked how a pull request is.
    pub asked: usize,
    /// It fails.
    pub is_down: bool,
    /// How many comments were written, and how many were changed.
    pub changes: [usize; 2],
}

impl Forge {
    /// One with so many comments of others at its first pull request, which speaks as `provider` does.
    pub async fn start(site: &Site, provider: &'static str, others: u64) -> Self {
        let listener = TcpListener::bind((site.ip(), 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let others =
            (1..=others).map(|id| Comment { of: PULL_REQUESTS[0], id, author: 1, body: format!("comment {id}") });
        let state = Arc::new(Mutex::new(State { comments: others.collect(), ..State::default() }));
        let shared = Arc::clone(&state);
        let (held, holding) = watch::channel(None);
        let serve = async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (state, holding) = (Arc::clone(&shared), holding.clone());
                let answer = service_fn(move |request| answer(provider, Arc::clone(&state), holding.clone(), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
            }
        };
        Self { address, state, held, _task: AbortOnDropHandle::new(tokio::spawn(serve)) }
    }

    /// Has requests for a repository wait, or no longer those of any.
    pub fn hold(&self, repository: Option<&'static str>) {
        self.held.send_replace(repository);
    }

    /// The gateway's comment on the first pull request, once it says so.
    pub async fn says(&self, what: &str) -> String {
        self.says_at(PULL_REQUESTS[0], what).await
    }

    /// The one comment of the gateway on a pull request, once it says so.
    pub async fn says_at(&self, of: PullRequest, what: &str) -> String {
        eventually(&format!("a comment on {of:?} that says {what}"), async || match &self.own(of)[..] {
            [comment] if comment.contains(what) => Ok(comment.clone()),
            other => Err(format!("{other:?}")),
        })
        .await
    }

    /// The gateway's comments on a pull request.
    pub fn own(&self, of: PullRequest) -> Vec<String> {
        let state = self.state.lock().unwrap();
        assert!(state.wrong.is_empty(), "{:?}", state.wrong);
        let ours = state.comments.iter().filter(|comment| comment.of == of && comment.author == OWN);
        ours.map(|comment| comment.body.clone()).collect()
    }
}

/// What a request is about.
enum Place {
    /// The account of the token.
    User,
    /// A pull request itself.
    Pull(PullRequest),
    /// All comments on a pull request.
    All(PullRequest),
    /// One comment, whose pull request GitHub does not name.
    One { repository: &'static str, id: u64 },
}

// GitHub: docs.github.com/rest/issues/issues ("every pull request is an issue") and /comments. GitLab:
// docs.gitlab.com/api/merge_requests and /notes.
fn place(provider: &str, path: &str) -> Option<Place> {
    if path == "/api/user" {
        return Some(Place::User);
    }
    PULL_REQUESTS.into_iter().find_map(|of @ (repository, number)| {
        let (all, one) = match provider {
            "github" => {
                let below = format!("/api/repos/{repository}/issues");
                (format!("{below}/{number}/comments"), format!("{below}/comments/"))
            }
            _ => {
                let all = format!("/api/projects/{}/merge_requests/{number}/notes", repository.replace('/', "%2F"));
                (all.clone(), all + "/")
            }
        };
        let itself = all.rsplit_once('/').map(|(itself, _)| itself);
        if itself == Some(path) {
            return Some(Place::Pull(of));
        }
        let id = path.strip_prefix(&one).and_then(|id| id.parse().ok());
        id.map(|id| Place::One { repository, id }).or((path == all).then_some(Place::All(of)))
    })
}

impl Place {
    fn repository(&self) -> Option<&'static str> {
        match self {
            Self::User => None,
            Self::Pull((repository, _)) | Self::All((repository, _)) | Self::One { repository, .. } => Some(repository),
        }
    }
}

async fn answer(
    provider: &str,
    state: Arc<Mutex<State>>,
    mut holding: watch::Receiver<Option<&'static str>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let place = place(provider, head.uri.path());
    let repository = place.as_ref().and_then(Place::repository);
    // Where the sender is gone, the test is over.
    drop(holding.wait_for(|held| held.is_none() || *held != repository).await);
    let mut state = state.lock().unwrap();
    if state.is_down {
        return Ok(reply(StatusCode::BAD_GATEWAY, &json!({})));
    }
    if !is_known(provider, &head.headers) {
        state.wrong.push(format!("headers: {:?}", head.headers));
        return Ok(reply(StatusCode::UNAUTHORIZED, &json!({ "message": "Bad credentials" })));
    }
    let text = || serde_json::from_slice::<Value>(&body).ok()?["body"].as_str().map(str::to_owned);
    let change = if provider == "github" { Method::PATCH } else { Method::PUT };
    match (&head.method, place, text()) {
        (&Method::GET, Some(Place::User), _) => Ok(reply(StatusCode::OK, &json!({ "id": OWN }))),
        (&Method::GET, Some(Place::Pull(of)), _) => {
            state.asked += 1;
            let closed = if provider == "github" { "closed" } else { "merged" };
            let open = if provider == "github" { "open" } else { "opened" };
            let told = if state.closed.contains(&of) { closed } else { open };
            let tag = format!("W/\"{told}\"");
            if head.headers.get("if-none-match").is_some_and(|known| *known == *tag) {
                return Ok(reply(StatusCode::NOT_MODIFIED, &Value::Null));
            }
            let mut reply = reply(StatusCode::OK, &json!({ "state": told, "updated_at": state.updated }));
            reply.headers_mut().insert("etag", tag.parse().unwrap());
            Ok(reply)
        }
        (&Method::GET, Some(Place::All(of)), _) => {
            let writer = if provider == "github" { "user" } else { "author" };
            let told = |it: &Comment| json!({ "id": it.id, "body": it.body, writer: { "id": it.author } });
            let comments: Vec<_> = page(&state, of, head.uri.query().unwrap_or_default()).map(told).collect();
            Ok(reply(StatusCode::OK, &json!(comments)))
        }
        (&Method::POST, Some(Place::All(of)), Some(body)) => {
            let id = state.comments.iter().map(|comment| comment.id).max().map_or(1, |last| last + 1);
            state.comments.push(Comment { of, id, author: OWN, body });
            state.changes[0] += 1;
            Ok(reply(StatusCode::CREATED, &json!({ "id": id, "body": "" })))
        }
        (method, Some(Place::One { repository, id }), Some(body)) if *method == change => {
            let found = state.comments.iter_mut().find(|it| it.id == id && it.of.0 == repository);
            let Some(comment) = found else { return Ok(reply(StatusCode::NOT_FOUND, &json!({}))) };
            comment.body = body;
            state.changes[1] += 1;
            Ok(reply(StatusCode::OK, &json!({ "id": id, "body": "" })))
        }
        _ => {
            state.wrong.push(format!("{} {} {body:?}", head.method, head.uri.path()));
            Ok(reply(StatusCode::NOT_FOUND, &json!({ "message": "Not Found" })))
        }
    }
}

/// Whether the token is there, with what else is to be said.
fn is_known(provider: &str, headers: &HeaderMap) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match provider {
        "github" => {
            header("authorization") == format!("Bearer {TOKEN}")
                && header("accept") == "application/vnd.github+json"
                && header("x-github-api-version") == "2022-11-28"
                && !header("user-agent").is_empty()
        }
        _ => header("private-token") == TOKEN,
    }
}

/// The comments of a page.
fn page<'s>(state: &'s State, of: PullRequest, query: &str) -> impl Iterator<Item = &'s Comment> {
    let number = |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key)?.parse::<usize>().ok());
    let (size, page) = (number("per_page=").unwrap_or(30).min(100), number("page=").unwrap_or(1));
    state.comments.iter().filter(move |comment| comment.of == of).skip((page - 1) * size).take(size)
}

fn reply(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(Full::new(body.to_string().into())).unwrap()
}

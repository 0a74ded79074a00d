//! A forge, as far as the gateway knows one: comments on a pull request, by what GitHub and GitLab document of their APIs.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use serde_json::{Value, json};

use crate::{Site, eventually};

/// The token that it takes.
pub const TOKEN: &str = "a test's own token";

/// A forge with one pull request (number 42 of acme/cart), whose comments it keeps.
#[derive(Debug)]
pub struct Forge {
    /// Where it is.
    pub address: SocketAddr,
    /// What it knows.
    pub state: Arc<Mutex<State>>,
    _task: AbortOnDropHandle<()>,
}

/// Who the token is of.
pub const OWN: u64 = 7;

/// A comment.
#[derive(Clone, Debug)]
pub struct Comment {
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
    /// It fails.
    pub is_down: bool,
    /// How many comments were written, and how many were changed.
    pub changes: [usize; 2],
}

impl Forge {
    /// One with so many comments of others, which speaks as `provider` does.
    pub async fn start(site: &Site, provider: &'static str, others: u64) -> Self {
        let listener = TcpListener::bind((site.ip(), 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let comments = (1..=others).map(|id| Comment { id, author: 1, body: format!("comment {id}") }).collect();
        let state = Arc::new(Mutex::new(State { comments, ..State::default() }));
        let shared = Arc::clone(&state);
        let serve = async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = Arc::clone(&shared);
                let answer = service_fn(move |request| answer(provider, Arc::clone(&state), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
            }
        };
        Self { address, state, _task: AbortOnDropHandle::new(tokio::spawn(serve)) }
    }

    /// The gateway's comment, once it says so.
    pub async fn says(&self, what: &str) -> String {
        eventually(&format!("a comment that says {what}"), async || {
            let state = self.state.lock().unwrap();
            assert!(state.wrong.is_empty(), "{:?}", state.wrong);
            let ours: Vec<_> = state.comments.iter().filter(|comment| comment.author == OWN).collect();
            match &ours[..] {
                [comment] if comment.body.contains(what) => Ok(comment.body.clone()),
                other => Err(format!("{other:?}")),
            }
        })
        .await
    }
}

async fn answer(
    provider: &str,
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut state = state.lock().unwrap();
    if state.is_down {
        return Ok(reply(StatusCode::BAD_GATEWAY, &json!({})));
    }
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // GitHub: docs.github.com/rest/issues/comments. GitLab: docs.gitlab.com/api/notes.
    let (all, one, change) = match provider {
        "github" => ("/api/repos/acme/cart/issues/42/comments", "/api/repos/acme/cart/issues/comments/", Method::PATCH),
        _ => {
            let all = "/api/projects/acme%2Fcart/merge_requests/42/notes";
            (all, "/api/projects/acme%2Fcart/merge_requests/42/notes/", Method::PUT)
        }
    };
    let is_known = match provider {
        "github" => {
            header("authorization") == format!("Bearer {TOKEN}")
                && header("accept") == "application/vnd.github+json"
                && header("x-github-api-version") == "2022-11-28"
                && !header("user-agent").is_empty()
        }
        _ => header("private-token") == TOKEN,
    };
    if !is_known {
        state.wrong.push(format!("headers: {:?}", head.headers));
        return Ok(reply(StatusCode::UNAUTHORIZED, &json!({ "message": "Bad credentials" })));
    }
    let text = || serde_json::from_slice::<Value>(&body).ok()?["body"].as_str().map(str::to_owned);
    let path = head.uri.path();
    let id = path.strip_prefix(one).and_then(|id| id.parse::<u64>().ok());
    if head.method == Method::GET && path == "/api/user" {
        return Ok(reply(StatusCode::OK, &json!({ "id": OWN })));
    }
    if head.method == Method::GET && path == all {
        let query = head.uri.query().unwrap_or_default();
        let number = |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key)?.parse::<usize>().ok());
        let (size, page) = (number("per_page=").unwrap_or(30).min(100), number("page=").unwrap_or(1));
        let comments = state.comments.iter().skip((page - 1) * size).take(size);
        let writer = if provider == "github" { "user" } else { "author" };
        let told = |it: &Comment| json!({ "id": it.id, "body": it.body, writer: { "id": it.author } });
        let comments: Vec<_> = comments.map(told).collect();
        return Ok(reply(StatusCode::OK, &json!(comments)));
    }
    if head.method == Method::POST
        && path == all
        && let Some(text) = text()
    {
        let id = state.comments.last().map_or(1, |last| last.id + 1);
        state.comments.push(Comment { id, author: OWN, body: text });
        state.changes[0] += 1;
        return Ok(reply(StatusCode::CREATED, &json!({ "id": id, "body": "" })));
    }
    if head.method == change
        && let Some(text) = text()
    {
        let found = state.comments.iter_mut().find(|other| Some(other.id) == id);
        let Some(comment) = found else { return Ok(reply(StatusCode::NOT_FOUND, &json!({}))) };
        comment.body = text;
        state.changes[1] += 1;
        return Ok(reply(StatusCode::OK, &json!({ "id": id, "body": "" })));
    }
    state.wrong.push(format!("{} {path} {body:?}", head.method));
    Ok(reply(StatusCode::NOT_FOUND, &json!({ "message": "Not Found" })))
}

fn reply(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(Full::new(body.to_string().into())).unwrap()
}

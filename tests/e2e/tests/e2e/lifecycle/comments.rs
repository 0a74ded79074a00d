//! The comment on a pull request, written to stand-ins that hold the gateway to what the forges' documentation says.

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

use super::*;

const TOKEN: &str = "a test's own token";

/// A forge with one pull request (number 42 of acme/cart), whose comments it keeps.
struct Forge {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct State {
    /// By id, the oldest first.
    comments: Vec<(u64, String)>,
    /// What was asked in a way that the documentation does not have.
    wrong: Vec<String>,
    is_down: bool,
}

impl Forge {
    /// One with so many comments of others, which speaks as `provider` does.
    async fn start(site: &Site, provider: &'static str, others: u64) -> Self {
        let listener = TcpListener::bind((site.ip(), 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let comments = (1..=others).map(|id| (id, format!("comment {id}"))).collect();
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
    async fn says(&self, what: &str) -> String {
        eventually(&format!("a comment that says {what}"), async || {
            let state = self.state.lock().unwrap();
            assert!(state.wrong.is_empty(), "{:?}", state.wrong);
            let ours: Vec<_> = state.comments.iter().filter(|(_, body)| body.contains("nuncio-preview")).collect();
            match &ours[..] {
                [(_, body)] if body.contains(what) => Ok(body.clone()),
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
    if head.method == Method::GET && path == all {
        let query = head.uri.query().unwrap_or_default();
        let number = |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key)?.parse::<usize>().ok());
        let (size, page) = (number("per_page=").unwrap_or(30).min(100), number("page=").unwrap_or(1));
        let comments = state.comments.iter().skip((page - 1) * size).take(size);
        let comments: Vec<_> = comments.map(|(id, body)| json!({ "id": id, "body": body })).collect();
        return Ok(reply(StatusCode::OK, &json!(comments)));
    }
    if head.method == Method::POST
        && path == all
        && let Some(text) = text()
    {
        let id = state.comments.last().map_or(1, |(id, _)| id + 1);
        state.comments.push((id, text));
        return Ok(reply(StatusCode::CREATED, &json!({ "id": id, "body": "" })));
    }
    if head.method == change
        && let Some(text) = text()
    {
        let found = state.comments.iter_mut().find(|(other, _)| Some(*other) == id);
        let Some((id, body)) = found else { return Ok(reply(StatusCode::NOT_FOUND, &json!({}))) };
        *body = text;
        return Ok(reply(StatusCode::OK, &json!({ "id": id, "body": "" })));
    }
    state.wrong.push(format!("{} {path} {body:?}", head.method));
    Ok(reply(StatusCode::NOT_FOUND, &json!({ "message": "Not Found" })))
}

fn reply(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(Full::new(body.to_string().into())).unwrap()
}

/// A team whose repositories are at a forge.
async fn team_at(forge: impl AsyncFnOnce(&Site) -> Forge) -> (Team, Forge) {
    let team = Team::new().await;
    let forge = forge(&team.site).await;
    let policy = team.policy(|policy| {
        for repository in policy["spec"]["repositories"].as_array_mut().unwrap() {
            repository["api"] = json!(format!("http://{}/api/", forge.address));
        }
    });
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cart-forge"},
        "stringData": {"webhook": KEY, "token": TOKEN}});
    team.site.write("policy.yaml", documents(&[policy]));
    team.site.write("secret.yaml", documents(&[secret]));
    let mut shop = team.shop();
    shop.retain(|object| object["metadata"]["name"] != "cart-forge");
    team.site.write("shop.yaml", documents(&shop));
    (team, forge)
}

#[tokio::test]
async fn a_pull_request_has_one_comment_that_says_how_its_preview_is() {
    // More than a page of others' comments.
    let (team, forge) = team_at(async |site: &Site| Forge::start(site, "github", 120).await).await;
    let gateway = team.gateway().await;
    let told = json_of(&team.client().ask(&github(|_| ())).await);
    let url = told["preview"]["urls"][0]["url"].as_str().unwrap();
    let said = forge.says(url).await;
    assert!(said.contains("`9f3c9f3c`") && said.contains("Whoever knows the address"), "{said}");
    gateway.stop().await;

    // A gateway that knows nothing of it finds the same one again.
    let gateway = team.gateway().await;
    let pushed = github(|event| {
        event["pull_request"]["updated_at"] = json!("2026-11-29T06:30:00Z");
        event["pull_request"]["head"]["sha"] = json!("abcd");
    });
    team.client().ask(&pushed).await;
    forge.says("`abcd`").await;
    // Somebody deletes it: the next change brings it back.
    forge.state.lock().unwrap().comments.retain(|(_, body)| !body.contains("nuncio-preview"));
    team.client().ask(&github(super::hooks::closed)).await;
    let said = forge.says("It is gone").await;
    assert!(!said.contains(url), "{said}");
    assert_eq!(forge.state.lock().unwrap().comments.len(), 121);
    gateway.stop().await;
}

#[tokio::test]
async fn a_forge_that_is_down_is_tried_again() {
    let (team, forge) = team_at(async |site: &Site| Forge::start(site, "gitlab", 3).await).await;
    forge.state.lock().unwrap().is_down = true;
    let gateway = team.gateway().await;
    let mut preview = team.manifest("merge");
    preview["spec"]["source"] = json!({"provider": "GitLab", "repository": "acme/cart", "pullRequest": 42});
    team.site.write("merge.yaml", documents(&[preview]));
    eventually("the failure is told", async || {
        let told = gateway.stderr();
        let is_told = told.iter().any(|line| line.contains("acme/cart 42") && line.contains("502 Bad Gateway"));
        if is_told { Ok(()) } else { Err(format!("{told:?}")) }
    })
    .await;
    forge.state.lock().unwrap().is_down = false;
    forge.says("merge").await;
    gateway.stop().await;
}

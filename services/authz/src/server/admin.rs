//! For operators: health, metrics, explanations.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use nuncio_auth::Request;
use nuncio_ir::auth::{RuleSetId, Trouble, authority};
use nuncio_telemetry::{Health, METRICS_CONTENT_TYPE, Metrics};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::engine::{Engine, Outcome};

/// What the pages show.
#[derive(Clone)]
struct Admin {
    engine: Arc<Engine>,
    health: Health,
    metrics: Metrics,
}

/// The routes.
pub(crate) fn router(engine: Arc<Engine>, health: Health, metrics: Metrics) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "OK\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(show_metrics))
        .route("/explain", post(explain))
        .route("/jwks", get(jwks))
        .route("/problems", get(problems))
        .route("/sessions/end", post(end_sessions))
        .with_state(Admin { engine, health, metrics })
}

async fn ready(State(admin): State<Admin>) -> Response {
    match admin.health.ready() {
        Ok(()) => "OK\n".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

async fn show_metrics(State(admin): State<Admin>) -> Response {
    ([(header::CONTENT_TYPE, METRICS_CONTENT_TYPE)], admin.metrics.encode()).into_response()
}

/// The keys by which upstreams verify who a request is from.
async fn jwks(State(admin): State<Admin>) -> Json<Value> {
    Json(admin.engine.services.assertions.public_keys())
}

/// What filters need of others and cannot have.
async fn problems(State(admin): State<Admin>) -> Json<Vec<Trouble>> {
    Json(admin.engine.services.troubles.borrow().clone())
}

/// A request to explain.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    rules: String,
    #[serde(default = "get_method")]
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
}

fn get_method() -> String {
    "GET".to_owned()
}

/// Decides on a request as if it came, and says which step decided and why.
async fn explain(State(admin): State<Admin>, Json(question): Json<Question>) -> Response {
    let Some((scheme, rest)) = question.url.split_once("://") else {
        return (StatusCode::BAD_REQUEST, "url must be http(s)://host/path\n").into_response();
    };
    let authority = authority(&question.url);
    let target = &rest[authority.len()..];
    let slash = if target.starts_with('/') { "" } else { "/" };
    let mut request = Request::new(&question.method, scheme, authority, &format!("{slash}{target}"));
    request.id = "explain".to_owned();
    for (name, value) in &question.headers {
        request.add_header(name, value.as_bytes());
    }
    let rules = match admin.engine.active.load() {
        Some(config) => config.rules_named(&question.rules, &request),
        // That none are known yet is what there is to explain.
        None => Some(RuleSetId(question.rules.as_str().into())),
    };
    let Some(rules) = rules else {
        let message = format!("no rule: {:?} is not for this path, or not there\n", question.rules);
        return (StatusCode::NOT_FOUND, message).into_response();
    };
    let decision = admin.engine.decide(Some(&rules.0), request).await;
    let (_, reason) = decision.in_words();
    let (outcome, status, reason, detail, subject) = match decision.outcome {
        Outcome::Allow(_, identity) => ("allow", 200, reason, String::new(), identity.map(|identity| identity.subject)),
        Outcome::Deny(denial) => {
            let who = decision.identity.map(|identity| identity.subject);
            ("deny", denial.reply.status.as_u16(), denial.reason, denial.detail, who)
        }
        Outcome::Answer(reply) => ("answer", reply.status.as_u16(), "", String::new(), None),
    };
    Json(json!({
        "decision": outcome, "status": status, "reason": reason, "detail": detail, "subject": subject,
        "rule": decision.rule, "steps": decision.steps,
    }))
    .into_response()
}

/// A user, all of whose sessions are to end.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    issuer: String,
    subject: String,
}

async fn end_sessions(State(admin): State<Admin>, Json(user): Json<User>) -> Response {
    match admin.engine.services.sessions.end_all(&user.issuer, "sub", &user.subject).await {
        Ok(count) => {
            if let Some(audit) = &admin.engine.audit {
                audit.ended(&user.issuer, &user.subject, count);
            }
            Json(json!({ "ended": count })).into_response()
        }
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

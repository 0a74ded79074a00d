//! What all pages of the console share.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;

use crate::gateway::GatewayError;
use crate::web::{Frame, Visit, respond};

/// What the controller says at a path.
pub(super) async fn ask<T: DeserializeOwned>(site: &Visit, path: &str) -> Result<T, Trouble> {
    site.console.admin.get(path).await.map_err(|error| Trouble::of(site, &error))
}

/// Why there is no such page.
#[derive(Debug)]
pub(super) struct Trouble {
    site: Box<Visit>,
    status: StatusCode,
    title: String,
    why: String,
}

impl Trouble {
    /// The controller gave no answer.
    pub(super) fn of(site: &Visit, error: &GatewayError) -> Self {
        let texts = site.texts();
        let (status, title) = match error {
            GatewayError::NoAnswer { .. } => (StatusCode::BAD_GATEWAY, texts.text("trouble_away")),
            GatewayError::Refused { reason, .. } => {
                let named = texts.find(&format!("refused_{reason}"));
                (StatusCode::BAD_REQUEST, named.unwrap_or(texts.text("trouble_refused")))
            }
        };
        Self { site: Box::new(site.clone()), status, title: title.to_owned(), why: error.to_string() }
    }

    /// There is no such thing.
    pub(super) fn missing(site: &Visit, what: String) -> Self {
        let title = site.texts().text("not_found").to_owned();
        Self { site: Box::new(site.clone()), status: StatusCode::NOT_FOUND, title, why: what }
    }
}

#[derive(Template)]
#[template(path = "console/trouble.html")]
struct Page<'a> {
    frame: Frame<'a>,
    here: &'static str,
    title: &'a str,
    why: &'a str,
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let page = Page { frame: self.site.frame(), here: "", title: &self.title, why: &self.why };
        (self.status, respond(&page)).into_response()
    }
}

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
    pub(super) title: String,
    pub(super) why: String,
    /// What somebody typed.
    kept: Option<String>,
}

impl Trouble {
    /// The controller gave no answer.
    pub(super) fn of(site: &Visit, error: &GatewayError) -> Self {
        let texts = site.texts();
        let title = match error {
            GatewayError::NoAnswer { .. } => texts.text("trouble_away"),
            GatewayError::Refused { reason, .. } => {
                texts.find(&format!("refused_{reason}")).unwrap_or(texts.text("trouble_refused"))
            }
        };
        let (title, why) = (title.to_owned(), error.to_string());
        Self { site: Box::new(site.clone()), status: error.status(), title, why, kept: None }
    }

    /// The same, with what somebody typed.
    pub(super) fn keeping(self, text: Option<&str>) -> Self {
        Self { kept: text.map(str::to_owned), ..self }
    }

    /// There is no such thing.
    pub(super) fn missing(site: &Visit, what: String) -> Self {
        let title = site.texts().text("not_found").to_owned();
        Self { site: Box::new(site.clone()), status: StatusCode::NOT_FOUND, title, why: what, kept: None }
    }
}

#[derive(Template)]
#[template(path = "console/trouble.html")]
struct Page<'a> {
    frame: Frame<'a>,
    here: &'static str,
    title: &'a str,
    why: &'a str,
    kept: Option<&'a str>,
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let kept = self.kept.as_deref();
        let page = Page { frame: self.site.frame(), here: "", title: &self.title, why: &self.why, kept };
        (self.status, respond(&page)).into_response()
    }
}

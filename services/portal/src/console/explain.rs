//! What becomes of a request that somebody describes.

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use serde::Deserialize;

use super::link::with_query;
use super::model::{Explanation, Route};
use super::page::Trouble;
use super::words::{self, Object};
use crate::gateway::GatewayError;
use crate::texts::Texts;
use crate::web::{Frame, Visit, escape_path, filters, respond};

/// The request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    url: String,
    method: String,
    /// One a line.
    headers: String,
    sni: String,
    client_certificate: bool,
}

impl Asked {
    /// What the controller is asked; `url` as its listeners know it.
    fn path(&self, url: &str) -> String {
        let mut path = format!("/api/v1/explain?url={}", escape_path(url));
        let mut add = |key: &str, value: &str| {
            if !value.trim().is_empty() {
                path.push_str(&format!("&{key}={}", escape_path(value.trim())));
            }
        };
        add("method", &self.method);
        self.headers.lines().for_each(|header| add("header", header));
        add("sni", &self.sni);
        if self.client_certificate {
            add("client_certificate", "true");
        }
        path
    }

    /// The form for the same request with another URL.
    fn link(&self, url: &str) -> String {
        let client_certificate = if self.client_certificate { "true" } else { "" };
        let (method, headers, sni) = (self.method.as_str(), self.headers.as_str(), self.sni.as_str());
        let rest = [("method", method), ("headers", headers), ("sni", sni), ("client_certificate", client_certificate)];
        with_query("/console/explain", [("url", url)].into_iter().chain(rest))
    }
}

#[derive(Template)]
#[template(path = "console/explain.html")]
struct Page<'a> {
    frame: Frame<'a>,
    here: &'static str,
    asked: &'a Asked,
    methods: [&'static str; 7],
    wrong: Option<String>,
    answer: Option<Answer>,
}

struct Answer {
    told: Explanation,
    /// URLs that the gateway takes for one that it does not, as clients know them, and the form with each.
    elsewhere: Vec<(String, String)>,
    route: Option<Explained>,
    lost: Vec<(Explained, String)>,
}

/// A route in words.
struct Explained {
    matches: String,
    policies: Vec<String>,
    objects: Vec<Object>,
}

/// The form, and the answer where something was asked.
pub(super) async fn page(site: Visit, Query(asked): Query<Asked>) -> Result<Response, Trouble> {
    let (mut wrong, mut answer) = (None, None);
    let (admin, url) = (&site.console.admin, asked.url.trim());
    if !url.is_empty() {
        // Without a scheme it is asked about as http, whose port may be another of the listener.
        let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        match admin.get(&asked.path(&admin.at_listener(&url))).await {
            Ok(told) => answer = Some(Answer::new(told, &asked, &site)),
            Err(GatewayError::Refused { why, .. }) => wrong = Some(why),
            Err(error) => return Err(Trouble::of(&site, &error)),
        }
    }
    Ok(respond(&Page {
        frame: site.frame(),
        here: "explain",
        asked: &asked,
        methods: ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"],
        wrong,
        answer,
    }))
}

impl Answer {
    fn new(mut told: Explanation, asked: &Asked, site: &Visit) -> Self {
        let texts = site.texts();
        let lost = std::mem::take(&mut told.lost);
        let elsewhere = told.elsewhere.iter().map(|url| site.console.admin.for_clients(url));
        Self {
            elsewhere: elsewhere.map(|url| (url.clone(), asked.link(&url))).collect(),
            route: told.route.as_ref().map(|route| explained(route, texts)),
            lost: lost.into_iter().map(|lost| (explained(&lost.route, texts), lost.reason)).collect(),
            told,
        }
    }
}

fn explained(route: &Route, texts: &Texts) -> Explained {
    let policies = words::policies(route, texts);
    Explained { matches: route.matches.clone(), policies, objects: words::objects(route) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_is_asked_about() {
        let asked = Asked {
            url: " http://a/b?c=d&e ".into(),
            headers: "x: 1\r\n\ny: 2 & 3".into(),
            client_certificate: true,
            ..Asked::default()
        };
        assert_eq!(
            asked.path(asked.url.trim()),
            "/api/v1/explain?url=http%3A%2F%2Fa%2Fb%3Fc%3Dd%26e&header=x%3A%201&header=y%3A%202%20%26%203&client_certificate=true"
        );
    }
}

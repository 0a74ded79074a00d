//! Who keeps previews: a portal, a gateway's diagnostics, or a directory.

use std::path::Path;
use std::sync::Arc;

use nuncio_controller::Topology;
use nuncio_controller::admin::{
    DeletePreview, ExtendPreview, ListQuery, PreviewOutcome, ProbePreview, PutPreview, SharePreview, WithdrawLinks,
};
use nuncio_telemetry::{SharedToken, causes};
use reqwest::{Method, RequestBuilder, StatusCode, Url};
use serde_json::Value;

use super::localhost;
use super::logs::of_details;
use crate::cli::{Place, PreviewPlace};
use crate::controller::runtime;
use crate::exit::{Failure, Outcome};
use crate::gateway::{Gateway, load};

/// The variable with the token for a portal.
const TOKEN: &str = "NUNCIO_TOKEN";
/// What is said where somebody else answers.
pub(super) const NO_PORTAL: &str =
    "no portal answers at that address: it needs a Mapping for /api/v1/previews that leads to one (docs/previews.md)";

/// Who keeps them.
pub(super) enum Keeper<'a> {
    /// A portal behind a gateway, at this URL.
    Portal { url: String, token: Option<String> },
    /// A gateway with these diagnostics.
    Gateway { address: String },
    /// A directory or a cluster.
    Manifests(&'a PreviewPlace),
}

impl<'a> Keeper<'a> {
    /// The one that the command line names.
    pub(super) fn open(place: &'a PreviewPlace) -> Result<Self, Failure> {
        match (&place.server, &place.admin) {
            (Some(url), _) => Ok(Self::Portal {
                url: url.trim_end_matches('/').to_owned(),
                token: token(place.token_file.as_deref())?,
            }),
            (None, Some(address)) => Ok(Self::Gateway { address: address.clone() }),
            (None, None) => Ok(Self::Manifests(place)),
        }
    }

    /// Those of a namespace and name.
    pub(super) fn list(&self, namespace: Option<&str>, name: Option<&str>) -> Result<Value, Failure> {
        let query = ListQuery {
            namespace: namespace.map(str::to_owned),
            name: name.map(str::to_owned),
            ..ListQuery::default()
        };
        let url = match self {
            Self::Portal { url, .. } => url.clone(),
            Self::Gateway { address } => format!("http://{address}"),
            Self::Manifests(place) => {
                let page = Gateway::open(&place.origin(), &place.identity)?.previews(&query)?;
                return serde_json::to_value(page).map_err(Failure::new);
            }
        };
        self.send(Method::GET, &format!("{url}{}", query.to_path("previews")), |request| request)
    }

    /// Makes a Preview be as its manifest says. Gives why it is shown for longer than that, where a gateway says so.
    pub(super) fn put(&self, namespace: &str, name: &str, text: &str) -> Result<String, Failure> {
        match self {
            Self::Portal { url, .. } => {
                let url = format!("{url}/api/v1/previews/{namespace}/{name}");
                self.send(Method::PUT, &url, |request| request.body(text.to_owned())).map(|answer| why(&answer))
            }
            Self::Gateway { address } => {
                let (namespace, name, text) = (namespace.into(), name.into(), text.into());
                let wanted =
                    PutPreview { namespace, name, text, only_new: false, only_allowed: false, digest: None, by: None };
                self.send(Method::POST, &format!("http://{address}/api/v1/preview-put"), |it| it.json(&wanted))
                    .map(|answer| why(&answer))
            }
            Self::Manifests(place) => {
                let (directory, read) = read(place)?;
                let put = nuncio_controller::put_preview(read, directory, (namespace, name), text);
                put.map(|_| String::new()).map_err(Failure::new)
            }
        }
    }

    /// Has a Preview shown for longer. Gives why that is for less than was asked for, where it is so.
    pub(super) fn extend(&self, namespace: &str, name: &str, ttl: Option<String>) -> Result<String, Failure> {
        match self {
            Self::Portal { url, .. } => {
                let url = asked(&format!("{url}/api/v1/previews/{namespace}/{name}/extend"), ttl.as_deref())?;
                self.send(Method::POST, url.as_str(), |request| request).map(|answer| why(&answer))
            }
            Self::Gateway { address } => {
                let wanted =
                    ExtendPreview { namespace: namespace.into(), name: name.into(), ttl, only_shown: false, by: None };
                self.send(Method::POST, &format!("http://{address}/api/v1/preview-extend"), |it| it.json(&wanted))
                    .map(|answer| why(&answer))
            }
            Self::Manifests(place) => {
                let (directory, read) = read(place)?;
                let extended = nuncio_controller::extend_preview(read, directory, (namespace, name), ttl.as_deref());
                let is_same = extended.map_err(Failure::new)? == PreviewOutcome::Unchanged;
                Ok(if is_same { "it is shown for as long already: nothing has changed" } else { "" }.to_owned())
            }
        }
    }

    /// Has a Preview not be there.
    pub(super) fn delete(&self, namespace: &str, name: &str) -> Outcome {
        match self {
            Self::Portal { url, .. } => {
                self.send(Method::DELETE, &format!("{url}/api/v1/previews/{namespace}/{name}"), |request| request)?;
            }
            Self::Gateway { address } => {
                let wanted = DeletePreview { namespace: namespace.into(), name: name.into(), by: None };
                self.send(Method::POST, &format!("http://{address}/api/v1/preview-delete"), |it| it.json(&wanted))?;
            }
            Self::Manifests(place) => {
                let (directory, read) = read(place)?;
                nuncio_controller::delete_preview(read, directory, (namespace, name)).map_err(Failure::new)?;
            }
        }
        Ok(())
    }

    /// Follows a request of a Preview through the services.
    pub(super) fn probe(&self, namespace: &str, name: &str, path: &str) -> Result<Value, Failure> {
        match self {
            Self::Portal { url, .. } => {
                let url = format!("{url}/api/v1/previews/{namespace}/{name}/probe");
                let url = Url::parse_with_params(&url, [("path", path)]);
                let url = url.map_err(|error| Failure::usage(error.to_string()))?;
                self.send(Method::POST, url.as_str(), |request| request)
            }
            Self::Gateway { address } => {
                let (namespace, name, path) = (namespace.into(), name.into(), Some(path.to_owned()));
                let wanted = ProbePreview { namespace, name, path, by: None };
                self.send(Method::POST, &format!("http://{address}/api/v1/preview-probe"), |it| it.json(&wanted))
            }
            Self::Manifests(_) => {
                Err(Failure::usage("requests are followed by a gateway that runs: it is asked by --admin or --server"))
            }
        }
    }

    /// What has happened to a Preview, the last first.
    pub(super) fn events(&self, namespace: &str, name: &str) -> Result<Value, Failure> {
        match self {
            Self::Portal { url, .. } => {
                let url = format!("{url}/api/v1/previews/{namespace}/{name}/events");
                self.send(Method::GET, &url, |request| request)
            }
            Self::Gateway { address } => {
                let (namespace, name) = (Some(namespace.to_owned()), Some(name.to_owned()));
                let query = ListQuery { namespace, name, ..ListQuery::default() };
                let url = format!("http://{address}{}", query.to_path("preview-details"));
                self.send(Method::GET, &url, |request| request).map(of_details)
            }
            Self::Manifests(_) => {
                Err(Failure::usage("what happens is noted by a gateway that runs: it is asked by --admin or --server"))
            }
        }
    }

    /// Makes links to a Preview.
    pub(super) fn share(&self, namespace: &str, name: &str, ttl: Option<&str>) -> Result<Value, Failure> {
        match self {
            Self::Portal { url, .. } => {
                let url = asked(&format!("{url}/api/v1/previews/{namespace}/{name}/share"), ttl)?;
                self.send(Method::POST, url.as_str(), |request| request)
            }
            Self::Gateway { address } => {
                let (namespace, name, ttl) = (namespace.into(), name.into(), ttl.map(str::to_owned));
                let wanted = SharePreview { namespace, name, ttl, by: None };
                self.send(Method::POST, &format!("http://{address}/api/v1/preview-share"), |it| it.json(&wanted))
            }
            Self::Manifests(_) => {
                Err(Failure::usage("links are signed by a gateway that runs: it is asked by --admin or --server"))
            }
        }
    }

    /// Has no link to a Preview that there is let anybody in any more.
    pub(super) fn withdraw_links(&self, namespace: &str, name: &str) -> Outcome {
        match self {
            Self::Portal { url, .. } => {
                let url = format!("{url}/api/v1/previews/{namespace}/{name}/share");
                self.send(Method::DELETE, &url, |request| request)?;
            }
            Self::Gateway { address } => {
                let wanted = WithdrawLinks { namespace: namespace.into(), name: name.into(), by: None };
                self.send(Method::POST, &format!("http://{address}/api/v1/preview-withdraw"), |it| it.json(&wanted))?;
            }
            Self::Manifests(place) => {
                let (directory, read) = read(place)?;
                nuncio_controller::withdraw_preview_links(read, directory, (namespace, name)).map_err(Failure::new)?;
            }
        }
        Ok(())
    }

    fn send(
        &self,
        method: Method,
        url: &str,
        with: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<Value, Failure> {
        let failed = |error: reqwest::Error| Failure::new(format!("{url}: {}", causes(&error.without_url())));
        let client = localhost::client();
        let client = match self {
            Self::Portal { .. } => client,
            Self::Gateway { .. } | Self::Manifests(_) => client.no_proxy(),
        };
        let request = client.build().map_err(failed)?.request(method, url);
        let token = match self {
            Self::Portal { token, .. } => token.clone().map(Into::into),
            Self::Gateway { .. } | Self::Manifests(_) => of_gateway()?,
        };
        let request = token.into_iter().fold(request, RequestBuilder::bearer_auth::<Arc<str>>);
        let (status, body) = runtime()?.block_on(async {
            let reply = with(request).send().await.map_err(failed)?;
            Ok::<_, Failure>((reply.status(), reply.bytes().await.map_err(failed)?))
        })?;
        if matches!(self, Self::Portal { .. }) && is_of_no_portal(status, &body) {
            return Err(Failure::new(format!("{url}: {status}: {NO_PORTAL}")));
        }
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        let text = String::from_utf8_lossy(&body);
        let why = ["detail", "message"].iter().find_map(|field| answer[field].as_str()).unwrap_or_else(|| text.trim());
        let is_unknown = status == StatusCode::UNAUTHORIZED && matches!(self, Self::Portal { .. });
        let hint = if is_unknown { ": set NUNCIO_TOKEN to a token" } else { "" };
        Err(Failure::new(format!("{url}: {status}: {why}{hint}")))
    }
}

/// Whether an answer is none that a portal gives: it says what is not there, and has no pages where programs ask.
fn is_of_no_portal(status: StatusCode, body: &[u8]) -> bool {
    let answer: Option<Value> = serde_json::from_slice(body).ok();
    match status {
        StatusCode::NOT_FOUND => answer.is_none_or(|answer| answer["detail"].as_str().is_none()),
        _ => status.is_success() && !body.is_empty() && answer.is_none(),
    }
}

/// Why something else was done than was asked for, where an answer says so.
fn why(answer: &Value) -> String {
    answer["why"].as_str().unwrap_or_default().to_owned()
}

/// An address at which something is asked for so long.
fn asked(url: &str, ttl: Option<&str>) -> Result<Url, Failure> {
    let failed = |error| Failure::usage(format!("{url}: {error}"));
    let mut asked = Url::parse(url).map_err(failed)?;
    if let Some(ttl) = ttl {
        asked.query_pairs_mut().append_pair("ttl", ttl);
    }
    Ok(asked)
}

/// The token that a file has, or else the environment.
pub(super) fn token(file: Option<&Path>) -> Result<Option<String>, Failure> {
    let Some(file) = file else {
        return Ok(std::env::var(TOKEN).ok().filter(|token| !token.is_empty()));
    };
    let token = std::fs::read_to_string(file);
    let token = token.map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
    Ok(Some(token.trim().to_owned()))
}

/// What opens a gateway's diagnostics from another machine, if the environment has it.
fn of_gateway() -> Result<Option<Arc<str>>, Failure> {
    SharedToken::of_environment().map(|token| token.shown()).transpose().map_err(Failure::usage)
}

/// What is in the directory, which has to be one: objects of a cluster are kubectl's.
fn read(place: &PreviewPlace) -> Result<(&Path, nuncio_controller::offline::Offline), Failure> {
    let Some(directory) = &place.dir else {
        return Err(Failure::usage("previews of a cluster are changed by kubectl, or by --server"));
    };
    let manifests = Place { dir: place.dir.clone(), cluster: place.cluster.clone() };
    Ok((directory, load(&manifests, &place.identity, Topology::default())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portal_is_told_from_others_that_answer() {
        let problem = r#"{"status": 404, "title": "Not Found", "detail": "there is no Preview default/tax"}"#;
        for (status, body, is_none) in [
            (404, "", true),
            (404, "<h1>not found</h1>", true),
            (404, r#"{"error": "not found"}"#, true),
            (404, problem, false),
            (200, "<h1>the shop</h1>", true),
            (200, r#"{"items": [], "total": 0}"#, false),
            (204, "", false),
            (403, "", false),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(is_of_no_portal(status, body.as_bytes()), is_none, "{status} {body}");
        }
    }
}

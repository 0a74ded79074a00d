//! Pull requests by the forges' REST APIs: how one is, and the comment on it that is ours.

mod refused;

use std::time::Duration;

use nuncio_api::{Forge, PreviewRepository};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, StatusCode, header, redirect};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

pub(super) use self::refused::ForgeError;
use super::hook::rfc3339;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Comments of a page, and pages that are looked through for ours.
const PAGE: usize = 100;
const PAGES: usize = 100;

/// A way to a pull request.
#[derive(Debug)]
pub(super) struct Pull<'c> {
    pub(super) client: &'c reqwest::Client,
    pub(super) repository: &'c PreviewRepository,
    pub(super) token: &'c str,
    pub(super) number: u64,
}

/// How a pull request is, as far as that is news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// As it was when it was told last.
    Unchanged,
    Told {
        /// Closed, or merged.
        is_closed: bool,
        /// When it was changed last.
        updated: String,
        /// By which the next question says what is known.
        validator: Option<String>,
    },
}

/// What both forges tell of one.
#[derive(Deserialize)]
struct Told {
    state: String,
    updated_at: String,
}

/// What both forges tell of a comment.
#[derive(Debug, Deserialize)]
pub(super) struct Comment {
    pub(super) id: u64,
    body: Option<String>,
    /// Who wrote it: `author` is GitLab's name for it. None where he is there no more.
    #[serde(alias = "author")]
    user: Option<User>,
}

impl Comment {
    /// Whether it says this already. What forges make of its end does not count.
    pub(super) fn says(&self, body: &str) -> bool {
        self.body.as_deref().is_some_and(|said| said.trim_end() == body.trim_end())
    }
}

/// An account.
#[derive(Debug, Deserialize, PartialEq, Eq)]
struct User {
    id: u64,
}

/// A client that goes nowhere but where it is sent. That is for a PreviewPolicy to say: what it asks is not from this machine.
pub(super) fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .timeout(TIMEOUT)
        .redirect(redirect::Policy::none())
        .default_headers(HeaderMap::from_iter([(header::VIA, HeaderValue::from_static(nuncio_auth::VIA))]))
        .user_agent("nuncio")
        .build()
}

impl Pull<'_> {
    /// How it is, if that is something else than what a validator stands for.
    pub(super) async fn state(&self, known: Option<&str>) -> Result<State, ForgeError> {
        let request = self.request(Method::GET, &self.itself());
        let request = known.into_iter().fold(request, |request, known| request.header(header::IF_NONE_MATCH, known));
        let reply = self.ask(request).await?;
        if reply.status() == StatusCode::NOT_MODIFIED {
            return Ok(State::Unchanged);
        }
        let validator = reply.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        let told: Told = read(reply).await?;
        // GitLab calls one `locked` while it is merged.
        let is_closed = matches!(&*told.state, "closed" | "merged");
        Ok(State::Told { is_closed, updated: rfc3339(&told.updated_at), validator })
    }

    /// The comment that begins with a marker, if there is one. Anybody can write a marker, so it has to be the token's own.
    pub(super) async fn find(&self, marker: &str) -> Result<Option<Comment>, ForgeError> {
        let own: User = self.send(self.request(Method::GET, "user")).await?;
        let is_ours = |it: &Comment| {
            it.user.as_ref() == Some(&own) && it.body.as_deref().is_some_and(|body| body.starts_with(marker))
        };
        // Ours is among the first: it is written when a pull request is opened.
        let order = if self.is_of_gitlab() { "&order_by=created_at&sort=asc" } else { "" };
        for page in 1..=PAGES {
            let path = format!("{}?per_page={PAGE}&page={page}{order}", self.comments());
            let mut comments: Vec<Comment> = self.send(self.request(Method::GET, &path)).await?;
            match comments.iter().position(is_ours) {
                Some(at) => return Ok(Some(comments.swap_remove(at))),
                None if comments.len() < PAGE => return Ok(None),
                None => {}
            }
        }
        // Rather none than another one every time.
        Err(ForgeError::TooMany(PAGE * PAGES))
    }

    /// Writes one; tells its id.
    pub(super) async fn create(&self, body: &str) -> Result<u64, ForgeError> {
        let request = self.request(Method::POST, &self.comments()).json(&json!({ "body": body }));
        self.send::<Comment>(request).await.map(|comment| comment.id)
    }

    /// Writes another text in its place.
    pub(super) async fn update(&self, id: u64, body: &str) -> Result<(), ForgeError> {
        let (method, path) = if self.is_of_gitlab() {
            (Method::PUT, format!("{}/{id}", self.comments()))
        } else {
            (Method::PATCH, format!("repos/{}/issues/comments/{id}", self.repository.name))
        };
        self.send::<Comment>(self.request(method, &path).json(&json!({ "body": body }))).await.map(drop)
    }

    fn is_of_gitlab(&self) -> bool {
        self.repository.provider == Some(Forge::GitLab)
    }

    /// Where it is itself. At GitHub it is an issue, too, which a token may read that may write its comments.
    fn itself(&self) -> String {
        let (name, number) = (&self.repository.name, self.number);
        if self.is_of_gitlab() {
            // A project's path is one segment there.
            format!("projects/{}/merge_requests/{number}", name.replace('/', "%2F"))
        } else {
            format!("repos/{name}/issues/{number}")
        }
    }

    /// Where all of its comments are.
    fn comments(&self) -> String {
        format!("{}/{}", self.itself(), if self.is_of_gitlab() { "notes" } else { "comments" })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}/{path}", self.repository.api()));
        if self.is_of_gitlab() {
            return request.header("private-token", self.token);
        }
        request
            .bearer_auth(self.token)
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28")
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ForgeError> {
        read(self.ask(request).await?).await
    }

    async fn ask(&self, request: RequestBuilder) -> Result<Response, ForgeError> {
        let reply = request.send().await.map_err(reqwest::Error::without_url)?;
        let is_good = reply.status().is_success() || reply.status() == StatusCode::NOT_MODIFIED;
        if is_good { Ok(reply) } else { Err(ForgeError::refused(&reply)) }
    }
}

async fn read<T: DeserializeOwned>(reply: Response) -> Result<T, ForgeError> {
    Ok(reply.json().await.map_err(reqwest::Error::without_url)?)
}

#[cfg(test)]
mod tests;

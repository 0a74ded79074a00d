//! Comments on pull requests, by the forges' REST APIs: finding ours, writing it, changing it.

use std::time::Duration;

use nuncio_api::{Forge, PreviewRepository};
use reqwest::{Method, RequestBuilder, redirect};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Comments of a page, and pages that are looked through for ours.
const PAGE: usize = 100;
const PAGES: usize = 10;

/// Why there is no comment.
#[derive(Debug, thiserror::Error)]
pub(super) enum ForgeError {
    #[error("the forge cannot be asked: {0}")]
    Http(#[from] reqwest::Error),
    #[error("the forge answers {0}: is the token one that may write comments there?")]
    Refused(reqwest::StatusCode),
}

/// A way to the comments of a pull request.
#[derive(Debug)]
pub(super) struct Comments<'c> {
    pub(super) client: &'c reqwest::Client,
    pub(super) repository: &'c PreviewRepository,
    pub(super) token: &'c str,
    pub(super) number: u64,
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

/// A client that goes nowhere but where it is sent.
pub(super) fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none()).user_agent("nuncio").build()
}

impl Comments<'_> {
    /// The comment that begins with a marker, if there is one. Anybody can write a marker, so it has to be the token's own.
    pub(super) async fn find(&self, marker: &str) -> Result<Option<Comment>, ForgeError> {
        let own: User = self.send(self.request(Method::GET, "user")).await?;
        let is_ours = |it: &Comment| {
            it.user.as_ref() == Some(&own) && it.body.as_deref().is_some_and(|body| body.starts_with(marker))
        };
        for page in 1..=PAGES {
            let path = format!("{}?per_page={PAGE}&page={page}", self.all());
            let mut comments: Vec<Comment> = self.send(self.request(Method::GET, &path)).await?;
            match comments.iter().position(is_ours) {
                Some(at) => return Ok(Some(comments.swap_remove(at))),
                None if comments.len() < PAGE => return Ok(None),
                None => {}
            }
        }
        Ok(None)
    }

    /// Writes one; tells its id.
    pub(super) async fn create(&self, body: &str) -> Result<u64, ForgeError> {
        let request = self.request(Method::POST, &self.all()).json(&json!({ "body": body }));
        self.send::<Comment>(request).await.map(|comment| comment.id)
    }

    /// Writes another text in its place.
    pub(super) async fn update(&self, id: u64, body: &str) -> Result<(), ForgeError> {
        let (method, path) = match self.repository.provider {
            Some(Forge::GitLab) => (Method::PUT, format!("{}/{id}", self.all())),
            Some(Forge::GitHub) | None => {
                (Method::PATCH, format!("repos/{}/issues/comments/{id}", self.repository.name))
            }
        };
        self.send::<Comment>(self.request(method, &path).json(&json!({ "body": body }))).await.map(drop)
    }

    /// Where all of them are.
    fn all(&self) -> String {
        let (name, number) = (&self.repository.name, self.number);
        match self.repository.provider {
            // A project's path is one segment there.
            Some(Forge::GitLab) => format!("projects/{}/merge_requests/{number}/notes", name.replace('/', "%2F")),
            Some(Forge::GitHub) | None => format!("repos/{name}/issues/{number}/comments"),
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}/{path}", self.repository.api()));
        match self.repository.provider {
            Some(Forge::GitLab) => request.header("private-token", self.token),
            Some(Forge::GitHub) | None => request
                .bearer_auth(self.token)
                .header("accept", "application/vnd.github+json")
                .header("x-github-api-version", "2022-11-28"),
        }
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ForgeError> {
        let reply = request.send().await.map_err(reqwest::Error::without_url)?;
        if !reply.status().is_success() {
            return Err(ForgeError::Refused(reply.status()));
        }
        Ok(reply.json().await.map_err(reqwest::Error::without_url)?)
    }
}

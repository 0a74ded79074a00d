//! Repositories whose pull requests have previews, and who else may make some: parts of a `PreviewPolicy`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PreviewTemplate;

/// Where repositories are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
pub enum Forge {
    /// github.com, or an Enterprise Server.
    GitHub,
    /// gitlab.com, or an instance of one's own.
    GitLab,
}

/// People who may create, change and delete Previews through the portal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PreviewCreators {
    /// Members of these groups, as the portal's login tells. Required.
    pub groups: Vec<String>,
    /// The namespaces in which they may; `*` is each that the policy allows. Required.
    pub namespaces: Vec<String>,
}

/// A repository: its pull requests have previews, and its CI jobs may create, change and delete them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PreviewRepository {
    /// Where it is. Required.
    pub provider: Option<Forge>,
    /// What it is called there: `acme/cart`. Required.
    pub name: String,
    /// GitHub's number of the repository: tokens of CI jobs have to say it (`repo:OWNER@ID/NAME@ID:…`), so that whoever takes over
    /// its name later is another.
    pub id: Option<u64>,
    /// The same of its owner.
    #[serde(rename = "ownerId")]
    pub owner_id: Option<u64>,
    /// The namespace of its Previews. Required.
    pub namespace: String,
    /// The Secret in the policy's namespace that holds, under `webhook`, what webhooks are signed with (GitLab: their token),
    /// and, under `token`, what may write comments. Without it webhooks are refused.
    #[serde(rename = "secretName")]
    pub secret_name: Option<String>,
    /// Where its REST API is; default that of github.com or gitlab.com.
    pub api: Option<String>,
    /// Who issues the tokens of its CI jobs; default who does for github.com or gitlab.com.
    #[serde(rename = "tokenIssuer")]
    pub token_issuer: Option<String>,
    /// The label without which a pull request from a fork has no preview; default `preview`.
    #[serde(rename = "forkLabel")]
    pub fork_label: Option<String>,
    /// The Preview of a pull request. Without it, webhooks are refused.
    pub preview: Option<PreviewTemplate>,
}

/// The label without which a fork's pull request has no preview.
const FORK_LABEL: &str = "preview";

impl PreviewRepository {
    /// The key of its Secret with what webhooks are signed with.
    pub const WEBHOOK: &'static str = "webhook";
    /// The key of its Secret with what may write comments.
    pub const TOKEN: &'static str = "token";

    /// Where the REST API is, without a slash at its end.
    #[must_use]
    pub fn api(&self) -> &str {
        let default = match self.provider {
            Some(Forge::GitLab) => "https://gitlab.com/api/v4",
            Some(Forge::GitHub) | None => "https://api.github.com",
        };
        self.api.as_deref().filter(|api| !api.is_empty()).unwrap_or(default).trim_end_matches('/')
    }

    /// Who issues tokens of CI jobs.
    #[must_use]
    pub fn token_issuer(&self) -> &str {
        let default = match self.provider {
            Some(Forge::GitLab) => "https://gitlab.com",
            Some(Forge::GitHub) | None => "https://token.actions.githubusercontent.com",
        };
        self.token_issuer.as_deref().filter(|issuer| !issuer.is_empty()).unwrap_or(default)
    }

    /// Whether the subject of a token is that of one of its CI jobs, as both forges document it.
    #[must_use]
    pub fn is_subject(&self, subject: &str) -> bool {
        match self.provider {
            Some(Forge::GitLab) => {
                let rest = subject.strip_prefix("project_path:").and_then(|rest| rest.strip_prefix(&*self.name));
                rest.is_some_and(|rest| rest.starts_with(':'))
            }
            Some(Forge::GitHub) | None => self.is_subject_of_github(subject),
        }
    }

    /// `repo:OWNER/NAME:…`, and of repositories that were made or renamed since July 2026 `repo:OWNER@ID/NAME@ID:…`
    /// (docs.github.com, "OpenID Connect": immutable subject claims).
    fn is_subject_of_github(&self, subject: &str) -> bool {
        let parts = subject.strip_prefix("repo:").and_then(|rest| rest.split_once(':')?.0.split_once('/'));
        let (Some((owner, name)), Some(own)) = (parts, self.name.split_once('/')) else { return false };
        let Some((owner, name)) = numbered(owner).zip(numbered(name)) else { return false };
        let is_numbered = |found: Option<u64>, wanted: Option<u64>| wanted.is_none() || wanted == found;
        (owner.0, name.0) == own
            && owner.1.is_some() == name.1.is_some()
            && is_numbered(owner.1, self.owner_id)
            && is_numbered(name.1, self.id)
    }

    /// The label without which a fork's pull request has no preview.
    #[must_use]
    pub fn fork_label(&self) -> &str {
        self.fork_label.as_deref().filter(|label| !label.is_empty()).unwrap_or(FORK_LABEL)
    }
}

/// A name, and the number that stands behind it.
fn numbered(text: &str) -> Option<(&str, Option<u64>)> {
    let Some((name, number)) = text.split_once('@') else { return Some((text, None)) };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    Some((name, Some(number.parse().ok().filter(|_| is_number)?)))
}

/// What a Preview is of, as a webhook or a CI job told it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PreviewSource {
    /// Where the repository is.
    pub provider: Option<Forge>,
    /// What it is called there.
    pub repository: Option<String>,
    /// The number of the pull request.
    #[serde(rename = "pullRequest")]
    pub pull_request: Option<u64>,
    /// Its branch.
    pub branch: Option<String>,
    /// The newest commit.
    pub commit: Option<String>,
    /// When the forge last changed the pull request; what is older changes nothing.
    pub updated: Option<String>,
    /// Who made it by a request, as his login calls him.
    pub author: Option<String>,
    /// Who vouches for him: of two that call somebody so each may mean another.
    #[serde(rename = "authorIssuer")]
    pub author_issuer: Option<String>,
    /// Whether the branch is of a fork.
    pub fork: Option<bool>,
    /// The commit of a fork that the pull request had when it got the label without which it has no preview.
    pub approved: Option<String>,
}

impl PreviewSource {
    /// Whether the branch is of a fork.
    #[must_use]
    pub fn is_fork(&self) -> bool {
        self.fork == Some(true)
    }

    /// Whether somebody has made it by a request, whom a provider of logins calls so. Where nobody noted which that was, any.
    #[must_use]
    pub fn is_by(&self, subject: &str, issuer: &str) -> bool {
        let is_vouched = self.author_issuer.as_ref().is_none_or(|noted| noted == issuer);
        self.author.as_deref() == Some(subject) && is_vouched
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_of_both_forms_are_of_the_repository_that_they_name() {
        let of = |id, owner_id| PreviewRepository {
            provider: Some(Forge::GitHub),
            name: "acme/cart".to_owned(),
            id,
            owner_id,
            ..PreviewRepository::default()
        };
        let (any, pinned) = (of(None, None), of(Some(456), Some(123)));
        for (subject, by_name, by_number) in [
            ("repo:acme/cart:ref:refs/heads/main", true, false),
            ("repo:acme@123/cart@456:pull_request", true, true),
            ("repo:acme@123/cart@456:ref:refs/heads/a/b@c", true, true),
            // Somebody else's by now.
            ("repo:acme@124/cart@456:pull_request", true, false),
            ("repo:acme@123/cart@457:pull_request", true, false),
            ("repo:acme@123/cart:pull_request", false, false),
            ("repo:acme/cart@456:pull_request", false, false),
            ("repo:acme@/cart@:pull_request", false, false),
            ("repo:acme@+123/cart@456:pull_request", false, false),
            ("repo:acme@123@123/cart@456:pull_request", false, false),
            ("repo:acme@123/cart2@456:pull_request", false, false),
            ("repo:evil@123/acme/cart@456:pull_request", false, false),
            ("repo:acme@123/cart@456", false, false),
            ("acme/cart:pull_request", false, false),
        ] {
            let found = [&any, &pinned].map(|repository| repository.is_subject(subject));
            assert_eq!(found, [by_name, by_number], "{subject}");
        }
        let gitlab = PreviewRepository { provider: Some(Forge::GitLab), ..of(None, None) };
        assert!(gitlab.is_subject("project_path:acme/cart:ref_type:branch:ref:main"));
        for subject in ["project_path:acme/cart2:ref", "project_path:acme/cart", "repo:acme/cart:pull_request"] {
            assert!(!gitlab.is_subject(subject), "{subject}");
        }
    }
}

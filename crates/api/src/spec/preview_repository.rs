//! Repositories whose pull requests have previews, and who else may make some: parts of a `PreviewPolicy`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Preview, PreviewAccess, PreviewEntrypoint, PreviewLifetime, PreviewMatch, PreviewedService, WhenMissing};

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

    /// How the subject of tokens of its CI jobs begins, as both forges document it.
    #[must_use]
    pub fn token_subject(&self) -> String {
        match self.provider {
            Some(Forge::GitLab) => format!("project_path:{}:", self.name),
            Some(Forge::GitHub) | None => format!("repo:{}:", self.name),
        }
    }

    /// The label without which a fork's pull request has no preview.
    #[must_use]
    pub fn fork_label(&self) -> &str {
        self.fork_label.as_deref().filter(|label| !label.is_empty()).unwrap_or(FORK_LABEL)
    }
}

/// A Preview with gaps: `{number}` is the pull request's, `{branch}` its branch as a part of a name, `{commit}` the newest
/// commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PreviewTemplate {
    /// The name of the Preview. Required, and another for each pull request: it has `{number}` in it.
    pub name: String,
    /// As in a Preview.
    pub slug: Option<String>,
    /// As in a Preview.
    pub services: Vec<TemplateService>,
    /// As in a Preview.
    pub entrypoints: Vec<PreviewEntrypoint>,
    /// As in a Preview.
    pub access: Option<PreviewAccess>,
    /// As in a Preview.
    pub lifetime: Option<PreviewLifetime>,
}

/// A service that is replaced, with gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct TemplateService {
    /// Whose requests go elsewhere. Required.
    pub baseline: String,
    /// Who gets them. Required.
    pub backend: String,
    /// As in a Preview.
    #[serde(rename = "match")]
    pub matches: Option<PreviewMatch>,
    /// As in a Preview.
    #[serde(rename = "whenMissing")]
    pub when_missing: Option<WhenMissing>,
}

/// What stands in the gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gaps {
    number: String,
    branch: String,
    commit: String,
}

/// The longest part of a name that a branch becomes.
const LONGEST_BRANCH: usize = 28;

impl Gaps {
    /// Of a pull request. Whatever a branch is called, it becomes lower-case letters, digits and single dashes.
    #[must_use]
    pub fn new(number: u64, branch: &str, commit: &str) -> Self {
        let plain = branch.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
        let plain: String = plain.collect();
        let words: Vec<_> = plain.split('-').filter(|word| !word.is_empty()).collect();
        let mut branch = words.join("-");
        branch.truncate(LONGEST_BRANCH);
        let branch = branch.trim_end_matches('-');
        let branch = if branch.is_empty() { "branch" } else { branch };
        let commit = commit.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_ascii_lowercase();
        Self { number: number.to_string(), branch: branch.to_owned(), commit }
    }

    /// The longest that there are.
    pub(crate) fn longest() -> Self {
        Self::new(u32::MAX.into(), &"x".repeat(LONGEST_BRANCH), &"0".repeat(40))
    }

    fn fill(&self, text: &str) -> String {
        let filled = text.replace("{number}", &self.number).replace("{branch}", &self.branch);
        filled.replace("{commit}", &self.commit)
    }
}

/// What comes of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    /// The name of the Preview.
    pub name: String,
    /// What it says.
    pub spec: Preview,
}

impl PreviewTemplate {
    /// The Preview of a pull request.
    ///
    /// # Errors
    /// The service of which a field names none, that field, and why.
    pub fn fill(&self, gaps: &Gaps) -> Result<Filled, (usize, &'static str, crate::ServiceRefError)> {
        let mut services = Vec::new();
        for (index, service) in self.services.iter().enumerate() {
            let parse = |field: &'static str, text: &str| match &*gaps.fill(text) {
                "" => Ok(crate::ServiceRef::default()),
                text => text.parse().map_err(|error| (index, field, error)),
            };
            services.push(PreviewedService {
                baseline: parse("baseline", &service.baseline)?,
                backend: parse("backend", &service.backend)?,
                matches: service.matches.clone(),
                tunnel: None,
                when_missing: service.when_missing,
            });
        }
        let entrypoints = self.entrypoints.clone();
        let slug = self.slug.as_ref().map(|slug| gaps.fill(slug));
        let (access, lifetime) = (self.access.clone(), self.lifetime.clone());
        let spec = Preview { slug, services, entrypoints, access, lifetime, ..Preview::default() };
        Ok(Filled { name: gaps.fill(&self.name), spec })
    }
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_branch_is_called_it_becomes_part_of_a_name() {
        for (branch, part) in [
            ("fix/Tax", "fix-tax"),
            ("--a__b--", "a-b"),
            ("{number}", "number"),
            ("", "branch"),
            ("\u{1f600}", "branch"),
            ("a/b@evil.example:80", "a-b-evil-example-80"),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaa-bbb", "aaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ] {
            assert_eq!(Gaps::new(7, branch, "AB-12 ").fill("{branch}.{number}.{commit}"), format!("{part}.7.ab12"));
        }
    }
}

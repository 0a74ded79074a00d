//! The Preview of a pull request, with gaps for what is known of that: a part of a `PreviewPolicy`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Preview, PreviewAccess, PreviewDocs, PreviewEntrypoint, PreviewInclude, PreviewLifetime, PreviewMatch,
    PreviewedService, WhenMissing,
};

/// A Preview with gaps: `{number}` is the pull request's, `{branch}` its branch as a part of a name, `{commit}` the newest
/// commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PreviewTemplate {
    /// The name of the Preview. Required, and another for each pull request: it has `{number}` in it, and no digit and no other gap right beside that.
    pub name: String,
    /// As in a Preview.
    pub slug: Option<String>,
    /// As in a Preview.
    pub services: Vec<TemplateService>,
    /// As in a Preview, with gaps in their names.
    pub includes: Vec<PreviewInclude>,
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
    /// Who gets them. Required, unless `tunnel` stands instead.
    pub backend: String,
    /// As in a Preview.
    pub tunnel: Option<bool>,
    /// As in a Preview.
    #[serde(rename = "match")]
    pub matches: Option<PreviewMatch>,
    /// As in a Preview.
    #[serde(rename = "whenMissing")]
    pub when_missing: Option<WhenMissing>,
    /// As in a Preview.
    pub docs: Option<PreviewDocs>,
}

/// What stands in the gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gaps {
    number: String,
    branch: String,
    commit: String,
}

/// The longest part of a name that a branch becomes.
pub const LONGEST_BRANCH: usize = 28;

impl Gaps {
    /// Of a pull request. `branch` is its branch as a part of a name.
    #[must_use]
    pub fn new(number: u64, branch: String, commit: &str) -> Self {
        let commit = commit.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_ascii_lowercase();
        Self { number: number.to_string(), branch, commit }
    }

    /// The longest that there are.
    pub(crate) fn longest() -> Self {
        Self::new(u32::MAX.into(), "x".repeat(LONGEST_BRANCH), &"0".repeat(40))
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
    /// Whether the Preview of some pull request is called so.
    #[must_use]
    pub fn makes(&self, name: &str) -> bool {
        fits(&self.name, name)
    }

    /// The first service of which others may stand behind the backend than what a commit has: its name is the same for the next.
    #[must_use]
    pub fn unpinned(&self) -> Option<usize> {
        self.services.iter().position(|service| !service.backend.contains("{commit}"))
    }

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
                tunnel: service.tunnel,
                when_missing: service.when_missing,
                docs: service.docs.clone(),
            });
        }
        let entrypoints = self.entrypoints.clone();
        let slug = self.slug.as_ref().map(|slug| gaps.fill(slug));
        let (access, lifetime) = (self.access.clone(), self.lifetime.clone());
        let filled = |include: &PreviewInclude| PreviewInclude { name: gaps.fill(&include.name), ..include.clone() };
        let includes = self.includes.iter().map(filled).collect();
        let spec = Preview { slug, services, includes, entrypoints, access, lifetime, ..Preview::default() };
        Ok(Filled { name: gaps.fill(&self.name), spec })
    }
}

/// Whether a text is what becomes of a pattern with gaps.
fn fits(pattern: &str, text: &str) -> bool {
    let gap = |name: &str| pattern.strip_prefix(name);
    let within = |rest: &str, least: usize, takes: fn(u8) -> bool| {
        let longest = text.bytes().take_while(|byte| takes(*byte)).count();
        (least..=longest).any(|length| fits(rest, &text[length..]))
    };
    if let Some(rest) = gap("{number}") {
        within(rest, 1, |byte| byte.is_ascii_digit())
    } else if let Some(rest) = gap("{branch}") {
        within(rest, 1, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    } else if let Some(rest) = gap("{commit}") {
        within(rest, 0, |byte| byte.is_ascii_hexdigit())
    } else {
        match (pattern.chars().next(), text.chars().next()) {
            (None, None) => true,
            (Some(one), Some(other)) if one == other => fits(&pattern[one.len_utf8()..], &text[other.len_utf8()..]),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_makes_names_of_its_pattern_alone() {
        for (pattern, name, expected) in [
            ("cart-{number}", "cart-42", true),
            ("cart-{number}", "cart-", false),
            ("cart-{number}", "cart-42a", false),
            ("{number}-{number}", "1-22", true),
            ("{branch}-{number}", "fix-tax-1-2", true),
            ("{branch}-{number}", "fix-tax", false),
            ("c-{number}-{commit}", "c-1-9f3c", true),
            ("c-{number}-{commit}", "c-1-xyz", false),
            ("c-{number}", "C-1", false),
        ] {
            let template = PreviewTemplate { name: pattern.to_owned(), ..PreviewTemplate::default() };
            assert_eq!(template.makes(name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_template_says_all_that_a_preview_may_say_of_services() {
        let template: PreviewTemplate = serde_json::from_value(serde_json::json!({
            "name": "cart-{number}",
            "services": [{"baseline": "cart", "tunnel": true, "whenMissing": "Baseline", "docs": {"ignored": true}}],
            "includes": [{"name": "api-{branch}", "namespace": "api"}, {"name": "web-{number}"}],
        }))
        .unwrap();
        let spec = template.fill(&Gaps::new(42, "fix".to_owned(), "9f3c")).unwrap().spec;
        assert!(spec.services[0].is_tunnel() && spec.services[0].backend.is_absent());
        assert_eq!(spec.services[0].docs, Some(PreviewDocs { path: None, ignored: Some(true) }));
        let included: Vec<_> = spec.includes.iter().map(|it| (&*it.name, it.namespace.as_deref())).collect();
        assert_eq!(included, [("api-fix", Some("api")), ("web-42", None)]);
        // What a developer runs there is of no commit that anybody has looked at.
        assert_eq!(template.unpinned(), Some(0));
    }
}

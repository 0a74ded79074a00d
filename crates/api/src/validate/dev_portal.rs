//! What a developer portal shows.

use super::docs::{WITH_LOGIN, scheme_and_authority};
use super::filter::found;
use super::{invalid, missing, no_effect};
use crate::parse::Issues;
use crate::yaml::Path;
use crate::{DevPortal, LONGEST_DOCS_TIMEOUT_MS, PortalContent, PortalDocs};

/// Checks a `DevPortal`.
pub(crate) fn dev_portal(portal: &DevPortal, path: &Path<'_>, issues: &mut Issues<'_>) {
    if let Some(content) = &portal.content {
        self::content(content, &path.key("content"), issues);
    }
    let docs = path.key("docs");
    for (index, one) in portal.docs.iter().enumerate() {
        static_docs(one, &docs.index(index), issues);
        if portal.docs[..index].iter().any(|other| other.service == one.service && !one.service.is_empty()) {
            invalid(&docs.index(index).key("service"), "is the name of another of them", issues);
        }
    }
    if portal.search.is_some_and(|search| !search.enabled && search.kind.is_some()) {
        no_effect(&path.key("search").key("type"), "has no effect while enabled is not true", issues);
    }
}

fn content(content: &PortalContent, path: &Path<'_>, issues: &mut Issues<'_>) {
    const INSTEAD: &str = "check it out beside the portal (git-sync does that in a cluster) and name the directory by \
                           --portal-content";
    if !content.url.is_empty() && !content.url.starts_with("file:///") {
        let message = format!("the portal fetches no repositories: {INSTEAD}; found {}", found(&content.url));
        no_effect(&path.key("url"), message, issues);
    }
    if !content.branch.is_empty() {
        no_effect(&path.key("branch"), format!("the portal shows what is checked out: {INSTEAD}"), issues);
    }
    if content.dir.split('/').any(|part| part == "..") {
        invalid(&path.key("dir"), "must not lead upwards (..)", issues);
    }
}

fn static_docs(docs: &PortalDocs, path: &Path<'_>, issues: &mut Issues<'_>) {
    if docs.service.trim().is_empty() {
        missing(&path.key("service"), issues);
    }
    let url = path.key("url");
    if docs.url.is_empty() {
        missing(&url, issues);
    } else if !docs.url.starts_with("https://") && !docs.url.starts_with("http://") {
        invalid(&url, format!("expected https://… or http://…, found {}", found(&docs.url)), issues);
    } else if scheme_and_authority(&docs.url).is_some_and(|(_, authority)| authority.is_empty()) {
        invalid(&url, format!("names no host: {}", found(&docs.url)), issues);
    } else if scheme_and_authority(&docs.url).is_some_and(|(_, authority)| authority.contains('@')) {
        no_effect(&url, WITH_LOGIN, issues);
    }
    if docs.timeout_ms.is_some_and(|timeout| timeout > LONGEST_DOCS_TIMEOUT_MS) {
        let message = format!("documents are waited for {LONGEST_DOCS_TIMEOUT_MS} ms at most");
        no_effect(&path.key("timeout_ms"), message, issues);
    }
}

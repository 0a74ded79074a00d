//! Repositories of a `PreviewPolicy`, with the templates of their previews.

use std::collections::BTreeSet;

use super::{filter, invalid, missing, no_effect};
use crate::parse::Issues;
use crate::text::shorten;
use crate::yaml::Path;
use crate::{Forge, Gaps, PreviewCreators, PreviewRepository, PreviewTemplate};

/// The longest name of an object that is written into a label.
const LONGEST_NAME: usize = 63;

/// The gap that each name has.
const NUMBER: &str = "{number}";

/// Checks who may create previews.
pub(super) fn creators(creators: &[PreviewCreators], path: &Path<'_>, issues: &mut Issues<'_>) {
    for (index, creators) in creators.iter().enumerate() {
        let path = path.index(index);
        for (field, is_empty) in
            [("groups", creators.groups.is_empty()), ("namespaces", creators.namespaces.is_empty())]
        {
            if is_empty {
                missing(&path.key(field), issues);
            }
        }
    }
}

/// Checks all repositories. Of the same one there can be only one.
pub(super) fn repositories(repositories: &[PreviewRepository], path: &Path<'_>, issues: &mut Issues<'_>) {
    let mut known = BTreeSet::new();
    for (index, repository) in repositories.iter().enumerate() {
        let path = path.index(index);
        if !known.insert((repository.provider, repository.name.to_ascii_lowercase(), repository.api())) {
            invalid(&path.key("name"), "is there already", issues);
        }
        one(repository, &path, issues);
    }
}

fn one(repository: &PreviewRepository, path: &Path<'_>, issues: &mut Issues<'_>) {
    if repository.provider.is_none() {
        missing(&path.key("provider"), issues);
    }
    if repository.namespace.is_empty() {
        missing(&path.key("namespace"), issues);
    }
    name(&repository.name, &path.key("name"), issues);
    for (field, number) in [("id", repository.id), ("ownerId", repository.owner_id)] {
        if number.is_some() && repository.provider == Some(Forge::GitLab) {
            invalid(
                &path.key(field),
                "counts with the provider GitHub alone: tokens of GitLab have no numbers",
                issues,
            );
        }
    }
    for (field, url) in [("api", repository.api()), ("tokenIssuer", repository.token_issuer())] {
        filter::url(url, &path.key(field), issues);
    }
    if let Some(found) = &repository.preview {
        template(found, &path.key("preview"), issues);
        if repository.secret_name.is_none() {
            let message =
                "there is no secretName beside it: without a Secret no webhook is believed, and no forge asked";
            no_effect(&path.key("preview"), message, issues);
        }
        let wants_forks = repository.fork_label.is_some();
        if let Some(index) = found.unpinned().filter(|_| wants_forks) {
            let message = "has no {commit}: pull requests of forks have no preview, since the label is for a commit";
            no_effect(&path.key("preview").key("services").index(index).key("backend"), message, issues);
        }
    }
}

/// It becomes a part of paths of the forge's API.
fn name(name: &str, path: &Path<'_>, issues: &mut Issues<'_>) {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_part = |part: &str| !part.trim_matches('.').is_empty() && part.bytes().all(is_plain);
    if name.is_empty() {
        missing(path, issues);
    } else if !name.contains('/') || !name.split('/').all(is_part) {
        invalid(path, format!("expected OWNER/NAME, found \"{}\"", shorten(name)), issues);
    }
}

/// Checks a template by what comes of it.
fn template(template: &PreviewTemplate, path: &Path<'_>, issues: &mut Issues<'_>) {
    let gaps = Gaps::longest();
    let field = path.key("name");
    if template.name.is_empty() {
        missing(&field, issues);
    } else if !template.name.contains(NUMBER) {
        invalid(&field, "needs {number} in it: each pull request has a Preview of its own", issues);
    } else if !has_number_apart(&template.name) {
        let message = "has a digit or another gap right beside {number}: two pull requests could have the same name; put a dash between";
        invalid(&field, message, issues);
    }
    let filled = match template.fill(&gaps) {
        Ok(filled) => filled,
        Err((index, field, error)) => {
            invalid(&path.key("services").index(index).key(field), error.to_string(), issues);
            return;
        }
    };
    if filled.name.len() > LONGEST_NAME {
        invalid(&field, format!("can become longer than {LONGEST_NAME} characters: {}", filled.name), issues);
    } else if !filled.name.is_empty() && !is_name(&filled.name) {
        let message = "expected lower-case letters, digits and dashes, with {number}, {branch} or {commit} among them";
        invalid(&field, format!("{message}, found \"{}\"", shorten(&template.name)), issues);
    }
    super::preview(&filled.spec, path, issues);
}

/// Whether it shows in each name where the number begins and ends: that of #1 with the branch 2-x is not that of #12.
fn has_number_apart(name: &str) -> bool {
    let is_apart = |beside: Option<char>| beside.is_none_or(|c| !c.is_ascii_digit() && !matches!(c, '{' | '}'));
    let sides = name.match_indices(NUMBER).map(|(at, gap)| (&name[..at], &name[at + gap.len()..]));
    sides.into_iter().any(|(before, after)| is_apart(before.chars().next_back()) && is_apart(after.chars().next()))
}

fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.bytes().all(is_plain) && !name.starts_with('-') && !name.ends_with('-')
}

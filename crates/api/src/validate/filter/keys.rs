//! Keys and passwords.

use super::super::value::{header_text, is_token};
use super::super::{header, invalid, missing};
use super::needed;
use crate::parse::Issues;
use crate::yaml::Path;
use crate::{ApiKeyFilter, BasicFilter, KeySource};

pub(super) fn api_key(filter: &mut ApiKeyFilter, path: &Path<'_>, issues: &mut Issues<'_>) {
    for text in [&mut filter.http_header, &mut filter.identity_header] {
        text.take_if(|text| text.is_empty());
    }
    name(filter.http_header.as_deref(), &path.key("httpHeader"), issues);
    identity(filter.identity_header.as_deref(), path, issues);
    let keys = path.key("keys");
    if filter.keys.is_empty() {
        missing(&keys, issues);
    }
    for (index, key) in filter.keys.iter().enumerate() {
        needed(&[("secretName", &key.secret_name)], &keys.index(index), issues);
    }
    let sources = path.key("sources");
    for (index, one) in filter.sources.iter().enumerate() {
        source(one, &sources.index(index), issues);
    }
}

fn source(source: &KeySource, path: &Path<'_>, issues: &mut Issues<'_>) {
    let KeySource { header, authorization, cookie, query } = source;
    let texts = [("header", header), ("authorization", authorization), ("cookie", cookie), ("query", query)];
    let mut there = texts.into_iter().filter_map(|(field, text)| Some((field, text.as_deref()?)));
    match (there.next(), there.next()) {
        (Some(("query", text)), None) if !text.is_empty() => {}
        (Some((field, text)), None) => name(Some(text), &path.key(field), issues),
        _ => invalid(path, "expected exactly one of header, authorization, cookie and query", issues),
    }
}

pub(super) fn basic(filter: &mut BasicFilter, path: &Path<'_>, issues: &mut Issues<'_>) {
    for text in [&mut filter.realm, &mut filter.identity_header] {
        text.take_if(|text| text.is_empty());
    }
    needed(&[("secretName", &filter.secret_name)], path, issues);
    header_text(filter.realm.as_deref(), &path.key("realm"), issues);
    identity(filter.identity_header.as_deref(), path, issues);
}

fn identity(text: Option<&str>, path: &Path<'_>, issues: &mut Issues<'_>) {
    if let Some(text) = text {
        header::changed_name(text, &path.key("identityHeader"), issues);
        header::tell_of_word(text, &path.key("identityHeader"), issues);
    }
}

fn name(text: Option<&str>, path: &Path<'_>, issues: &mut Issues<'_>) {
    if let Some(text) = text.filter(|text| !is_token(text)) {
        issues.error(path, "InvalidHeaderName", format!("\"{}\" is no such name", crate::text::shorten(text)));
    }
}

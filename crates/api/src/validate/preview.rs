//! Previews and their policies.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::value::header_text;
use super::{docs, filter_policy, header, hostname, invalid, missing, preview_repository, target};
use crate::parse::Issues;
use crate::text::shorten;
use crate::yaml::Path;
use crate::{Preview, PreviewAccess, PreviewAccessMode, PreviewInclude, PreviewMatch, PreviewPolicy, PreviewedService};

/// What one preview may replace, and at how many hosts it may be seen.
const MOST_SERVICES: usize = 32;
const MOST_ENTRYPOINTS: usize = 16;
/// How many others it may name whose services it replaces as well.
const MOST_INCLUDES: usize = 16;

/// A DNS label holds 63 characters: an entrypoint, two dashes, a slug, a dash and sixteen that tell apart.
const LONGEST_ENTRYPOINT: usize = 16;
const LONGEST_SLUG: usize = 28;
/// A name holds 253, a label and a dot among them.
const LONGEST_DOMAIN: usize = 189;

/// Headers that hold the key of a preview besides those that always do.
const MOST_HEADERS: usize = 8;
/// Headers that mean something to everybody.
const TAKEN_HEADERS: [&str; 12] = [
    "authorization",
    "baggage",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "forwarded",
    "te",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "upgrade",
];
const TAKEN_PREFIXES: [&str; 3] = ["x-nuncio-", "x-forwarded-", "x-envoy-"];

/// Checks a Preview.
pub(crate) fn preview(preview: &Preview, path: &Path<'_>, issues: &mut Issues<'_>) {
    if let Some(slug) = &preview.slug {
        label(slug, LONGEST_SLUG, &path.key("slug"), issues);
    }
    let services = path.key("services");
    match preview.includes.is_empty() {
        true => count(preview.services.len(), MOST_SERVICES, &services, issues),
        false => count_at_most(preview.services.len(), MOST_SERVICES, &services, issues),
    }
    includes(&preview.includes, &path.key("includes"), issues);
    for (index, service) in preview.services.iter().enumerate() {
        let path = services.index(index);
        target(&service.baseline, &path.key("baseline"), issues);
        backend(service, &path.key("backend"), issues);
        service.matches.iter().for_each(|it| matches(it, &path.key("match"), issues));
        docs::previewed(service, &path.key("docs"), issues);
        if preview.services[..index].iter().any(|other| takes_all_of(other, service)) {
            invalid(&path.key("baseline"), "is replaced already", issues);
        }
    }
    entrypoints(preview, &path.key("entrypoints"), issues);
    access(preview.access.as_ref(), &path.key("access"), issues);
    let end = preview.lifetime.as_ref().and_then(|lifetime| Some((lifetime, lifetime.expires_at.as_deref()?)));
    if let Some((_, text)) = end.filter(|(lifetime, _)| lifetime.end().is_none()) {
        let message = format!("expected a time like \"2026-12-24T18:00:00Z\", found \"{}\"", shorten(text));
        invalid(&path.key("lifetime").key("expiresAt"), message, issues);
    }
}

/// Whether nothing is left for `later` of what `first` replaces.
fn takes_all_of(first: &PreviewedService, later: &PreviewedService) -> bool {
    let place = |service: &PreviewedService| (service.baseline.host.clone(), service.baseline.port);
    place(first) == place(later) && (first.matches.is_none() || first.matches == later.matches)
}

fn matches(matches: &PreviewMatch, path: &Path<'_>, issues: &mut Issues<'_>) {
    if *matches == PreviewMatch::default() {
        missing(&path.key("prefix"), issues);
    }
    let is_path = |text: &String| text.starts_with('/') && !text.contains(['?', '#']) && text.is_ascii();
    if let Some(prefix) = matches.prefix.as_ref().filter(|prefix| !is_path(prefix)) {
        let message = format!("expected the beginning of a path, such as \"/cart/\", found \"{}\"", shorten(prefix));
        invalid(&path.key("prefix"), message, issues);
    }
    header_text(matches.prefix.as_deref(), &path.key("prefix"), issues);
    let is_method =
        |text: &String| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
    if let Some(method) = matches.method.as_ref().filter(|method| !is_method(method)) {
        invalid(
            &path.key("method"),
            format!("expected a method such as \"GET\", found \"{}\"", shorten(method)),
            issues,
        );
    }
    header::matched(&matches.headers, &path.key("headers"), issues);
    for name in matches.headers.keys().filter(|name| is_written_inside(&name.to_ascii_lowercase())) {
        let message =
            "is written by the gateway itself: what it says of a request would lead it to a service that it is not for";
        issues.error(&path.key("headers").key(name), "NotAllowed", message);
    }
}

/// Whether clients are not the only ones who write a header: logins take their cookies out.
fn is_written_inside(name: &str) -> bool {
    name == "cookie" || TAKEN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn includes(includes: &[PreviewInclude], path: &Path<'_>, issues: &mut Issues<'_>) {
    count_at_most(includes.len(), MOST_INCLUDES, path, issues);
    let mut known = BTreeSet::new();
    for (index, include) in includes.iter().enumerate() {
        let path = path.index(index);
        let path = path.key("name");
        if include.name.is_empty() {
            missing(&path, issues);
        } else if !known.insert((&include.name, &include.namespace)) {
            invalid(&path, "is included already", issues);
        }
    }
}

fn backend(service: &PreviewedService, path: &Path<'_>, issues: &mut Issues<'_>) {
    match (service.is_tunnel(), service.backend.is_absent()) {
        (true, true) => {}
        (true, false) => invalid(path, "excludes `tunnel`: name one of the two", issues),
        (false, _) => target(&service.backend, path, issues),
    }
}

fn access(access: Option<&PreviewAccess>, path: &Path<'_>, issues: &mut Issues<'_>) {
    let nothing = PreviewAccess::default();
    let access = access.unwrap_or(&nothing);
    let Some(mode) = access.mode else { return missing(&path.key("mode"), issues) };
    let is_named = access.owner.as_ref().is_some_and(|owner| !owner.is_empty());
    // Who names somebody does not mean everybody.
    let named = [
        ("groups", PreviewAccessMode::Members, !access.groups.is_empty()),
        ("owner", PreviewAccessMode::Owner, is_named),
    ];
    for (field, wants, is_there) in named {
        match (mode == wants, is_there) {
            (true, false) => missing(&path.key(field), issues),
            (false, true) => invalid(&path.key(field), format!("counts with the mode {wants:?} alone"), issues),
            _ => {}
        }
    }
}

fn entrypoints(preview: &Preview, path: &Path<'_>, issues: &mut Issues<'_>) {
    count(preview.entrypoints.len(), MOST_ENTRYPOINTS, path, issues);
    let mut names = BTreeSet::new();
    for (index, entrypoint) in preview.entrypoints.iter().enumerate() {
        let path = path.index(index);
        label(&entrypoint.name, LONGEST_ENTRYPOINT, &path.key("name"), issues);
        if entrypoint.name.len() == 2 {
            // With the two dashes behind it, it would look like an internationalized name (RFC 5891, section 4.2.3.1).
            invalid(&path.key("name"), "must not have just two characters", issues);
        }
        if !names.insert(&entrypoint.name) {
            invalid(&path.key("name"), "is the name of another entrypoint", issues);
        }
        hostname::exact(&entrypoint.host, &path.key("host"), issues);
    }
}

/// Checks a `PreviewPolicy`.
pub(crate) fn preview_policy(policy: &mut PreviewPolicy, path: &Path<'_>, issues: &mut Issues<'_>) {
    preview_domain(policy, path, issues);
    if let Some(host) = host_below_domain(policy) {
        let message = format!("would take {host} from its services: names right below it are for previews alone");
        invalid(&path.key("domain"), message, issues);
    }
    for (field, is_empty) in [
        ("namespaces", policy.namespaces.is_empty()),
        ("hosts", policy.hosts.is_empty()),
        ("access", policy.access.is_empty()),
    ] {
        if is_empty {
            missing(&path.key(field), issues);
        }
    }
    if policy.access.iter().any(|mode| mode.asks_filters()) && policy.filters.is_empty() {
        missing(&path.key("filters"), issues);
    }
    let filters = path.key("filters");
    for (index, used) in policy.filters.iter().enumerate() {
        filter_policy::used(used, &filters.index(index), issues);
    }
    preview_repository::creators(&policy.creators, &path.key("creators"), issues);
    preview_repository::repositories(&policy.repositories, &path.key("repositories"), issues);
    let hosts = path.key("hosts");
    for (index, host) in policy.hosts.iter().enumerate() {
        hostname::glob(host, &hosts.index(index), issues);
    }
    preview_headers(policy, path, issues);
    let trusted = path.key("trustedUpstreams");
    for (index, host) in policy.trusted_upstreams.iter().enumerate().filter(|(_, host)| host.parse::<IpAddr>().is_err())
    {
        hostname::glob(host, &trusted.index(index), issues);
    }
    if policy.port == Some(0) {
        invalid(&path.key("port"), "expected a port from 1 to 65535, found 0", issues);
    }
}

/// Checks the domain of a `PreviewPolicy`.
pub(crate) fn preview_domain(policy: &mut PreviewPolicy, path: &Path<'_>, issues: &mut Issues<'_>) {
    let path = path.key("domain");
    if policy.domain.is_empty() {
        return missing(&path, issues);
    }
    if let Some(domain) = policy.domain.strip_prefix("*.") {
        let message = format!("names of previews are below it by themselves: write {}", shorten(domain));
        return invalid(&path, message, issues);
    }
    hostname::exact(&policy.domain, &path, issues);
    if policy.domain.len() > LONGEST_DOMAIN {
        let message = format!("is longer than {LONGEST_DOMAIN} characters: hosts below it would have no room");
        invalid(&path, message, issues);
    }
}

/// A host of which there may be previews, and which the domain keeps for previews: a slip of the pen.
pub(crate) fn host_below_domain(policy: &PreviewPolicy) -> Option<&str> {
    let domain = policy.domain.to_ascii_lowercase();
    let is_right_below = |host: &&String| {
        let host = host.to_ascii_lowercase();
        host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == domain)
    };
    policy.hosts.iter().find(is_right_below).map(String::as_str)
}

/// Headers whose value the gateway replaces. What others mean by theirs is not for it to write.
pub(crate) fn preview_headers(policy: &mut PreviewPolicy, path: &Path<'_>, issues: &mut Issues<'_>) {
    let path = path.key("headers");
    count_at_most(policy.headers.len(), MOST_HEADERS, &path, issues);
    for (index, name) in policy.headers.iter().enumerate() {
        let path = path.index(index);
        let name = name.to_ascii_lowercase();
        header::changed_name(&name, &path, issues);
        let is_of_all = TAKEN_HEADERS.contains(&name.as_str()) || TAKEN_PREFIXES.iter().any(|it| name.starts_with(it));
        if is_of_all {
            invalid(&path, "has a meaning of its own already", issues);
        }
    }
}

fn count_at_most(found: usize, most: usize, path: &Path<'_>, issues: &mut Issues<'_>) {
    if found > most {
        invalid(path, format!("at most {most} may be named, found {found}"), issues);
    }
}

fn count(found: usize, most: usize, path: &Path<'_>, issues: &mut Issues<'_>) {
    match found {
        0 => missing(path, issues),
        found => count_at_most(found, most, path, issues),
    }
}

/// Part of a DNS label that others follow behind two dashes.
fn label(text: &str, longest: usize, path: &Path<'_>, issues: &mut Issues<'_>) {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if text.is_empty() {
        missing(path, issues);
    } else if text.len() > longest {
        invalid(path, format!("is longer than {longest} characters"), issues);
    } else if !text.bytes().all(is_plain) || text.starts_with('-') || text.ends_with('-') || text.contains("--") {
        let message = "expected lower-case letters, digits and single dashes between them";
        invalid(path, format!("{message}, found \"{}\"", shorten(text)), issues);
    }
}

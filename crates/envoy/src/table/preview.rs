//! What the tables of previews have that others have not.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use envoy_types::pb::envoy::config::core::v3::{HeaderValueOption, Metadata};
use envoy_types::pb::envoy::config::route::v3::{Route as PbRoute, VirtualCluster};
use envoy_types::pb::google::protobuf::{Struct, Value, value};
use nuncio_ir::{
    Arm, BAGGAGE_HEADER, BAGGAGE_MEMBER, BAGGAGE_NAME_MEMBER, Backend, FOREIGN_HEADER, Forward, HeaderAdd, HeaderMatch,
    PREVIEW_HEADER, PreviewContext, Route, RouteAction, Table, ValueMatch, VirtualHost,
};

use crate::listener::{PREVIEW_FILTER, SELECT_FILTER};
use crate::{header, matcher};

/// What all upstreams are told. Where there are strangers each arm says it by itself.
pub(super) fn told(table: &Table) -> Vec<HeaderValueOption> {
    let told = table.preview.as_ref().filter(|_| table.strangers.is_empty()).map(key);
    told.into_iter().flatten().map(|add| header::overwrite(&add.name, &add.value)).collect()
}

/// The key, under every name that it has. What the filter of a miss keeps of a request's own baggage is taken away only by the
/// table itself, which comes last.
fn key(preview: &PreviewContext) -> Vec<HeaderAdd> {
    let key = header::literal(preview.key.expose());
    let name = preview.name.as_deref().map(|name| format!(",{BAGGAGE_NAME_MEMBER}={}", header::literal(name)));
    let baggage = format!("{BAGGAGE_MEMBER}={key}{}%REQ({FOREIGN_HEADER})%", name.unwrap_or_default());
    let add = |name: &str, value: &str| HeaderAdd { name: name.to_owned(), value: value.to_owned(), append: false };
    names(preview).map(|name| add(name, &key)).chain([add(BAGGAGE_HEADER, &baggage)]).collect()
}

fn names(preview: &PreviewContext) -> impl Iterator<Item = &str> {
    [PREVIEW_HEADER].into_iter().chain(preview.headers.iter().map(String::as_str))
}

/// The route where some upstream of the table may not know the key: it goes with those arms whose may, and what a service has
/// handed on of it goes no further with others. Of their baggage it was taken out when the request came.
pub(super) fn told_by_arms<'f>(table: &Table, forward: &'f Forward) -> Cow<'f, Forward> {
    let Some(preview) = table.preview.as_ref().filter(|_| !table.strangers.is_empty()) else {
        return Cow::Borrowed(forward);
    };
    let mut forward = forward.clone();
    for arm in &mut forward.arms {
        let Backend::Cluster(cluster) = &arm.backend else { continue };
        let is_stranger = table.strangers.contains(cluster);
        let edits = &mut Arc::make_mut(arm).request_headers;
        match is_stranger {
            true => edits.remove.extend(names(preview).map(str::to_owned)),
            false => edits.add.extend(key(preview)),
        }
    }
    Cow::Owned(forward)
}

/// Marks a route of a preview that is none of the baseline's; and one of the baseline that leads to a stranger, if only with
/// some of its requests or copies of them: the filter takes a key that services hand on out of them.
pub(super) fn mark(table: &Table, route: &Route, routes: &mut [PbRoute]) {
    if table.preview.is_some() && route.is_of_preview() {
        routes.iter_mut().for_each(|route| note(route, SERVED, "by", value::Kind::StringValue("preview".to_owned())));
    }
    let RouteAction::Forward(forward) = &route.action else { return };
    let of_arm = |arm: &Arc<Arm>| matches!(&arm.backend, Backend::Cluster(name) if table.strangers.contains(name));
    let is_copied = forward.mirrors.iter().any(|mirror| table.strangers.contains(&mirror.cluster));
    if table.preview.is_some() || !is_copied && !forward.arms.iter().any(of_arm) {
        return;
    }
    routes.iter_mut().for_each(|route| note(route, PREVIEW_FILTER, "stranger", value::Kind::BoolValue(true)));
}

fn note(route: &mut PbRoute, namespace: &str, name: &str, kind: value::Kind) {
    let metadata = route.metadata.get_or_insert_default();
    let fields = &mut metadata.filter_metadata.entry(namespace.to_owned()).or_default().fields;
    fields.insert(name.to_owned(), Value { kind: Some(kind) });
}

/// What is said of every answer: it is for nobody but who asked. A filter says more where the baseline has the same URL, since a
/// client has chosen the preview there; so does a service's way, which has no URL of its own. An empty value is none.
pub(super) fn answers(preview: &PreviewContext) -> [HeaderValueOption; 3] {
    let kept = match preview.origin {
        Some(_) => &format!("%DYNAMIC_METADATA({SELECT_FILTER}:cache-control)%"),
        None => "no-store",
    };
    // Beside what the service says of it: the strictest counts (RFC 9111, section 4.2.1).
    let private = header::appended("cache-control", "private");
    [header::overwrite("x-robots-tag", "noindex"), private, header::overwrite("cache-control", kept)]
}

/// Tells clients who answered. Most routes are the baseline's: it is said once for all, so that each costs nothing, and
/// then over again by what those have that are not. An empty value is none.
pub(super) fn served_by(table: &Table) -> Vec<HeaderValueOption> {
    let said = ["baseline", &format!("%METADATA(ROUTE:{SERVED}:by)%")];
    let said = said.map(|by| header::overwrite("x-nuncio-served-by", by));
    table.preview.iter().flat_map(|_| said.clone()).collect()
}

/// Where a route says that it is none of the baseline's.
const SERVED: &str = "nuncio.served";

/// Counts all requests of a preview, once for the host: a count of each route would take more than the route.
pub(super) fn counted(table: &Table) -> Option<VirtualCluster> {
    let preview = table.preview.as_ref()?;
    let any = HeaderMatch { name: ":method".to_owned(), value: ValueMatch::Present, invert: false };
    Some(VirtualCluster { name: preview.counted.to_string(), headers: vec![matcher::header(&any)] })
}

/// Whether a table is that of a preview, where a filter keeps visitors within it and its streams within bounds, or was: its URLs
/// may be links still.
pub(super) fn is_of_preview(table: &Table) -> bool {
    table.has_ended || table.preview.is_some()
}

/// What that filter is told; and the filter that leads requests to previews of such tables, and of those that stand for a
/// preview their names.
pub(super) fn metadata(table: &Table, host: &VirtualHost) -> Option<Metadata> {
    let said = |filter: &str, name: &str, value: &str| (filter.to_owned(), fields([(name, text(value))]));
    let kept = table.preview.as_ref().map(|preview| (PREVIEW_FILTER.to_owned(), kept_within(preview)));
    let is_own = table.preview.as_ref().is_some_and(|preview| preview.origin.is_some());
    let own = is_own.then(|| said(SELECT_FILTER, "own", "true"));
    let ended = table.has_ended.then(|| said(PREVIEW_FILTER, "ended", "true"));
    let stands = table.preview.is_none() && !table.scope.is_by_host();
    let named = stands.then(|| said(SELECT_FILTER, "preview", &host.name));
    let filter_metadata: HashMap<_, _> = kept.into_iter().chain(own).chain(ended).chain(named).collect();
    (!filter_metadata.is_empty()).then(|| Metadata { filter_metadata, ..Default::default() })
}

/// The bounds of a preview's streams, and at its own host what its hosts stand for, each by the name that services know.
fn kept_within(preview: &PreviewContext) -> Struct {
    #[expect(clippy::cast_precision_loss, reason = "times of this age are whole numbers there")]
    let number = |seconds: u64| value::Kind::NumberValue(seconds as f64);
    let bounds = [("longest", Some(preview.streams.longest)), ("end", preview.streams.end)];
    let bounds = bounds.into_iter().filter_map(|(name, seconds)| Some((name, number(seconds?))));
    let own = preview.origin.as_deref().zip(preview.baseline.as_deref());
    // Of two names of a kind the last counts here.
    let hosts = preview.entrypoints.iter().rev().map(|(host, origin)| (&**host, &**origin));
    let hosts = hosts.chain(own.map(|(origin, host)| (host, origin)));
    let hosts = own.map(|_| value::Kind::StructValue(fields(hosts.map(|(host, origin)| (host, text(origin))))));
    // Who was let in by a link once may still say so; it is for nobody now.
    let linkless = own.filter(|_| !preview.by_links).map(|_| ("linkless", value::Kind::BoolValue(true)));
    let own = own.map(|(origin, host)| [("origin", text(origin)), ("host", text(host))]);
    fields(bounds.chain(own.into_iter().flatten()).chain(linkless).chain(hosts.map(|hosts| ("hosts", hosts))))
}

fn text(text: &str) -> value::Kind {
    value::Kind::StringValue(text.to_owned())
}

fn fields<'n>(fields: impl IntoIterator<Item = (&'n str, value::Kind)>) -> Struct {
    let fields = fields.into_iter().map(|(name, kind)| (name.to_owned(), Value { kind: Some(kind) })).collect();
    Struct { fields }
}

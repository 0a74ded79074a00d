//! What the tables of previews have that others have not.

use std::collections::HashMap;

use envoy_types::pb::envoy::config::core::v3::{HeaderValueOption, Metadata};
use envoy_types::pb::google::protobuf::{Struct, Value, value};
use nuncio_ir::{
    BAGGAGE_HEADER, BAGGAGE_MEMBER, FOREIGN_HEADER, PREVIEW_HEADER, PreviewContext, Route, Table, VirtualHost,
};

use crate::header;
use crate::listener::{PREVIEW_FILTER, SELECT_FILTER};

/// What upstreams are told: the key, under every name that it has. For the virtual host: what the filter of a miss keeps of a
/// request's own baggage is taken away only after this.
pub(super) fn told(preview: &PreviewContext) -> Vec<HeaderValueOption> {
    let key = header::literal(preview.key.expose());
    let names = [PREVIEW_HEADER].into_iter().chain(preview.headers.iter().map(String::as_str));
    let baggage = format!("{BAGGAGE_MEMBER}={key}%REQ({FOREIGN_HEADER})%");
    names.map(|name| header::overwrite(name, &key)).chain([header::overwrite(BAGGAGE_HEADER, &baggage)]).collect()
}

/// What is said of every answer: it is for nobody but who asked.
pub(super) fn answers() -> [HeaderValueOption; 2] {
    // Beside what the service says of it: the strictest counts (RFC 9111, section 4.2.1).
    [header::overwrite("x-robots-tag", "noindex"), header::appended("cache-control", "private")]
}

/// Tells clients who answered.
pub(super) fn served_by(route: &Route) -> HeaderValueOption {
    header::overwrite("x-nuncio-served-by", if route.is_of_preview() { "preview" } else { "baseline" })
}

/// Whether a table is that of a preview's own host, where a filter keeps visitors within the preview, or was: its URLs may be
/// links still.
pub(super) fn is_own(table: &Table) -> bool {
    table.has_ended || table.preview.as_ref().is_some_and(|preview| preview.origin.is_some())
}

/// What that filter is told; and the filter that leads requests to previews of such tables, and of those that stand for a
/// preview their names.
pub(super) fn metadata(table: &Table, host: &VirtualHost) -> Option<Metadata> {
    let text = |text: &str| Value { kind: Some(value::Kind::StringValue(text.to_owned())) };
    let of = |filter: &str, fields: &[(&str, &str)]| {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect();
        (filter.to_owned(), Struct { fields })
    };
    let own = table.preview.as_ref().and_then(|preview| {
        let (origin, host) = (preview.origin.as_deref()?, preview.baseline.as_deref()?);
        Some([of(PREVIEW_FILTER, &[("origin", origin), ("host", host)]), of(SELECT_FILTER, &[("own", "true")])])
    });
    let ended = table.has_ended.then(|| of(PREVIEW_FILTER, &[("ended", "true")]));
    let stands = table.preview.is_none() && !table.scope.is_by_host();
    let named = stands.then(|| of(SELECT_FILTER, &[("preview", &*host.name)]));
    let filter_metadata: HashMap<_, _> = own.into_iter().flatten().chain(ended).chain(named).collect();
    (!filter_metadata.is_empty()).then(|| Metadata { filter_metadata, ..Default::default() })
}

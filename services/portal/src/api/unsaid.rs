//! APIs of which no Mapping says that they have a document: a DevPortal names them, or they are looked for.

use std::collections::BTreeMap;

use super::{Api, ApiId, api, is_service, public_host};
use crate::fetch::{DocumentUrl, Service, Target};
use crate::gateway::{DEV_PORTAL, Docs, Path, PortalSpec, ServedApi, StaticDocs, Upstream};

/// Where frameworks have documents, and where Edge Stack asked for them once.
pub(super) const PLACES: [&str; 5] =
    ["/openapi.json", "/openapi.yaml", "/v3/api-docs", "/swagger.json", "/.ambassador-internal/openapi-docs"];

/// An API that may be there: of a service to which these lead.
pub(super) fn probed(routes: Vec<ServedApi>, published: &[(u16, u16)]) -> Option<Api> {
    let mut routes = routes.into_iter();
    let served = routes.next()?;
    let public_host = public_host(&served);
    let places = PLACES.map(|place| Service::new(&served.upstream, public_host, place));
    let target = Ok(Target::Probe(places.into()));
    Some(Api { is_probed: true, target, beside: routes.collect(), ..api(served, published) })
}

/// An API that a DevPortal names. Where its document is at the service of a Mapping, it is the API of that; of several, of the
/// first, and for those alone whom all of them are for.
pub(super) fn by_hand(docs: &StaticDocs, portal: &PortalSpec, told: &[ServedApi], published: &[(u16, u16)]) -> Api {
    let url = DocumentUrl::parse(&docs.url).ok();
    let at = url.as_ref().and_then(DocumentUrl::host_and_port);
    let namespace = portal.id.as_ref().map_or("", |id| id.namespace.as_str());
    let own: Vec<_> = told.iter().filter(|served| at.is_some_and(|at| is_service(at, namespace, served))).collect();
    let groups = own.iter().filter_map(|served| served.visible_to().map(<[String]>::to_vec));
    let visible_to = groups.reduce(|some, others| some.into_iter().filter(|group| others.contains(group)).collect());
    let mut served = own.first().map_or_else(|| nowhere(&docs.service), |served| (*served).clone());
    served.docs = Some(Docs {
        url: Some(docs.url.clone()),
        display_name: Some(docs.service.clone()),
        timeout_ms: docs.timeout_ms,
        visible_to,
        ..Docs::default()
    });
    Api { id: ApiId::of_dev_portal(namespace, &docs.service), ..api(served, published) }
}

/// What no route leads to.
fn nowhere(service: &str) -> ServedApi {
    let upstream =
        Upstream { service: service.to_owned(), endpoints: Vec::new(), names: Vec::new(), tls: None, host: None };
    ServedApi {
        kind: DEV_PORTAL.to_owned(),
        namespace: String::new(),
        name: service.to_owned(),
        annotations: BTreeMap::new(),
        selected: true,
        docs: None,
        path: Path::Prefix(String::new()),
        rewrite: None,
        method: None,
        conditions: Vec::new(),
        hosts: Vec::new(),
        upstream,
        rules: Vec::new(),
        asks_auth_service: false,
        credentials: Vec::new(),
        key_secrets: Vec::new(),
        always_asked: true,
        removed_headers: Vec::new(),
        timeout_ms: 0,
    }
}

//! What the DevPortal in force says.

use nuncio_api::{NamingScheme, SearchKind};
use nuncio_translate::World;

use crate::admin::{ObjectRef, PortalDocsView, PortalNaming, PortalSearch, PortalView};

pub(super) fn portal(world: &World) -> PortalView {
    let Some((id, portal)) = world.dev_portal() else { return PortalView::default() };
    let content = portal.content.clone().unwrap_or_default();
    let said = |text: String| Some(text).filter(|text| !text.is_empty());
    let docs = portal.docs.iter().map(|docs| PortalDocsView {
        service: docs.service.clone(),
        url: docs.url.clone(),
        timeout_ms: docs.timeout_ms,
    });
    PortalView {
        id: Some(ObjectRef::from(id)),
        // What is elsewhere is told as a problem of the object.
        content_url: said(content.url).filter(|url| url.starts_with("file:///")),
        content_dir: said(content.dir),
        docs: docs.collect(),
        naming: match portal.naming_scheme.unwrap_or_default() {
            NamingScheme::NamespaceName => PortalNaming::Namespace,
            NamingScheme::NamePrefix => PortalNaming::Prefix,
        },
        search: match portal.search.map(|search| (search.enabled, search.kind.unwrap_or_default())) {
            None | Some((true, SearchKind::AllContent)) => PortalSearch::All,
            Some((true, SearchKind::TitleOnly)) => PortalSearch::Titles,
            Some((false, _)) => PortalSearch::Off,
        },
        preserve_servers: portal.preserve_servers,
    }
}

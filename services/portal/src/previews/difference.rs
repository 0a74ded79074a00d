//! How the APIs of a preview differ from those of the baseline: what its branch would break.
//!
//! The documents of the baseline are those of the catalog; those of the preview are asked for when somebody wants to know, at
//! the services that its routes lead to.

use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use futures_util::future::join_all;
use serde::Serialize;
use utoipa::ToSchema;

use super::api::details;
use super::detail::Leads;
use super::link;
use super::list::Refused;
use super::problem::ProblemDetails;
use crate::api::{Api, Served};
use crate::catalog::Entry;
use crate::cause::Cause;
use crate::changes::Change;
use crate::fetch::Target;
use crate::gateway::{Docs, PortalSpec, ServedApi};
use crate::history::Version;
use crate::reference::Reference;
use crate::refresh::document;
use crate::web::{ChangesView, Frame, Visit, api_link, respond};

/// How many APIs are looked at, and how many of them at once.
const MOST: usize = 32;
const AT_ONCE: usize = 4;

/// How an API of a preview differs from that of the baseline.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PreviewApiDifference)]
pub(super) struct Difference {
    /// The namespace of the API.
    namespace: String,
    /// Its name.
    name: String,
    /// The service that answers within the preview.
    service: String,
    /// Whether clients of the baseline would break.
    breaking: bool,
    /// What differs, the worst first.
    changes: Vec<Change>,
    /// Why nothing is known of it, where that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// An API of the baseline that a preview has another version of.
struct Pair {
    entry: Arc<Entry>,
    reference: Arc<Reference>,
    service: String,
    served: ServedApi,
}

/// What a document says that another does not; why that is not known otherwise.
type Found = Result<Version, Cause>;

/// How the APIs of a preview differ from those of the baseline, of those that are for who asks.
#[utoipa::path(get, path = "/api/v1/previews/{namespace}/{name}/changes", tag = "previews",
    params(("namespace" = String, Path, description = "Its namespace"), ("name" = String, Path, description = "Its name")),
    responses((status = 200, description = "Each API that it has another version of", body = Vec<Difference>),
        (status = 401, description = "Nobody knows who asks", body = ProblemDetails),
        (status = 404, description = "There is no such preview", body = ProblemDetails)))]
pub(super) async fn changes(
    visit: Visit,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<Json<Vec<Difference>>, ProblemDetails> {
    let told = |(pair, found): (Pair, Found)| {
        let (changes, why) = match found {
            Ok(version) => (version.changes, None),
            Err(why) => (Vec::new(), Some(visit.told(&why))),
        };
        let id = pair.entry.api.id.clone();
        let breaking = changes.iter().any(Change::is_breaking);
        Difference { name: id.segment(), namespace: id.namespace, service: pair.service, breaking, changes, why }
    };
    Ok(Json(found(&visit, &namespace, &name).await?.into_iter().map(told).collect()))
}

#[derive(Template)]
#[template(path = "previews/changes.html")]
struct Page<'a> {
    frame: Frame<'a>,
    name: &'a str,
    link: String,
    rows: Vec<Row>,
}

/// An API on the page.
struct Row {
    title: String,
    link: String,
    service: String,
    /// What differs; nothing where all is the same.
    version: Option<ChangesView>,
    why: Option<String>,
}

/// The same for people.
pub(super) async fn page(visit: Visit, Path((namespace, name)): Path<(String, String)>) -> Result<Response, Refused> {
    let found = found(&visit, &namespace, &name).await.map_err(|problem| Refused::new(&visit, problem))?;
    let row = |(pair, found): (Pair, Found)| {
        let link = api_link(&pair.entry.api.id);
        let view = |version: &Version| ChangesView::between(version, &pair.reference, &link, visit.texts());
        let version = found.as_ref().ok().filter(|version| !version.changes.is_empty()).map(view);
        Row {
            title: pair.entry.title().to_owned(),
            service: pair.service,
            version,
            why: found.err().map(|why| visit.told(&why)),
            link,
        }
    };
    let rows = found.into_iter().map(row).collect();
    Ok(respond(&Page { frame: visit.frame(), name: &name, link: link(&namespace, &name), rows }).into_response())
}

/// Each API that a preview has another version of, with what differs.
async fn found(visit: &Visit, namespace: &str, name: &str) -> Result<Vec<(Pair, Found)>, ProblemDetails> {
    let detail = details(visit, namespace, name).await?;
    let pairs: Vec<_> = detail.upstreams.iter().filter_map(|leads| pair(visit, leads)).take(MOST).collect();
    let mut found = Vec::new();
    for some in pairs.chunks(AT_ONCE) {
        found.extend(join_all(some.iter().map(|pair| compare(visit, pair))).await);
    }
    Ok(pairs.into_iter().zip(found).collect())
}

/// The API that an object is of, as the preview has it; none where it is not for the reader, has no document, or the preview
/// says to ask for none.
fn pair(visit: &Visit, leads: &Leads) -> Option<Pair> {
    if leads.docs.ignored {
        return None;
    }
    let entry = visit.catalog().entries.iter().find(|entry| entry.api.served.is(&leads.object))?;
    let reference = entry.reference.clone()?;
    let served = standing_in(&entry.api, leads);
    Some(Pair { entry: Arc::clone(entry), reference, service: leads.upstream.service.clone(), served })
}

/// An API at the service that stands in for its own: what its own has, that one has at the same path, unless the preview says
/// another.
fn standing_in(api: &Api, leads: &Leads) -> ServedApi {
    let mut served = ServedApi { upstream: leads.upstream.clone(), selected: true, ..api.served.clone() };
    let path = match (&leads.docs.path, &api.target, &served.docs) {
        (Some(path), ..) => Some(path.clone()),
        (None, Ok(Target::Service(service)), Some(_)) => Some(service.path().to_owned()),
        _ => None,
    };
    if path.is_some() {
        served.docs = Some(Docs { url: None, path, invalid: None, ..served.docs.take().unwrap_or_default() });
    }
    served
}

async fn compare(visit: &Visit, pair: &Pair) -> Found {
    let elsewhere = || Cause::public("its document is elsewhere, so the preview has none of its own");
    // Of the service of another API, which is not for the reader, nothing is told by comparing it with one that is.
    if visit.keeps_from_reader(&pair.served.upstream) {
        return Err(elsewhere());
    }
    let served = Served::of(vec![pair.served.clone()], &PortalSpec::default(), &[], true);
    let target = served.apis.into_iter().next().ok_or_else(elsewhere)?.target.map_err(Cause::setup)?;
    if matches!(target, Target::Url(_)) {
        return Err(elsewhere());
    }
    let new = document(&visit.fetcher, &target, pair.entry.api.timeout).await?;
    let (old, api) = (Arc::clone(&pair.reference), Arc::clone(&pair.entry.api));
    let compared = tokio::task::spawn_blocking(move || Version::between(&old, &Reference::new(api, new)));
    compared.await.map_err(|_| Cause::public("comparing the documents failed"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::{Path, Rewrite, Upstream};
    use crate::previews::detail::PreviewDocs;

    #[test]
    fn a_document_at_the_service_is_asked_for_at_the_one_that_stands_in() {
        let target = |url: &str, said: Option<&str>| {
            let mut told =
                crate::mount::tests::served(Path::Prefix("/api/".to_owned()), Some(Rewrite::Matched("/".to_owned())));
            told.docs = Some(Docs { url: Some(url.to_owned()), ..Docs::default() });
            let of = |told| Served::of(vec![told], &PortalSpec::default(), &[], false).apis.remove(0);
            let baseline = of(told);
            let upstream = Upstream { service: "cart-v2:80".to_owned(), ..baseline.served.upstream.clone() };
            let docs = PreviewDocs { path: said.map(str::to_owned), ignored: false };
            let leads = Leads { object: baseline.served.object(), upstream, docs };
            of(standing_in(&baseline, &leads)).target.unwrap()
        };
        let own = target("http://cart/openapi.json?v=1", None);
        assert!(matches!(&own, Target::Service(at) if at.path() == "/openapi.json?v=1"), "{own:?}");
        assert!(format!("{own:?}").contains("cart-v2:80"), "{own:?}");
        assert!(matches!(target("https://docs.example/x", None), Target::Url(_)), "it is nobody's of the two");
        for baseline in ["http://cart/openapi.json", "https://docs.example/x"] {
            let said = target(baseline, Some("/v2/openapi.json"));
            assert!(matches!(&said, Target::Service(at) if at.path() == "/v2/openapi.json"), "{baseline}: {said:?}");
            assert!(format!("{said:?}").contains("cart-v2:80"), "{baseline}: {said:?}");
        }
    }
}

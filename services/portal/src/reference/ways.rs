//! The ways through the gateway to a service, and which operations of its document each leads to.

use super::Operation;
use crate::api::Api;
use crate::document::Document;
use crate::gateway::{ObjectRef, ServedApi};
use crate::mount::Mount;
use crate::rewrite::Outward;

/// The most ways beside an API's own that are looked at: some services have thousands.
const MOST_BESIDE: usize = 100;

/// A way whose paths can be told.
struct Way<'a> {
    served: &'a ServedApi,
    outward: Outward,
}

impl<'a> Way<'a> {
    fn of(served: &'a ServedApi, mount: Mount, document: &Document) -> Self {
        Self { served, outward: Outward::of(document, mount) }
    }

    fn takes(&self, method: &str) -> bool {
        self.served.method.as_deref().is_none_or(|only| only == method)
    }
}

/// All of them: that of the API's own Mapping first.
pub(crate) struct Ways<'a> {
    own: Option<Way<'a>>,
    beside: Vec<Way<'a>>,
}

impl<'a> Ways<'a> {
    pub(crate) fn of(api: &'a Api, document: &Document) -> Self {
        let own = api.mount.clone().ok().map(|mount| Way::of(&api.served, mount, document));
        let beside = api.beside.iter().take(MOST_BESIDE);
        let beside = beside.filter_map(|served| Some(Way::of(served, Mount::of(served, &[]).ok()?, document)));
        Self { own, beside: beside.collect() }
    }

    /// Whether it can be told how clients reach what.
    pub(super) fn is_known(&self) -> bool {
        self.own.is_some()
    }

    /// The path by which clients reach an operation. Another Mapping than the API's own counts where it is for the same names,
    /// and no secret to anybody who sees the API.
    pub(super) fn to(&self, inner: &str, method: &str) -> Option<String> {
        let own = self.own.as_ref()?;
        let at_same_hosts = self.seen().filter(|way| way.served.hosts == own.served.hosts);
        let mut all = std::iter::once(own).chain(at_same_hosts).filter(|way| way.takes(method));
        all.find_map(|way| way.outward.path(inner))
    }

    /// Those beside the API's own that are no secret to anybody who sees the API.
    fn seen(&self) -> impl Iterator<Item = &Way<'a>> {
        let visible_to = self.own.as_ref().and_then(|own| own.served.visible_to());
        self.beside.iter().filter(move |way| {
            let groups = way.served.visible_to();
            groups.is_none() || groups == visible_to
        })
    }

    /// Whether a route that is made of these objects leads requests for an operation to where its document has it.
    pub(crate) fn lead(&self, origin: &[ObjectRef], operation: &Operation) -> bool {
        let mut all =
            self.own.iter().chain(self.seen()).filter(|way| origin.iter().any(|object| way.served.is(object)));
        all.any(|way| way.outward.path(&operation.inner).as_deref() == Some(operation.path.as_str()))
    }

    /// The path for clients by the API's own Mapping, whatever methods it takes.
    pub(super) fn outer(&self, inner: &str) -> Option<String> {
        self.own.as_ref()?.outward.path(inner)
    }

    /// What leads to none of the operations.
    pub(super) fn undocumented(&self, operations: &[Operation]) -> Vec<ObjectRef> {
        let leads = |way: &Way<'_>| {
            let mut methods = operations.iter().filter(|operation| way.takes(&operation.method));
            methods.any(|operation| way.outward.path(&operation.inner).is_some())
        };
        let all = self.own.iter().chain(&self.beside);
        all.filter(|way| !leads(way)).map(|way| way.served.object()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::api::tests::of_service;
    use crate::gateway::{Docs, Path, Rewrite};
    use crate::reference::{Reference, Unrouted};

    /// A Mapping of this name to the same service.
    fn mapping(api: &Api, name: &str, prefix: &str, rewrite: &str, method: Option<&str>) -> ServedApi {
        ServedApi {
            name: name.to_owned(),
            docs: None,
            path: Path::Prefix(prefix.to_owned()),
            rewrite: Some(Rewrite::Matched(rewrite.to_owned())),
            method: method.map(str::to_owned),
            ..api.served.clone()
        }
    }

    fn reference(change: impl FnOnce(&mut Api)) -> Reference {
        let mut api = of_service();
        change(&mut api);
        api.mount = Mount::of(&api.served, &[]);
        let document = json!({ "openapi": "3.1.0", "paths": {
            "/carts/{user}": { "parameters": [{ "name": "user", "in": "path", "schema": { "type": "string" }, "example": "a b" }],
                "get": {}, "post": {} },
            "/stock/{sku}\"": { "get": {} } } });
        Reference::new(Arc::new(api), Arc::new(Document::read(document.to_string().into()).unwrap()))
    }

    fn ways(reference: &Reference) -> Vec<(&str, &str, bool)> {
        let operations = reference.operations.iter();
        operations.map(|one| (one.method.as_str(), one.sample.as_str(), one.unrouted.is_none())).collect()
    }

    #[test]
    fn another_mapping_may_lead_to_what_the_own_does_not() {
        let alone = reference(|api| {
            api.served.path = Path::Prefix("/api/carts/".into());
            api.served.rewrite = Some(Rewrite::Matched("/carts/".into()));
            api.served.method = Some("GET".to_owned());
        });
        let expected =
            [("GET", "/api/carts/a%20b", true), ("POST", "/api/carts/a%20b", false), ("GET", "/stock/sku%22", false)];
        assert_eq!(ways(&alone), expected);
        assert_eq!(alone.operations[1].unrouted, Some(Unrouted::Method("GET".to_owned())));
        let with_others = reference(|api| {
            api.served.path = Path::Prefix("/api/carts/".into());
            api.served.rewrite = Some(Rewrite::Matched("/carts/".into()));
            api.served.method = Some("GET".to_owned());
            let write = mapping(api, "write", "/write/", "/", Some("POST"));
            let mut elsewhere = mapping(api, "elsewhere", "/elsewhere/", "/", None);
            elsewhere.hosts[0].host = "other.example".to_owned();
            api.beside = vec![write, elsewhere];
        });
        let expected =
            [("GET", "/api/carts/a%20b", true), ("POST", "/write/carts/a%20b", true), ("GET", "/stock/sku%22", false)];
        assert_eq!(ways(&with_others), expected);
        assert_eq!((alone.unrouted(), with_others.unrouted()), (2, 1));
    }

    #[test]
    fn a_mapping_that_is_for_fewer_leads_nobody_else() {
        let for_staff = || Some(Docs { visible_to: Some(vec!["staff".to_owned()]), ..Docs::default() });
        let of = |docs: Option<Docs>| {
            let reference = reference(|api| {
                api.served.path = Path::Prefix("/api/carts/".into());
                api.served.rewrite = Some(Rewrite::Matched("/carts/".into()));
                let hidden = ServedApi { docs: for_staff(), ..mapping(api, "hidden", "/internal-7f3/", "/", None) };
                api.served.docs = docs;
                api.beside = vec![hidden];
            });
            reference.operations[2].path.clone()
        };
        assert_eq!(of(None), "/stock/{sku}\"", "as the service knows it");
        assert_eq!(of(for_staff()), "/internal-7f3/stock/{sku}\"");
    }

    #[test]
    fn what_leads_to_no_operation_is_not_documented() {
        let reference = reference(|api| {
            let admin = mapping(api, "admin", "/admin/", "/admin/", None);
            let delete = mapping(api, "delete", "/api/", "/", Some("DELETE"));
            let regex = ServedApi { path: Path::Regex("/x.*".into()), ..mapping(api, "regex", "", "/", None) };
            api.beside = vec![admin, delete, regex];
        });
        let all = reference.api.routes().filter(|served| !reference.documents(served));
        assert_eq!(all.map(|served| served.name.as_str()).collect::<Vec<_>>(), ["admin", "delete"]);
    }
}

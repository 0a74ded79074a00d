use super::*;
use crate::engine::fixture;

/// A shop with a preview for those who have a link to it.
fn shop() -> String {
    fixture::previewed_shop().replace("Public", "ShareLink")
}

/// A port by which services call each other.
const INSIDE: &str = "---
apiVersion: getambassador.io/v3alpha1
kind: Listener
metadata: {name: inside}
spec: {port: 8081, protocol: HTTP, securityModel: XFP, internal: true, hostBinding: {namespace: {from: ALL}}}
";

/// What is told of the cart, of these manifests.
fn cart(manifests: &str) -> (ApiView, crate::engine::Engine) {
    let engine = fixture::engine_of(manifests);
    let apis = apis(&engine.world, &ListQuery::default());
    (apis.into_iter().find(|api| api.id.name == "cart").unwrap(), engine)
}

#[test]
fn nobody_is_told_of_the_ports_by_which_services_call_each_other() {
    let text = shop() + INSIDE;
    let (told, _) = cart(&text);
    assert_eq!(
        told.hosts,
        [PublicHostView { host: "shop.example".into(), urls: vec!["http://shop.example:8080".into()] }]
    );
    assert!(told.removed_headers.contains(&"x-nuncio-preview".to_owned()), "clients' own: {:?}", told.removed_headers);
    let (inside, _) = cart(&text.replace("port: 8080, protocol: HTTP", "port: 8080, protocol: HTTP, internal: true"));
    assert_eq!(inside.hosts, []);
}

#[test]
fn what_a_preview_asks_is_nothing_that_its_baseline_asks() {
    let (told, engine) = cart(&shop());
    let tables = engine.world.model().tables.values();
    let gated = tables.filter(|table| table.preview.is_some()).flat_map(|table| &table.hosts);
    assert!(gated.flat_map(|host| host.routes.iter()).any(|route| route.rules.is_some()), "the preview has a gate");
    assert_eq!((told.credentials, told.rules), (vec![], vec![]));
}

#[test]
fn what_is_asked_of_some_requests_alone_is_told_as_that() {
    let policy = |path: &str| {
        format!(
            "---
apiVersion: getambassador.io/v3alpha1
kind: Filter
metadata: {{name: key}}
spec: {{APIKey: {{keys: [{{secretName: keys}}]}}}}
---
apiVersion: v1
kind: Secret
metadata: {{name: keys}}
stringData: {{ann: k-1}}
---
apiVersion: getambassador.io/v3alpha1
kind: FilterPolicy
metadata: {{name: policy}}
spec: {{rules: [{{host: shop.example, path: {path}, filters: [{{name: key}}]}}]}}
"
        )
    };
    let regex = "prefix: '/cart/[^/]+/events', prefix_regex: true";
    for (prefix, path, is_asked, always) in [
        ("prefix: /cart/", "/cart/*", true, true),
        ("prefix: /cart/", "/cart/mine", true, false),
        ("prefix: /cart/", "/other", false, false),
        (regex, "/other/*", false, false),
        (regex, "/cart/ann/*", true, false),
    ] {
        let (told, _) = cart(&(shop().replace("prefix: /cart/", prefix) + &policy(path)));
        let said = (!told.credentials.is_empty(), !told.rules.is_empty(), told.always_asked);
        assert_eq!(said, (is_asked, is_asked, always), "{prefix} {path}");
    }
}

#[test]
fn an_annotation_says_where_the_document_is_where_docs_do_not() {
    let annotated = |place: &str| BTreeMap::from([(OPENAPI.to_owned(), place.to_owned())]);
    let staff = DocsView { visible_to: Some(vec!["staff".to_owned()]), ..DocsView::default() };
    let docs = placed(Some(staff), &annotated("/openapi.json")).unwrap();
    assert_eq!((docs.path.as_deref(), docs.visible_to.is_some()), (Some("/openapi.json"), true));
    assert_eq!(placed(None, &annotated("https://a.example/x")).unwrap().url.as_deref(), Some("https://a.example/x"));
    let said = DocsView { path: Some("/x".to_owned()), ..DocsView::default() };
    assert_eq!(placed(Some(said.clone()), &annotated("/y")), Some(said));
    assert!(placed(None, &annotated("openapi.json")).unwrap().invalid.is_some());
    assert_eq!(placed(None, &BTreeMap::new()), None);
}

#[test]
fn a_document_is_asked_for_as_a_request_through_the_gateway_would_reach_it() {
    let prefix = |value: &str| PathMatch::Prefix { value: value.to_owned(), case_sensitive: true };
    let to = |text: &str| Some(PathRewrite::Matched(text.to_owned()));
    let rows = [
        (prefix("/api/"), to("/"), "/openapi.json", "/openapi.json"),
        (prefix("/api/"), to("/v1/"), "openapi.json", "/v1/openapi.json"),
        (prefix("/api"), to("/v1"), "/openapi.json", "/v1/openapi.json"),
        (prefix("/api/"), None, "/openapi.json", "/api/openapi.json"),
    ];
    for (matched, rewrite, below, expected) in rows {
        assert_eq!(upstream_path(&matched, rewrite.as_ref(), below).as_deref(), Ok(expected));
    }
    upstream_path(&PathMatch::Regex("/a.*".to_owned()), None, "/x").unwrap_err();
}

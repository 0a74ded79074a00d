//! What forms of previews say beside their fields.

use super::*;

/// What a controller says of the rights of who may make previews.
fn rights() -> Value {
    let room = json!({ "namespace": "shop", "repository": null, "room": null });
    json!({ "namespaces": [room], "access": ["Public"], "hosts": ["shop.example"], "services_alone": true,
        "tunnels": false, "ttl": 7200, "max_ttl": null })
}

/// The field of this name, with what stands beside it.
fn field<'p>(page: &'p str, name: &str) -> &'p str {
    let (_, field) = page.split_once(&format!("name=\"{name}\"")).unwrap_or_else(|| panic!("{name}: {page}"));
    field.split_once("</div>").unwrap().0
}

#[tokio::test]
async fn a_new_preview_says_at_its_fields_what_is_taken_and_what_an_empty_one_means() {
    let app = Router::new().route("/api/v1/preview-rights", post(async || axum::Json(rights())));
    let (address, _controller) = serve(app, &json!(null)).await;
    let form = page(&address, "/docs/previews/new").await;
    let name = field(&form, "name");
    assert!(name.contains("pattern=") && name.contains("title=\"Lower-case letters, digits and dashes"), "{name}");
    let ttl = field(&form, "ttl");
    assert!(ttl.contains("Left empty, the PreviewPolicy has it end after 2h."), "{ttl}");
}

#[tokio::test]
async fn who_sends_another_manifest_for_one_begins_with_its_name() {
    let app = Router::new().route("/api/v1/preview-rights", post(async || axum::Json(rights())));
    let (address, _controller) = serve(app, &json!(null)).await;
    for (query, name) in [("", "cart-fix-tax"), ("?namespace=shop&name=pr-42", "pr-42")] {
        let form = page(&address, &format!("/docs/previews/new{query}")).await;
        let (_, manifest) = form.split_once("<textarea").unwrap_or_else(|| panic!("{form}"));
        assert!(manifest.contains(&format!("  name: {name}\n  namespace: shop\n")), "{query}: {manifest}");
    }
}

#[tokio::test]
async fn who_extends_one_reads_what_lengths_are_like_and_what_an_empty_field_means() {
    for has_ended in [false, true] {
        let text = page_of(json!({ "expires_at": 4_102_444_800_u64, "has_ended": has_ended })).await;
        let (_, form) = text.split_once("/docs/previews/shop/pr-42/extend\"").unwrap_or_else(|| panic!("{text}"));
        let form = form.split_once("</form>").unwrap().0;
        assert!(form.contains("pattern=") && form.contains("72h or 1h30m: a day is 24h."), "{form}");
        assert!(form.contains("Left empty, for as long as its ttl says"), "{form}");
    }
}

/// What a preview says of these services.
fn manifest(services: &Value) -> String {
    json!({ "metadata": { "name": "pr-42", "namespace": "shop" }, "spec": { "services": services,
        "entrypoints": [{ "name": "web", "host": "shop.example" }], "access": { "mode": "Public" } } })
    .to_string()
}

/// What somebody is answered whose manifest is refused by which he changes a preview of these services.
async fn refused(services: Value, typed: &'static str) -> String {
    let why =
        json!({ "status": 422, "title": "Unprocessable Content", "detail": "line 1: no", "field": "spec.access" });
    let text = answered_to(services, "", typed, why).await;
    assert!(text.contains("line 1: no"), "{text}");
    text
}

/// What somebody is answered who sends what he typed into a form, for this reason.
async fn answered_to(services: Value, form: &str, typed: &'static str, why: Value) -> String {
    let told = json!({ "text": manifest(&services), "digest": "d" });
    let expected = StatusCode::from_u16(why["status"].as_u64().unwrap().try_into().unwrap()).unwrap();
    let app = Router::new()
        .route("/api/v1/preview-rights", post(async || axum::Json(rights())))
        .route("/api/v1/preview-manifest", post(async move || axum::Json(told)))
        .route("/api/v1/preview-put", post(async move || (expected, axum::Json(why))));
    let (address, _controller) = serve(app, &json!(null)).await;
    let form = Request::post(format!("/docs/previews/shop/pr-42/change{form}"));
    let form = form.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(Body::from(typed)).unwrap();
    let (status, text) = answered(&address, form).await;
    assert_eq!(status, expected, "{text}");
    text
}

/// What the fields and the manifest say that they are made of.
fn digests(page: &str) -> [&str; 2] {
    ["/pr-42/change/fields\"", "/pr-42/change\""].map(|form| {
        let (_, form) =
            page.split_once(&format!("action=\"/docs/previews/shop{form}")).unwrap_or_else(|| panic!("{page}"));
        field(form, "digest").split_once("value=\"").unwrap().1.split('"').next().unwrap()
    })
}

#[tokio::test]
async fn whatever_manifest_is_refused_the_fields_have_what_it_still_is_and_there_is_a_way_back() {
    let one = json!({ "baseline": "cart", "backend": "cart-42" });
    for (typed, stands) in
        [("text=kind:+%5B", "kind: ["), ("text=spec:+%7Baccess:+%7Bmode:+Members%7D%7D", "mode: Members")]
    {
        let text = refused(json!([one]), typed).await;
        assert!(text.contains(stands) && text.contains("Back to the preview"), "{text}");
        assert!(field(&text, "backend").contains("value=\"cart-42\""), "{text}");
        let access = field(&text, "access");
        assert!(access.contains("value=\"Public\" selected") && !access.contains("Members"), "{access}");
        assert!(!text.contains("aria-invalid"), "{text}");
    }
    // Each form goes with the digest of what it is filled with: others may have changed it since.
    let text = refused(json!([one]), "text=kind:+%5B&digest=of-before").await;
    assert_eq!(digests(&text), ["d", "of-before"], "{text}");
    // Of two services there are no fields.
    let text = refused(json!([one, one]), "text=kind:+%5B").await;
    assert!(!text.contains("name=\"backend\"") && text.contains("Back to the preview"), "{text}");
}

#[tokio::test]
async fn whatever_fields_are_refused_the_manifest_goes_with_the_digest_of_what_it_is() {
    let one = json!([{ "baseline": "cart", "backend": "cart-42" }]);
    let typed = "baseline=cart&backend=cart-43&host=shop.example&access=Public&ttl=3h&digest=of-before";
    // Who has read what others did may save his fields over it.
    for (status, of_fields) in [(422, "of-before"), (409, "d")] {
        let why = json!({ "status": status, "title": "no", "detail": "no", "field": "spec.access" });
        let text = answered_to(one.clone(), "/fields", typed, why).await;
        assert!(field(&text, "backend").contains("value=\"cart-43\""), "{text}");
        assert_eq!(text.contains("Somebody has changed it since"), status == 409, "{text}");
        assert_eq!(digests(&text), [of_fields, "d"], "{status}: {text}");
    }
}

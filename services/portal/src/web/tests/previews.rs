//! Pages of previews.

mod forms;

use axum::extract::Query;
use axum::routing::{get, post};
use nuncio_auth::jwt::Signer;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::*;
use crate::access::tests::{access, signed};

/// What a list is asked for.
#[derive(Deserialize)]
struct Part {
    kind: Option<String>,
    offset: usize,
    limit: usize,
}

/// A controller of a host with 1 200 routes, the last of which a preview leads elsewhere.
async fn controller() -> (String, AbortOnDropHandle<()>) {
    let url = json!({ "entrypoint": "web", "baseline": "shop.example", "url": "https://web--zebra.example/" });
    let preview = json!({ "namespace": "shop", "name": "pr-42", "access": "Public", "source": null, "urls": [url],
        "services": [{ "baseline": "cart", "backend": "zebra" }], "problems": [] });
    let route = |number: usize| {
        let kinds: &[&str] = if number == 1199 { &["Mapping", "Preview"] } else { &["Mapping"] };
        let object = |kind| json!({ "kind": kind, "namespace": "shop", "name": format!("m-{number}") });
        let origin: Vec<_> = kinds.iter().map(object).collect();
        json!({ "match": format!("prefix /{number}/"), "action": "forward", "origin": origin,
            "backends": [{ "cluster": "c-1", "invalid": null }] })
    };
    let all: Vec<Value> = (0..1200).map(route).collect();
    let routes = async move |Query(part): Query<Part>| {
        let of_kind = |route: &&Value| {
            let wanted = part.kind.as_deref();
            wanted.is_none_or(|kind| route["origin"].as_array().unwrap().iter().any(|object| object["kind"] == kind))
        };
        let wanted: Vec<_> = all.iter().filter(of_kind).collect();
        let items: Vec<_> = wanted.iter().skip(part.offset).take(part.limit).collect();
        axum::Json(json!({ "items": items, "total": wanted.len() }))
    };
    serve(Router::new().route("/api/v1/routes", get(routes)), &preview).await
}

/// What tells of one preview, and what an app does.
async fn serve(app: Router, preview: &Value) -> (String, AbortOnDropHandle<()>) {
    let previews = json!({ "items": [preview], "total": 1 });
    let app = app.route("/api/v1/preview-list", post(async move || axum::Json(previews)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (address, AbortOnDropHandle::new(tokio::spawn(async { axum::serve(listener, app).await.unwrap() })))
}

/// What a controller has the portal show ann, who is an operator.
async fn page(controller: &str, path: &str) -> String {
    answered(controller, Request::get(path).body(Body::empty()).unwrap()).await.1
}

/// What it has the portal answer her.
async fn answered(controller: &str, mut request: Request<Body>) -> (StatusCode, String) {
    let signer = Signer::ephemeral().unwrap();
    let mut site = Site { access: access(&signer), ..site(of_service(), &cart(), &[], None) };
    site.console.admin = Admin::new(controller).unwrap();
    site.console.groups = Arc::new(["staff".to_owned()]);
    request.headers_mut().extend(signed(&signer, |_| {}));
    let (parts, body) = router(site).oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn of_many_routes_those_are_shown_that_lead_elsewhere() {
    let (address, _controller) = controller().await;
    let ask = async |query: &str| page(&address, &format!("/docs/previews/shop/pr-42{query}")).await;
    let page = ask("").await;
    assert!(page.contains("1 of 1200 routes") && page.contains("prefix /1199/"), "{page}");
    assert_eq!(page.matches("prefix /").count(), 1, "{page}");
    assert!(page.contains("All routes") && !page.contains("Those after"), "{page}");

    let page = ask("?routes=all&from=100").await;
    assert!(page.contains("1 of 1200 routes") && page.contains("Only those that lead elsewhere"), "{page}");
    assert_eq!(page.matches("prefix /").count(), 100, "{page}");
    assert!(page.contains("prefix /100/") && page.contains("prefix /199/"), "{page}");
    assert!(page.contains("Those before") && page.contains("from=200#routes"), "{page}");
    let last = ask("?routes=all&from=1100").await;
    assert!(last.contains("prefix /1199/") && !last.contains("Those after"), "{last}");
}

#[tokio::test]
async fn one_that_has_ended_can_be_brought_back_and_nothing_else() {
    let living = ["/change\"", "Keep it longer", "Follow a request", "Delete it now", "nuncio preview serve"];
    let shown = async |has_ended: bool, problems: Value| {
        let preview = json!({ "namespace": "shop", "name": "pr-42", "access": "Public", "source": null, "urls": [],
            "services": [{ "baseline": "cart", "backend": "a tunnel" }], "problems": problems,
            "may_change": true, "has_ended": has_ended, "expires_at": 1_766_599_200 });
        let (address, _controller) = serve(Router::new(), &preview).await;
        page(&address, "/docs/previews/shop/pr-42").await
    };
    let text = shown(false, json!([])).await;
    assert!(living.iter().all(|part| text.contains(part)) && !text.contains("Bring it back"), "{text}");
    assert!(text.contains("· ends <time"), "{text}");
    for (reason, state) in [("Deleted", "has ended: deleted"), ("Expired", "has ended")] {
        let problem = json!({ "severity": "warning", "reason": reason, "field": "spec.lifetime", "message": "over" });
        let text = shown(true, json!([problem])).await;
        assert!(text.contains(&format!(">{state}<")), "{text}");
        assert!(text.contains("· ended <time") && !text.contains("· ends <time"), "{text}");
        assert!(text.contains("Bring it back") && text.contains("/docs/previews/shop/pr-42/extend"), "{text}");
        assert_eq!(living.iter().find(|part| text.contains(**part)), None, "{text}");
    }
}

/// The page of one that says this as well.
async fn page_of(more: Value) -> String {
    let mut preview = json!({ "namespace": "shop", "name": "pr-42", "access": "Public", "source": null, "urls": [],
        "services": [{ "baseline": "cart", "backend": "cart-42" }], "problems": [], "may_change": true });
    let Value::Object(more) = more else { panic!("expected fields: {more}") };
    preview.as_object_mut().unwrap().extend(more);
    let (address, _controller) = serve(Router::new(), &preview).await;
    page(&address, "/docs/previews/shop/pr-42").await
}

#[tokio::test]
async fn of_an_end_that_is_far_away_the_date_is_told() {
    let far = page_of(json!({ "expires_at": 4_102_444_800_u64 })).await;
    assert!(far.contains("</time> (1 January 2100, 00:00 UTC)</p>"), "{far}");
    let tomorrow = jiff::Timestamp::now().as_second() + 86_400;
    let near = page_of(json!({ "expires_at": tomorrow })).await;
    assert!(near.contains("· ends <time") && near.contains("</time></p>") && !near.contains("UTC)</p>"), "{near}");
}

#[tokio::test]
async fn who_serves_a_service_is_told_with_how_to_take_it_over() {
    let shown = async |server: Value| {
        let service = json!({ "baseline": "cart", "backend": "a tunnel", "served_by": server });
        page_of(json!({ "services": [service] })).await
    };
    let command = "nuncio preview serve shop/pr-42 --service cart --port 8080 --server ";
    let text = shown(json!({ "by": "bob", "since": 1_766_599_200 })).await;
    assert!(text.contains("bob serves it, connected <time datetime=\"2025-12-24T18:00:00Z\""), "{text}");
    assert!(text.contains(command) && text.contains(" --replace</code>") && text.contains("Take it over"), "{text}");
    let text = shown(Value::Null).await;
    assert!(text.contains(command) && !text.contains("--replace") && !text.contains("connected <time"), "{text}");
}

#[tokio::test]
async fn one_that_is_not_valid_can_be_deleted_or_replaced_and_nothing_else() {
    let problem =
        json!({ "severity": "error", "reason": "InvalidValue", "field": "spec.entrypoints[0]", "message": "no" });
    let ends = 4_102_444_800_u64;
    let invalid =
        page_of(json!({ "is_valid": false, "access": "", "services": [], "problems": [problem], "expires_at": ends }))
            .await;
    let valid = page_of(json!({ "expires_at": ends })).await;
    let anew = "/docs/previews/new?namespace=shop&#38;name=pr-42#by-manifest\"";
    for (part, is_offered) in [
        ("/pr-42/delete\"", true),
        (anew, true),
        ("/pr-42/change\"", false),
        ("/pr-42/extend\"", false),
        ("/pr-42/doctor\"", false),
    ] {
        assert_eq!(invalid.contains(part), is_offered, "{part}: {invalid}");
        assert_eq!(valid.contains(part), part != anew, "{part}: {valid}");
    }
}

#[tokio::test]
async fn it_is_said_what_is_as_before_where_one_is_brought_back() {
    let (links, pull) = ("stay closed: make new ones", "its pull request is closed, it ends again");
    let ended = async |access: &str, source: Value| {
        page_of(json!({ "has_ended": true, "access": access, "has_links": true, "source": source })).await
    };
    let source = |number: Value| json!({ "provider": "GitHub", "repository": "acme/cart", "pull_request": number });
    for (access, source, says_links, says_pull) in [
        ("Public", Value::Null, false, false),
        ("ShareLink", Value::Null, true, false),
        ("Public", source(Value::Null), false, false),
        ("Public", source(json!(42)), false, true),
    ] {
        let text = ended(access, source.clone()).await;
        assert!(text.contains("/docs/previews/shop/pr-42/extend"), "{text}");
        assert_eq!((text.contains(links), text.contains(pull)), (says_links, says_pull), "{access} {source}: {text}");
    }
}

#[tokio::test]
async fn one_that_the_policy_lets_be_shown_no_more_is_not_to_be_brought_back() {
    let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap();
    for (latest, may_return) in [(now - 60, false), (now + 3600, true)] {
        let text = page_of(json!({ "has_ended": true, "latest": latest })).await;
        assert_eq!(text.contains("/docs/previews/shop/pr-42/extend"), may_return, "{text}");
        assert_eq!(text.contains("cannot be brought back, but made anew"), !may_return, "{text}");
    }
}

#[tokio::test]
async fn who_deletes_one_learns_that_its_links_are_closed_whoever_may_see_it_now() {
    for (access, has_links) in [("Public", true), ("ShareLink", true), ("Public", false)] {
        let text = page_of(json!({ "access": access, "has_links": has_links })).await;
        assert!(text.contains("Delete it now"), "{text}");
        assert_eq!(text.contains("Links that were made to it stay closed"), has_links, "{access}: {text}");
    }
}

#[tokio::test]
async fn what_is_mistyped_is_told_at_once_and_at_its_field_with_the_way_to_mend_it() {
    let why = "no route of an entrypoint goes to this service, so nothing is replaced: did you mean cart?";
    let problem = json!({ "severity": "warning", "reason": "NothingReplaced", "field": "spec.services[0].baseline", "message": why });
    let preview = json!({ "namespace": "shop", "name": "pr-42", "access": "Public", "source": null, "urls": [],
        "services": [{ "baseline": "carts", "backend": "cart-42" }], "problems": [problem], "may_change": true });
    let manifest = json!({ "metadata": { "name": "pr-42", "namespace": "shop" }, "spec": {
        "services": [{ "baseline": "carts", "backend": "cart-42" }], "access": { "mode": "Public" },
        "entrypoints": [{ "name": "web", "host": "shop.example" }] } });
    let told = json!({ "text": manifest.to_string(), "digest": "d" });
    let app = Router::new().route("/api/v1/preview-manifest", post(async move || axum::Json(told)));
    let (address, _controller) = serve(app, &preview).await;

    let made = page(&address, "/docs/previews/shop/pr-42").await;
    let (_, alert) = made.split_once("role=\"alert\"").unwrap_or_else(|| panic!("{made}"));
    let alert = alert.split_once("</div>").unwrap().0;
    assert!(alert.contains(why) && alert.contains("/docs/previews/shop/pr-42/change\""), "{alert}");

    let form = page(&address, "/docs/previews/shop/pr-42/change").await;
    let (_, field) = form.split_once("name=\"baseline\"").unwrap_or_else(|| panic!("{form}"));
    let (input, rest) = field.split_once('>').unwrap();
    assert!(input.contains("value=\"carts\"") && input.contains("aria-invalid=\"true\""), "{input}");
    let hint = rest.split_once("</div>").unwrap().0;
    assert!(hint.contains(&format!("<strong class=\"fault\">{why}")), "{hint}");
    assert_eq!(form.matches("aria-invalid").count(), 1, "{form}");
}

/// What somebody is answered who was logged out before he sent a form: its main part.
async fn sent_while_logged_out(path: &str, form: &'static str) -> String {
    let signer = Signer::ephemeral().unwrap();
    let portal = router(Site { access: access(&signer), ..site(of_service(), &cart(), &[], None) });
    let mut request = Request::post(path).body(Body::from(form)).unwrap();
    request.headers_mut().insert(header::CONTENT_TYPE, "application/x-www-form-urlencoded".parse().unwrap());
    let (parts, body) = portal.oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let page = String::from_utf8_lossy(&body);
    let (_, main) = page.split_once("<main").unwrap();
    assert_eq!(parts.status, StatusCode::UNAUTHORIZED, "{main}");
    assert!(main.contains("You are logged out") && main.contains("href=\"/docs/login?to="), "{main}");
    main.to_owned()
}

#[tokio::test]
async fn who_was_logged_out_before_he_sent_a_new_preview_keeps_what_he_typed_and_may_log_in() {
    let manifest = "text=kind:+Preview%0Ametadata:+%7Bname:+my-tax%7D";
    let fields = "name=my-tax&namespace=shop&baseline=cart&backend=cart-tax&host=shop.example&access=ShareLink&ttl=3h";
    let main = sent_while_logged_out("/docs/previews/new/fields", fields).await;
    for value in ["my-tax", "shop", "cart", "cart-tax", "shop.example", "ShareLink", "3h"] {
        assert!(main.contains(&format!("value=\"{value}\"")), "{value}: {main}");
    }
    let main = sent_while_logged_out("/docs/previews/new", manifest).await;
    assert!(main.contains("metadata: {name: my-tax}"), "{main}");
}

#[tokio::test]
async fn who_was_logged_out_before_he_sent_a_change_keeps_what_he_typed_and_may_log_in() {
    let page = "/docs/previews/shop/pr-42/change";
    let fields = "baseline=cart&backend=cart-tax&host=shop.example&access=ShareLink&ttl=3h&digest=d-42";
    let main = sent_while_logged_out(&format!("{page}/fields"), fields).await;
    for value in ["cart", "cart-tax", "shop.example", "ShareLink", "3h", "d-42"] {
        assert!(main.contains(&format!("value=\"{value}\"")), "{value}: {main}");
    }
    assert!(!main.contains("<textarea"), "nobody has told him the manifest: {main}");
    let main = sent_while_logged_out(page, "text=metadata:+%7Bname:+my-tax%7D&digest=d-42").await;
    assert!(main.contains("metadata: {name: my-tax}") && main.contains("value=\"d-42\""), "{main}");
}

#[tokio::test]
async fn who_is_logged_out_and_sends_no_yaml_learns_that_it_is_none() {
    let signer = Signer::ephemeral().unwrap();
    let portal = router(Site { access: access(&signer), ..site(of_service(), &cart(), &[], None) });
    let mut request = Request::post("/docs/previews/new").body(Body::from("text=kind:+%5B")).unwrap();
    request.headers_mut().insert(header::CONTENT_TYPE, "application/x-www-form-urlencoded".parse().unwrap());
    let (parts, body) = portal.oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let page = String::from_utf8_lossy(&body);
    let (_, main) = page.split_once("<main").unwrap();
    assert_eq!(parts.status, StatusCode::UNPROCESSABLE_ENTITY, "{main}");
    assert!(main.contains("this is no YAML") && !main.contains("You are logged out"), "{main}");
}

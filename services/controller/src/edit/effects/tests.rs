mod lost;
mod sampled;
mod scale;

use std::collections::BTreeSet;

use crate::admin::{ChangeRequest, DryRunView, EffectView, LossKind};
use crate::edit::tests::editor_of;
use crate::engine::fixture::PREVIEW;

/// An object of the newest version.
fn object(kind: &str, name: &str, spec: &str) -> String {
    format!("apiVersion: getambassador.io/v3alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n---\n")
}

const HOST: &str = "{hostname: shop.example, requestPolicy: {insecure: {action: Route}}}";
const LISTENER: &str = "{port: 8080, protocol: HTTP, securityModel: XFP, hostBinding: {namespace: {from: ALL}}}";
const LIMITED: &str = "labels: {ambassador: [{group: [{generic_key: {value: cart}}]}]}";
const RATE: &str = "{domain: ambassador, limits: [{pattern: [{generic_key: cart}], rate: 5, unit: minute}]}";
const POLICY: &str = "{rules: [{host: shop.example, path: /cart/*, filters: [{name: key}]}]}";

fn mapping(name: &str, prefix: &str, more: &str) -> String {
    object("Mapping", name, &format!("{{hostname: shop.example, prefix: {prefix}, service: {name}{more}}}"))
}

/// Keys, and a filter that wants one.
const KEY: &str = "{APIKey: {httpHeader: x-key, keys: [{secretName: keys}]}}";
const KEYS: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {ann: k-1}\n---\n";

/// A shop with a Mapping that says `more`, one that says nothing, and other objects.
fn shop(more: &str, others: &[(&str, &str, &str)]) -> String {
    let others = others.iter().map(|(kind, name, spec)| object(kind, name, spec)).collect::<String>();
    let frame = object("Listener", "http", LISTENER) + &object("Host", "shop", HOST);
    frame
        + &mapping("cart", "/cart/", &format!(", {more}"))
        + &mapping("open", "/open/", ", bypass_auth: true")
        + &others
}

/// What it would do to put something else in the text of an object, with nothing wrong.
fn tried(all: &str, kind: &str, name: &str, old: &str, new: &str) -> DryRunView {
    let view = looked_at(all, kind, name, old, new);
    assert!(view.is_valid && view.is_usable, "{view:#?}");
    view
}

/// The same, whatever is wrong.
fn looked_at(all: &str, kind: &str, name: &str, old: &str, new: &str) -> DryRunView {
    let (_directory, editor, engine) = editor_of(all);
    let [kind, namespace, name] = [kind, "default", name].map(ToOwned::to_owned);
    let query = crate::admin::ManifestQuery { kind, namespace, name, new: false, file: None };
    let text = editor.manifest(&engine, &query).unwrap().text;
    assert!(text.contains(old), "{old} in {text}");
    let crate::admin::ManifestQuery { kind, namespace, name, .. } = query;
    let text = Some(text.replace(old, new));
    let change = ChangeRequest { kind, namespace, name, text, ..ChangeRequest::default() };
    editor.dry_run(&engine, &change).unwrap()
}

/// The routes of Mappings that it does something to.
fn reached(view: &DryRunView) -> Vec<(&str, EffectView)> {
    let named = view.routes.iter().filter_map(|route| {
        let path = route.matches.strip_prefix("prefix ")?;
        path.strip_suffix('/').filter(|path| path.len() > 1).map(|path| (path, route.effect))
    });
    named.collect()
}

/// What is lost, and on which paths.
fn lost(view: &DryRunView) -> Vec<(LossKind, &str)> {
    assert_eq!(view.confirm.is_some(), !view.lost.is_empty());
    view.lost.iter().map(|loss| (loss.what, loss.path.as_str())).collect()
}

#[test]
fn what_routes_share_reaches_those_that_use_it() {
    let all = shop(
        LIMITED,
        &[
            ("AuthService", "auth", "{auth_service: auth, timeout_ms: 100}"),
            ("RateLimit", "rate", RATE),
            ("RateLimit", "other", &RATE.replace("generic_key: cart", "generic_key: other")),
        ],
    );
    let asked = tried(&all, "AuthService", "auth", "timeout_ms: 100", "timeout_ms: 200");
    assert_eq!(reached(&asked), [("/cart", EffectView::Asked)], "{asked:#?}");
    let rate = tried(&all, "RateLimit", "rate", "rate: 5", "rate: 6");
    assert_eq!(reached(&rate), [("/cart", EffectView::Limits)], "{rate:#?}");
    let other = tried(&all, "RateLimit", "other", "rate: 5", "rate: 6");
    assert_eq!(other.routes_total, 0, "no route has such labels: {other:#?}");
    for view in [asked, rate, other] {
        assert!(lost(&view).is_empty() && view.listeners.is_empty(), "{view:#?}");
    }
}

#[test]
fn a_service_that_counts_reaches_what_is_counted() {
    let all =
        shop(LIMITED, &[("RateLimitService", "counts", "{service: counts, timeout_ms: 20, protocol_version: v3}")]);
    let view = tried(&all, "RateLimitService", "counts", "timeout_ms: 20", "timeout_ms: 30");
    assert_eq!(reached(&view), [("/cart", EffectView::Limits)], "{view:#?}");
}

#[test]
fn the_order_of_routes_counts() {
    let all = shop("timeout_ms: 1000", &[]) + &mapping("late", "/cart/late/", ", precedence: -1");
    let view = tried(&all, "Mapping", "late", ", precedence: -1", "");
    assert_eq!(reached(&view), [("/cart/late", EffectView::Moved)], "{view:#?}");
}

#[test]
fn a_listener_reaches_all_that_comes_by_it() {
    let all = shop("timeout_ms: 1000", &[]);
    let view = tried(&all, "Listener", "http", "port: 8080", "port: 8081");
    assert_eq!(reached(&view), [("/cart", EffectView::Listener), ("/open", EffectView::Listener)], "{view:#?}");
    assert!(!view.whole_listeners.is_empty() && view.whole_listeners == view.listeners, "{view:#?}");
}

#[test]
fn a_rule_reaches_the_routes_that_it_decides_about() {
    let filters = [("Filter", "key", KEY), ("FilterPolicy", "policy", POLICY)];
    let all = shop("timeout_ms: 1000", &filters)
        + KEYS
        + &mapping("more", "/more/", "")
        + &object(
            "Mapping",
            "old",
            "{hostname: shop.example, prefix: '/old/[a-z]+', prefix_regex: true, service: old}",
        );
    for rule in
        ["{host: shop.example, path: /more/*, filters: [{name: key}]}", "{host: '*', path: /more/x*, filters: []}"]
    {
        let view = tried(&all, "FilterPolicy", "policy", "rules: [", &format!("rules: [{rule}, "));
        assert_eq!(reached(&view), [("/more", EffectView::Rules)], "the next rule has another number alone: {view:#?}");
    }
    let cart = tried(&all, "FilterPolicy", "policy", "path: /cart/*", "path: /cart/mine/*");
    assert_eq!(reached(&cart), [("/cart", EffectView::Rules)], "{cart:#?}");
    let is_expression = |view: &DryRunView| view.routes.iter().any(|route| route.matches.starts_with("regex"));
    assert!(!is_expression(&cart), "nothing of the expression begins so: {cart:#?}");
    let filter = tried(&all, "Filter", "key", "httpHeader: x-key", "httpHeader: x-other-key");
    assert_eq!(reached(&filter), [("/cart", EffectView::Rules)], "{filter:#?}");
}

#[test]
fn a_rule_that_names_no_filter_is_in_force_and_one_that_cannot_be_read_changes_nothing() {
    let filters = [("Filter", "key", KEY), ("FilterPolicy", "policy", POLICY)];
    let all = shop("timeout_ms: 1000", &filters) + KEYS;
    let missing = looked_at(&all, "FilterPolicy", "policy", "name: key", "name: keey");
    assert_eq!((missing.is_valid, missing.is_usable), (false, true), "{missing:#?}");
    assert_eq!(missing.problems[0].reason, "FilterNotFound", "{missing:#?}");
    assert_eq!(reached(&missing), [("/cart", EffectView::Rules)], "it refuses what it was asked about: {missing:#?}");
    let unreadable = looked_at(&all, "FilterPolicy", "policy", "name: key", "name: 7");
    assert_eq!((unreadable.is_valid, unreadable.is_usable), (false, false), "{unreadable:#?}");
    assert_eq!(unreadable.routes_total, 0, "what was last good stays: {unreadable:#?}");
}

#[test]
fn where_requests_go_that_no_route_takes_is_nothing_to_the_others() {
    let all = shop("timeout_ms: 1000", &[]) + &mapping("late", "/late/", "");
    let view = tried(&all, "Mapping", "late", "hostname: shop.example", "hostname: '*'");
    let paths: BTreeSet<_> = reached(&view).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["/late"].into(), "{view:#?}");
}

#[test]
fn routes_of_previews_are_told_behind_the_others_and_counted_apart() {
    let view =
        tried(&(shop("timeout_ms: 1000", &[]) + PREVIEW), "Mapping", "cart", "timeout_ms: 1000", "timeout_ms: 2000");
    assert_eq!(reached(&view), [("/cart", EffectView::Changed); 2], "{view:#?}");
    assert_eq!(view.routes.iter().map(|route| route.in_preview).collect::<Vec<_>>(), [false, true], "{view:#?}");
    assert_eq!((view.routes_total, view.routes_in_previews), (2, 1));
    assert_eq!((view.hosts.len(), view.hosts_in_previews), (2, 1));
    assert_eq!(view.routes[0].host, "shop.example");
}

#[test]
fn what_has_ended_is_not_counted() {
    let all = shop("timeout_ms: 1000", &[]);
    let (_directory, _, engine) = editor_of(&(all + PREVIEW));
    let engine = engine.into_inner().unwrap();
    let (alive, mut ended) = (engine.world.model().clone(), engine.world);
    let id = ended.all_previews().next().unwrap().id.clone();
    ended.apply([(id, None)]);
    let is_tombstone = |table: &&std::sync::Arc<nuncio_ir::Table>| table.has_ended;
    assert_eq!(ended.model().tables.values().filter(is_tombstone).count(), 1);
    let hosts = |model: &nuncio_ir::Model| -> BTreeSet<String> {
        super::places::places(model).map(|place| place.shown_for()).filter(|host| host.contains("--")).collect()
    };
    assert_eq!((hosts(&alive).len(), hosts(ended.model()).len()), (1, 0));
}

//! `docs/authz-rules.md` and these types name the same fields.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde_json::json;

use super::*;

type Names = BTreeSet<String>;

/// What serde says that could stand in place of a name that nothing has.
fn expected(error: &serde_json::Error) -> Names {
    error.to_string().split('`').skip(3).step_by(2).map(str::to_owned).collect()
}

fn fields<T: DeserializeOwned + std::fmt::Debug>() -> Names {
    let names = expected(&serde_json::from_value::<T>(json!({ "?": 0 })).unwrap_err());
    assert!(!names.is_empty(), "no fields of {}", std::any::type_name::<T>());
    names
}

fn variants<T: DeserializeOwned + std::fmt::Debug>() -> Names {
    expected(&serde_json::from_value::<T>(json!("?")).unwrap_err())
}

/// The names in code in a piece of the page.
fn named(text: &str) -> Names {
    let code = text.split('`').skip(1).step_by(2);
    let names = code.flat_map(|code| code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
    names.filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase())).map(str::to_owned).collect()
}

fn page() -> &'static str {
    include_str!("../../../../docs/authz-rules.md")
}

fn line(beginning: &str) -> &'static str {
    page().lines().find(|line| line.starts_with(beginning)).unwrap_or_else(|| panic!("no line {beginning}"))
}

fn all<const N: usize>(sets: [Names; N]) -> Names {
    sets.into_iter().flatten().collect()
}

#[test]
fn each_kind_of_filter_has_the_fields_of_the_guide_and_no_others() {
    let presence = all([fields::<Presence>(), variants::<Audiences>(), ["none".to_owned()].into()]);
    let code = all([variants::<Grant>(), fields::<AuthorizationCode>(), variants::<ClientAuthentication>()]);
    let code = all([code, variants::<AccessTokenValidation>()]);
    let sources = all([variants::<KeySource>(), fields::<KeySecret>(), ["sha256".to_owned()].into()]);
    let http = ["path_prefix", "allowed_request_headers", "allowed_authorization_headers", "htpasswd"];
    let http = all([variants::<ExternalProtocol>(), fields::<IncludeBody>(), http.map(str::to_owned).into()]);
    let kinds = [
        ("jwt", fields::<Jwt>(), presence),
        ("oauth2", all([fields::<OAuth2>(), fields::<AuthorizationCode>()]), code),
        ("api_key", fields::<ApiKey>(), sources),
        ("basic", fields::<Basic>(), http.clone()),
        ("external", fields::<External>(), http),
        ("introspection", fields::<Introspection>(), Names::new()),
    ];
    for (kind, fields, nested) in kinds {
        assert!(variants::<FilterKind>().contains(kind), "{kind}");
        let mut named = named(line(&format!("| `{kind}` |")));
        named.remove(kind);
        let missing: Vec<_> = fields.difference(&named).collect();
        assert!(missing.is_empty(), "the guide says nothing of {missing:?} of {kind}");
        let known = all([fields, nested]);
        let unknown: Vec<_> = named.difference(&known).collect();
        assert!(unknown.is_empty(), "{kind} has no {unknown:?}");
    }
    let shared = named(&(line("`client` is").to_owned() + line("`inject_request_headers` are")));
    let theirs = all([fields::<HttpClient>(), fields::<UpstreamIdentity>(), fields::<InjectedHeader>()]);
    let theirs = all([theirs, fields::<ErrorResponse>()]);
    let missing: Vec<_> = theirs.difference(&shared).collect();
    assert!(missing.is_empty(), "the guide says nothing of {missing:?}");
}

#[test]
fn rules_have_the_fields_of_the_guide_and_no_others() {
    let (_, table) = page().split_once("## Rules").unwrap();
    let rows = table.lines().skip_while(|line| !line.starts_with("| `")).take_while(|line| line.starts_with('|'));
    let first: Names = rows.flat_map(|row| named(row.split('|').nth(1).unwrap())).collect();
    let code = all([fields::<RuleSet>(), fields::<Rule>(), fields::<FilterRef>(), fields::<Arguments>()]);
    let missing: Vec<_> = code.difference(&first).collect();
    assert!(missing.is_empty(), "the guide says nothing of {missing:?}");
    let known = all([code, ["rule_sets".to_owned()].into()]);
    let unknown: Vec<_> = first.difference(&known).collect();
    assert!(unknown.is_empty(), "rules have no {unknown:?}");
    let condition = named(line("| `filters[].if_request_header` |"));
    assert!(all([fields::<HeaderCondition>(), variants::<HeaderValue>()]).is_subset(&condition));
    assert!(fields::<InsteadOfRedirect>().is_subset(&named(line("| `arguments.instead_of_redirect` |"))));
    assert!(page().contains(&format!("`{RULE_SET_KEY}`")));
}

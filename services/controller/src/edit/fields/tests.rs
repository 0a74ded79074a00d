use super::*;

fn all(fields: &'static Fields) -> Vec<(&'static str, &'static str)> {
    let below = fields.lists.iter().flat_map(|list| all(list.of_item));
    fields.own.iter().map(|field| (field.path, field.name)).chain(below).collect()
}

#[test]
fn every_field_is_called_something() {
    let texts = include_str!("../../../../../web/texts.yaml");
    for (path, name) in Kind::ALL.into_iter().flat_map(|kind| all(of(kind))) {
        for text in ["field", "hint"] {
            assert!(texts.contains(&format!("\n{text}_{name}: ")), "{text}_{name} of {path}");
        }
    }
    for list in ["rule", "filter", "limit", "response_header"] {
        for text in ["section", "add", "remove"] {
            assert!(texts.contains(&format!("\n{text}_{list}: ")), "{text}_{list}");
        }
    }
}

#[test]
fn items_of_lists_have_fields_of_their_own() {
    let text = "spec:\n  rules:\n  - host: a\n    filters: [{name: key, arguments: {scope: [x, y]}}]\n  - path: /b\n";
    let shown = form(Kind::FilterPolicy, text);
    let told: Vec<_> = shown.sections.iter().map(|it| (it.path.as_str(), &it.numbers[..])).collect();
    let (first, filter) = (("spec.rules[0]", &[1][..]), ("spec.rules[0].filters[0]", &[1, 1][..]));
    assert_eq!(told, [first, filter, ("spec.rules[1]", &[2])]);
    let scopes = shown.sections[1].fields.iter().find(|field| field.name == "scopes").unwrap();
    assert_eq!((scopes.path.as_str(), scopes.value.as_str()), ("spec.rules[0].filters[0].arguments.scope", "x y"));
    assert_eq!(shown.adds[0].path, "spec.rules");
    assert_eq!(shown.sections[2].adds[0].path, "spec.rules[1].filters");
    let many = format!("spec:\n  rules:\n{}", "  - host: a\n".repeat(MOST_SECTIONS + 3));
    assert_eq!(form(Kind::FilterPolicy, &many).left_out, 3);
}

#[test]
fn what_is_typed_is_written_as_its_field_is() {
    let text = "spec:\n  limits:\n  - pattern: [{generic_key: cart}]\n    rate: 5\n";
    let outline = Outline::of(text).unwrap();
    let given = |path: &str, typed: &str| given(Kind::RateLimit, &outline, path, typed).unwrap();
    assert!(given("spec.limits[0].pattern", "generic_key: cart").unwrap().is_same);
    assert!(given("spec.limits[0].rate", "5").unwrap().is_same);
    let pairs = given("spec.limits[0].pattern", "generic_key: a\r\nremote_address: \"*\"").unwrap().value.unwrap();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(pairs, Written::Pairs(vec![pair("generic_key", "a"), pair("remote_address", "*")]));
    assert!(given("spec.limits[0].pattern", "generic_key").err().unwrap().contains("no \"key: value\""));
    assert!(super::given(Kind::RateLimit, &outline, "spec.limits[0].other", "").is_none());
    let item = |kind: Kind, path: &str| item(kind, path, || "key".to_owned()).map(|item| item.in_line());
    assert!(item(Kind::RateLimit, "spec.limits").is_some() && item(Kind::RateLimit, "spec.other").is_none());
    assert!(item(Kind::FilterPolicy, "spec.rules[7].filters").is_some());
    let rule = item(Kind::FilterPolicy, "spec.rules").unwrap();
    assert_eq!(rule, "{host: \"*\", path: /, filters: [{name: key}]}");
}

#[test]
fn lists_of_names_and_what_is_deep_in_arguments_have_fields() {
    let keys = form(Kind::Filter, "spec:\n  APIKey:\n    keys:\n    - secretName: keys\n    - secretName: more\n");
    let field = |shown: &Shown, name: &str| {
        let of_sections = shown.sections.iter().flat_map(|section| &section.fields);
        let found = shown.fields.iter().chain(of_sections).find(|field| field.name == name).unwrap();
        (found.path.clone(), found.value.clone())
    };
    let secrets = ("spec.APIKey.keys".to_owned(), "secretName: keys\nsecretName: more".to_owned());
    assert_eq!(field(&keys, "secrets_of_keys"), secrets);
    let text = "spec:\n  rules:\n  - filters:\n    - name: login\n";
    let status = "spec.rules[0].filters[0].arguments.insteadOfRedirect.httpStatusCode";
    assert_eq!(field(&form(Kind::FilterPolicy, text), "instead_status"), (status.to_owned(), String::new()));
    let outline = Outline::of(text).unwrap();
    let value = given(Kind::FilterPolicy, &outline, status, "401").unwrap().unwrap().value.unwrap();
    let set = nuncio_api::set_field(text, status, Some(&value)).unwrap();
    assert_eq!(field(&form(Kind::FilterPolicy, &set), "instead_status").1, "401", "{set}");
    let limit = "spec:\n  limits:\n  - rate: 5\n";
    let header = item(Kind::RateLimit, "spec.limits[0].injectResponseHeaders", String::new).unwrap();
    let added = nuncio_api::add_item(limit, "spec.limits[0].injectResponseHeaders", &header).unwrap();
    let shown = form(Kind::RateLimit, &added);
    assert_eq!(shown.sections[1].numbers, [1, 1], "{added}");
    assert_eq!(field(&shown, "response_header_name").0, "spec.limits[0].injectResponseHeaders[0].name");
}

//! Credentials, as schemes of each version.

use super::*;

/// What one operation demands by the copy, and the schemes that it names.
fn secured(version: &str, security: &Value) -> (Value, Value) {
    let reference = reference(&one(version), |_| {});
    let copy = copy(&reference, &[vec![route("cart", security)]]);
    let operation = &copy["paths"]["/a"]["get"];
    assert_eq!(operation, &json!({}), "it stands at the top: {copy:#}");
    let schemes = if version == "2.0" { &copy["securityDefinitions"] } else { &copy["components"]["securitySchemes"] };
    assert!(schemes.get("own").is_none(), "{copy:#}");
    (copy["security"].clone(), schemes.clone())
}

#[test]
fn each_credential_is_a_scheme_of_its_kind() {
    let (security, schemes) = secured("3.1.0", &json!([[login()]]));
    assert_eq!(security, json!([{ "gateway-login": ["orders"] }]));
    let login = &schemes["gateway-login"];
    assert_eq!(
        (&login["type"], &login["openIdConnectUrl"]),
        (&json!("openIdConnect"), &json!("https://idp.example/.well-known/openid-configuration"))
    );
    let (security, schemes) = secured("3.1.0", &json!([[token()]]));
    assert_eq!(security, json!([{ "gateway-token": ["read"] }]));
    let token = &schemes["gateway-token"];
    assert_eq!((&token["type"], &token["scheme"]), (&json!("http"), &json!("bearer")));
    let (security, schemes) = secured("3.1.0", &json!([[key(&["header X-Key"])]]));
    assert_eq!(security, json!([{ "gateway-key": [] }]));
    assert_eq!(schemes["gateway-key"], json!({ "type": "apiKey", "in": "header", "name": "X-Key" }));
    let (_, schemes) = secured("3.1.0", &json!([[{ "kind": "password" }]]));
    assert_eq!(schemes["gateway-password"], json!({ "type": "http", "scheme": "basic" }));
    let names = json!([[{ "kind": "headers", "names": ["X-Id", "X-Secret"] }]]);
    let (security, schemes) = secured("3.1.0", &names);
    assert_eq!(security, json!([{ "gateway-header": [], "gateway-header-2": [] }]));
    assert_eq!(schemes["gateway-header-2"]["name"], "X-Secret");
}

#[test]
fn what_is_together_is_one_requirement_and_what_is_not_are_several() {
    let (security, _) = secured("3.1.0", &json!([[login(), key(&["header X-Key"])]]));
    assert_eq!(security, json!([{ "gateway-key": [], "gateway-login": ["orders"] }]));
    let (security, _) = secured("3.1.0", &json!([[login()], [key(&["header X-Key"])]]));
    assert_eq!(security, json!([{ "gateway-login": ["orders"] }, { "gateway-key": [] }]));
    let places = ["header X-Key", "query parameter key", "cookie key", "header Authorization: Key"];
    let (security, schemes) = secured("3.1.0", &json!([[key(&places)]]));
    assert_eq!(security.as_array().unwrap().len(), 4);
    assert_eq!(schemes["gateway-key-2"], json!({ "type": "apiKey", "in": "query", "name": "key" }));
    assert_eq!(schemes["gateway-key-3"], json!({ "type": "apiKey", "in": "cookie", "name": "key" }));
    assert_eq!(schemes["gateway-key-4"], json!({ "type": "http", "scheme": "key" }));
}

#[test]
fn nothing_something_unknown_and_nobody_are_told_apart() {
    assert_eq!(secured("3.1.0", &json!([[]])).0, json!([]));
    let (security, _) = secured("3.1.0", &json!([[], [login()]]));
    assert_eq!(security, json!([{ "gateway-login": ["orders"] }, {}]), "who likes may log in");
    let (security, schemes) = secured("3.1.0", &json!([[{ "kind": "other" }]]));
    assert_eq!(security, json!([{ "gateway-unknown": [] }]));
    assert_eq!(schemes["gateway-unknown"]["x-nuncio-unknown"], true);
    let (security, schemes) = secured("3.1.0", &json!([]));
    assert_eq!(security, json!([{ "gateway-refused": [] }]), "no list at all would be an open door");
    assert_eq!(schemes["gateway-refused"]["x-nuncio-refused"], true);
}

#[test]
fn older_versions_say_it_as_far_as_they_can() {
    let (security, schemes) = secured("3.0.3", &json!([[token()]]));
    assert_eq!(security, json!([{ "gateway-token": [] }]), "only OAuth2 has scopes there");
    assert_eq!(schemes["gateway-token"]["x-nuncio-scopes"], json!(["read"]));
    assert_eq!(secured("3.0.3", &json!([[login()]])).0, json!([{ "gateway-login": ["orders"] }]));
    let all = json!([[login()], [token()], [key(&["cookie k"])], [{ "kind": "password" }]]);
    let (security, schemes) = secured("2.0", &all);
    assert_eq!(security.as_array().unwrap().len(), 4);
    for (name, header) in [("login", "Cookie"), ("token", "Authorization"), ("key", "Cookie")] {
        let scheme = &schemes[format!("gateway-{name}")];
        assert_eq!(
            (&scheme["type"], &scheme["in"], &scheme["name"]),
            (&json!("apiKey"), &json!("header"), &json!(header))
        );
    }
    assert_eq!(schemes["gateway-password"], json!({ "type": "basic" }));
    let discovery = &schemes["gateway-login"]["x-nuncio-openIdConnectUrl"];
    assert_eq!(discovery, "https://idp.example/.well-known/openid-configuration");
}

//! Filters and FilterPolicies of every group and version.

use super::*;

#[test]
fn filters_of_old_versions_have_names_of_their_own_for_what_is_newer() {
    for version in ["v2", "v1beta2"] {
        let read = |kind: &str, spec: &str| {
            let object = only(&format!(
                "apiVersion: getambassador.io/{version}\nkind: {kind}\nmetadata: {{name: f}}\nspec: {spec}\n"
            ));
            assert!(object.problems.is_empty(), "{:?}", object.problems);
            object.spec
        };
        let Spec::Filter(filter) = read("Filter", "{v3APIKey: {keys: [{secretName: k}]}}") else { panic!() };
        assert_eq!(filter.api_key.unwrap().keys[0].secret_name, "k");
        let Spec::Filter(filter) =
            read("Filter", "{External: {auth_service: a, proto: grpc, v3ProtocolVersion: v3, v3TLSConfig: {}}}")
        else {
            panic!()
        };
        assert!(filter.external.unwrap().tls_config.is_some());
        let rules = "{rules: [{v3Precedence: 7, filters: [{name: f}]}]}";
        let Spec::FilterPolicy(policy) = read("FilterPolicy", rules) else { panic!() };
        assert_eq!(policy.rules[0].precedence, Some(7));
    }
}

#[test]
fn a_condition_of_a_type_that_is_not_known_is_no_condition_less() {
    let policy = "{rules: [{filterRefs: [{name: f, ifRequestHeader: {name: x, type: Regex, value: a}}]}]}";
    let object = only(&format!(
        "apiVersion: gateway.getambassador.io/v1alpha1\nkind: FilterPolicy\nmetadata: {{name: p}}\nspec: {policy}\n"
    ));
    assert!(is_invalid(&object) && object.problems[0].0.message.contains("RegularExpression"), "{:?}", object.problems);
}

#[test]
fn arguments_for_another_type_than_the_filter_s_are_not_passed_over() {
    let policy = |arguments: &str| {
        only(&format!(
            "apiVersion: gateway.getambassador.io/v1alpha1\nkind: FilterPolicy\nmetadata: {{name: p}}\n\
             spec: {{rules: [{{filterRefs: [{{name: f, arguments: {arguments}}}]}}]}}\n"
        ))
    };
    for (arguments, wanted) in [
        ("{scope: [admin]}", "the type of its filter"),
        ("{type: oauth2, scope: [admin]}", "oauth2"),
        ("{type: oauth2, jwt: {scope: [admin]}}", "oauth2"),
        ("{jwt: {scope: [admin]}, oauth2: {scope: [admin]}}", "jwt"),
    ] {
        let object = policy(arguments);
        assert!(is_invalid(&object), "{arguments}");
        assert_eq!(object.problems[0].0.message, format!("expected below {wanted}"), "{arguments}");
        assert!(object.problems[0].0.field.starts_with("spec.rules[0].filterRefs[0].arguments."), "{arguments}");
    }
    for arguments in ["{type: jwt, jwt: {scope: [admin]}}", "{jwt: {scope: [admin]}}", "{type: jwt}", "{}"] {
        let object = policy(arguments);
        assert!(object.problems.is_empty(), "{arguments}: {:?}", object.problems);
    }
}

#[test]
fn fields_of_the_newer_group_are_told_as_they_are_written() {
    let told = |field: &str, kind: Kind| Problem::error("x", field, "").as_written_in(kind).field;
    assert_eq!(told("spec.APIKey.keys[0].secretName", Kind::GatewayFilter), "spec.apikey.keys[0].secretName");
    assert_eq!(told("spec.rules[1].filters[0].name", Kind::GatewayFilterPolicy), "spec.rules[1].filterRefs[0].name");
    assert_eq!(told("spec.rules[1].filters[0].name", Kind::FilterPolicy), "spec.rules[1].filters[0].name");
}

#[test]
fn both_groups_say_the_same() {
    let pairs = [
        (
            "Filter",
            "{OAuth2: {authorizationURL: 'https://idp.test', clientID: edge, secretName: oauth, secretNamespace: x, \
             protectedOrigins: [{origin: 'https://a.b'}]}}",
            "{type: oauth2, oauth2: {authorizationURL: 'https://idp.test', clientSecretRef: {name: oauth, namespace: x}, \
             authorizationCodeSettings: {clientID: edge, protectedOrigins: [{origin: 'https://a.b'}]}}}",
        ),
        (
            "Filter",
            "{External: {auth_service: a, proto: grpc, protocol_version: v3, status_on_error: {code: 503}}}",
            "{type: external, external: {authServiceURL: a, protocol: grpc, protocolVersion: v3, statusOnError: 503}}",
        ),
        ("Filter", "{APIKey: {keys: [{secretName: k}]}}", "{type: apikey, apikey: {keys: [{secretName: k}]}}"),
    ];
    for (kind, one, other) in pairs {
        let object = |api_version: &str, spec: &str| {
            only(&format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: f}}\nspec: {spec}\n"))
        };
        let (one, other) =
            (object("getambassador.io/v3alpha1", one), object("gateway.getambassador.io/v1alpha1", other));
        assert!(!is_invalid(&one) && one.problems.is_empty(), "{:?}", one.problems);
        assert!(other.problems.is_empty(), "{:?}", other.problems);
        assert_eq!(one.spec, other.spec);
        // Objects of two groups are two objects, even of the same name.
        assert_ne!(one.id, other.id);
    }
}

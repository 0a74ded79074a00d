//! What in a manifest is a secret, and what decides where it is sent.

use super::place::Place;
use crate::object::Kind;
use crate::yaml::Node;

/// Fields that hold one, however they are written.
const FIELDS: [&str; 5] = ["accesstoken", "apikey", "clientsecret", "password", "privatekey"];
/// A field that holds one in a Filter, and elsewhere the name of a Secret.
const OF_FILTERS: &str = "secret";
/// What is in the name of a header or parameter that carries one.
const CARRIERS: [&str; 7] = ["authorization", "cookie", "credential", "key", "password", "secret", "token"];
/// Words with one of these in them that say nothing of the kind.
const OTHER_WORDS: [&str; 8] = ["donkey", "hockey", "jockey", "keyboard", "keyword", "monkey", "turkey", "whiskey"];
/// What is in the names of fields that say where something is sent, or how far that is verified.
const DESTINATIONS: [&str; 13] = [
    "address",
    "authority",
    "endpoint",
    "host",
    "issuer",
    "origin",
    "redirect",
    "resolver",
    "server",
    "service",
    "tls",
    "uri",
    "url",
];

/// Whether the name of a header or of a parameter says that a credential is in it.
#[must_use]
pub fn is_credential(name: &str) -> bool {
    let words = name.split(|sign: char| !sign.is_ascii_alphanumeric()).map(str::to_ascii_lowercase);
    let plain: String = words.filter(|word| !OTHER_WORDS.contains(&word.as_str())).collect();
    CARRIERS.iter().any(|word| plain.contains(word))
}

/// Whether a scalar of an object of this kind is one.
pub(super) fn is_secret(kind: Kind, place: &Place<'_, '_>) -> bool {
    let Some(key) = place.mapping().and(place.keys.last()).map(|key| plain(key)) else { return false };
    let is_told = || is_carried(place.keys) || is_named(&key, place.mapping());
    let is_field = FIELDS.contains(&key.as_str()) || key == OF_FILTERS && kind.is_filter();
    !matches!(place.value, "true" | "false")
        && !is_template(place.value)
        && (is_field || has_login(place.value) || !is_label(place.keys) && is_told())
}

/// Whether it is of the labels that a rate limit service is told: their `key` is a name, and what comes of a header is not here.
fn is_label(keys: &[&str]) -> bool {
    matches!(keys, ["spec", "labels", ..] | ["spec", "config", "default_labels", ..])
}

/// Whether a scalar decides where secrets are sent.
pub(super) fn is_destination(place: &Place<'_, '_>) -> bool {
    let decides = |key: &&str| DESTINATIONS.iter().any(|word| plain(key).contains(word));
    place.keys.first() != Some(&"metadata") && (place.value.contains("://") || place.keys.iter().any(decides))
}

/// `add_request_headers: {Authorization: …}`.
fn is_carried(keys: &[&str]) -> bool {
    let of_names = |key: &str| ["headers", "parameters"].iter().any(|end| plain(key).ends_with(end));
    keys.windows(2).any(|pair| of_names(pair[0]) && is_credential(pair[1]))
}

/// `{name: Authorization, value: …}`.
fn is_named(key: &str, map: Option<&Node<'_>>) -> bool {
    let name = |field: &str| map.and_then(|map| map.get(field)?.as_text()).is_some_and(is_credential);
    key.starts_with("value") && ["name", "key", "header"].into_iter().any(name)
}

/// What is put in when a request comes is none itself.
fn is_template(value: &str) -> bool {
    let value = value.strip_prefix("Bearer ").unwrap_or(value).trim();
    let is_one = |begin: &str, end: &str| {
        value.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end)).is_some_and(|inner| !inner.contains(end))
    };
    is_one("{{", "}}") || is_one("%", "%")
}

/// `https://user:password@host/`.
fn has_login(value: &str) -> bool {
    let authority = value.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    authority.is_some_and(|authority| authority.contains('@'))
}

fn plain(key: &str) -> String {
    key.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Masked;
    use super::*;

    /// The places that are not shown of a text with this below `spec`.
    fn hidden(kind: Kind, spec: &str) -> String {
        format!("{:?}", Masked::of(kind, &format!("spec:\n{spec}")).unwrap())
    }

    #[test]
    fn credentials_are_known_by_the_header_that_carries_them() {
        for (spec, path) in [
            (
                "  add_request_headers:\n    Authorization: Basic abc\n    x-a: b\n",
                "spec.add_request_headers.Authorization",
            ),
            (
                "  add_request_headers:\n    X-Api-Key:\n      value: abc\n      append: false\n",
                "spec.add_request_headers.X-Api-Key.value",
            ),
            ("  headers:\n    cookie: abc\n    x-token: true\n", "spec.headers.cookie"),
            ("  regex_query_parameters:\n    access_token: ab.*\n", "spec.regex_query_parameters.access_token"),
            (
                "  rules:\n  - ifRequestHeader:\n      name: X-Secret\n      value: abc\n",
                "spec.rules[0].ifRequestHeader.value",
            ),
            ("  url: https://ann:abc@docs.example/\n  x: a@b://c\n", "spec.url"),
            ("  x:\n    Private-Key: abc\n", "spec.x.Private-Key"),
            ("  headers:\n    x-monkey-key: abc\n", "spec.headers.x-monkey-key"),
            ("  headers:\n    x-mon-key: abc\n", "spec.headers.x-mon-key"),
            ("  labels:\n    x:\n      password: abc\n", "spec.labels.x.password"),
        ] {
            assert!(
                hidden(Kind::Mapping, spec).contains(&format!("[\"{path}\"]")),
                "{spec}: {}",
                hidden(Kind::Mapping, spec)
            );
        }
    }

    #[test]
    fn names_of_secrets_templates_and_other_headers_are_shown() {
        for spec in [
            "  secret: name-of-a-secret\n",
            "  add_request_headers:\n    x-a: b\n",
            "  remove_request_headers: [authorization]\n",
            "  injectRequestHeaders:\n  - name: Authorization\n    value: Bearer {{ .token.Raw }}\n",
            "  add_request_headers:\n    x-token: \"%REQ(x-other)%\"\n",
            "  labels:\n  - name: team\n    value: shop\n",
            "  labels: {ambassador: [{cart: [remote_address, {request_headers: {key: plan, header_name: x-plan}}]}]}\n",
            "  labels:\n    ambassador:\n    - cart:\n      - request_headers:\n          key: tenantid\n          header_name: x-org\n",
            "  labels:\n    ambassador:\n    - cart:\n      - generic_key:\n          key: token-kind\n          value: web\n",
            "  config:\n    default_labels:\n      ambassador:\n        defaults:\n        - request_headers: {key: plan, header_name: x-plan}\n",
            "  add_request_headers: {x-monkey: {value: web}}\n  headers: {X-Keyword: abc}\n",
            "  password:\n",
        ] {
            assert!(hidden(Kind::TLSContext, spec).contains("secrets: []"), "{spec}");
        }
        assert!(hidden(Kind::Filter, "  secret: abc\n").contains("spec.secret"));
        let mixed = "  headers:\n    x-token: \"{{ .a }}abc{{ .b }}\"\n";
        assert!(hidden(Kind::Mapping, mixed).contains("x-token"), "what stands between templates is one");
    }
}

//! What a new object says at first: what its kind cannot do without.

use nuncio_api::{Kind, ObjectId, Written};

use crate::admin::ChangeError;
use crate::source::kubernetes::resources::api_kind;

/// The text of a new object.
pub(super) fn text(id: &ObjectId) -> Result<String, ChangeError> {
    for (field, value) in [("metadata.namespace", &id.namespace), ("metadata.name", &id.name)] {
        if !is_name(value) {
            let why = format!(
                "{field} \"{value}\" cannot be used: small letters, digits, \"-\" and \".\" make a name, up to 253 of them"
            );
            return Err(ChangeError::Field { field: field.to_owned(), why });
        }
    }
    let ObjectId { kind, namespace, name } = id;
    let version = api_kind(*kind).map(|api| api.api_version()).unwrap_or_default();
    let in_line = |text: &str| Written::Text(text.to_owned()).in_line();
    Ok(format!(
        "apiVersion: {version}\nkind: {}\nmetadata:\n  name: {}\n  namespace: {}\n{}",
        kind.as_str(),
        in_line(name),
        in_line(namespace),
        spec(*kind, name)
    ))
}

fn is_name(text: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    text.len() <= 253
        && text.bytes().all(is_sign)
        && ends(text.as_bytes().first())
        && ends(text.as_bytes().last())
        && !text.contains("..")
}

fn spec(kind: Kind, name: &str) -> String {
    let fields = match kind {
        Kind::Mapping => format!("hostname: \"*\"\nprefix: /{name}/\nservice: {name}"),
        Kind::TCPMapping => format!("port: 5432\nservice: {name}:5432"),
        Kind::Host => format!(
            "hostname: {name}.example.com\nrequestPolicy:\n  insecure:\n    action: Redirect\ntlsSecret:\n  name: {name}-tls"
        ),
        Kind::Listener => {
            "port: 8080\nprotocol: HTTP\nsecurityModel: XFP\nhostBinding:\n  namespace:\n    from: SELF".to_owned()
        }
        Kind::TLSContext => format!("hosts:\n- {name}.example.com\nsecret: {name}-tls"),
        Kind::AuthService => format!("auth_service: {name}:3000\nproto: http\ntimeout_ms: 5000"),
        Kind::RateLimitService => format!("service: {name}:8081\nprotocol_version: v3"),
        Kind::RateLimit => {
            format!("domain: ambassador\nlimits:\n- pattern:\n  - generic_key: {name}\n  rate: 10\n  unit: minute")
        }
        Kind::Filter => format!("APIKey:\n  httpHeader: X-API-Key\n  keys:\n  - secretName: {name}"),
        Kind::FilterPolicy => {
            format!("rules:\n- host: \"*\"\n  path: /{name}/*\n  filters:\n  - name: \"\"")
        }
        Kind::GatewayFilter => {
            format!("type: apikey\napikey:\n  httpHeader: X-API-Key\n  keys:\n  - secretName: {name}")
        }
        Kind::GatewayFilterPolicy => {
            format!("rules:\n- host: \"*\"\n  path: /{name}/*\n  filterRefs:\n  - name: \"\"")
        }
        Kind::Module => "config:\n  diagnostics:\n    enabled: false".to_owned(),
        _ => return "spec: {}\n".to_owned(),
    };
    let lines: String = fields.lines().map(|line| format!("  {line}\n")).collect();
    format!("spec:\n{lines}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_can_be_read_as_that_object() {
        for kind in Kind::ALL.into_iter().filter(|kind| kind.is_ours()) {
            for name in ["cart", "1", "true", "1.5", "null"] {
                let id = ObjectId::new(kind, "default", name);
                let text = text(&id).unwrap();
                let parsed = nuncio_api::parse(text.as_bytes(), &"new.yaml".into(), &nuncio_api::Defaults::default());
                let ids: Vec<_> = parsed.objects.iter().map(|object| &object.id).collect();
                assert_eq!(ids, [&id], "{text}");
            }
        }
    }

    #[test]
    fn a_name_is_one_for_an_address_as_well() {
        for name in ["", "../x", "a/b", "A", "a?b", "-a", "a..b", "a b", "ä"] {
            assert!(text(&ObjectId::new(Kind::Mapping, "default", name)).is_err(), "{name}");
            assert!(text(&ObjectId::new(Kind::Mapping, name, "cart")).is_err(), "{name}");
        }
    }
}

//! What in a document points at paths: references within it, and places of login at the service itself.

use serde_json::{Value, json};

use super::moves::Moves;
use crate::document::Version;
use crate::mount::Mount;
use crate::reference::pointer_name;

/// Where references to paths begin.
const PATHS: &str = "#/paths/";

/// Has references follow paths that are called otherwise now.
pub(super) fn repoint(value: &mut Value, moves: &Moves) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                match value {
                    Value::String(reference) if matches!(key.as_str(), "$ref" | "operationRef") => {
                        if let Some(renamed) = renamed(reference, moves) {
                            *reference = renamed;
                        }
                    }
                    _ => repoint(value, moves),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| repoint(item, moves)),
        _ => {}
    }
}

fn renamed(reference: &str, moves: &Moves) -> Option<String> {
    let rest = reference.strip_prefix(PATHS)?;
    let (path, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let method = rest.split('/').nth(1);
    let name = moves.to(&pointer_name(path), method)?;
    // RFC 6901, section 3.
    Some(format!("{PATHS}{}{rest}", name.replace('~', "~0").replace('/', "~1")))
}

/// URLs of security schemes that are relative to the service: clients reach them by the gateway, or not at all.
pub(super) fn rewrite(document: &mut Value, version: Version, mount: &Mount) {
    let schemes = match version {
        Version::V2 => document.get_mut("securityDefinitions"),
        _ => document.get_mut("components").and_then(|components| components.get_mut("securitySchemes")),
    };
    let schemes = schemes.and_then(Value::as_object_mut).into_iter().flat_map(|schemes| schemes.values_mut());
    for scheme in schemes {
        absolute(scheme, mount);
        let flows = scheme.get_mut("flows").and_then(Value::as_object_mut).into_iter();
        flows.flat_map(|flows| flows.values_mut()).for_each(|flow| absolute(flow, mount));
    }
}

fn absolute(object: &mut Value, mount: &Mount) {
    for key in ["authorizationUrl", "tokenUrl", "refreshUrl", "openIdConnectUrl", "deviceAuthorizationUrl"] {
        let Some(url) = object.get_mut(key) else { continue };
        let path = url.as_str().filter(|url| url.starts_with('/') && !url.starts_with("//"));
        let outer = path.and_then(|path| mount.outer(path));
        if let (Some(outer), Some(origin)) = (outer, mount.origins.first()) {
            *url = json!(format!("{origin}{outer}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mount::tests::mount;

    #[test]
    fn relative_places_of_login_are_where_clients_reach_them() {
        let mut document = json!({ "components": { "securitySchemes": { "o": { "flows": { "authorizationCode": {
            "authorizationUrl": "/oauth/authorize", "tokenUrl": "https://login.example/token"
        } } } } } });
        rewrite(&mut document, Version::V3_1, &mount("/api/", Some("/")));
        let flow = &document["components"]["securitySchemes"]["o"]["flows"]["authorizationCode"];
        assert_eq!(flow["authorizationUrl"], "https://shop.example/api/oauth/authorize");
        assert_eq!(flow["tokenUrl"], "https://login.example/token");
    }
}

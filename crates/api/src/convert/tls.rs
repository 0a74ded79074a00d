//! `tls`, which in `v2` is the name of a context or a switch, and in `v3alpha1` a name alone: there the scheme of the
//! service is the switch. How `v2` put it is noted in `v2ExplicitTLS`, as the original does.

use serde_json::{Value, json};

use super::Fields;

const TLS: &str = "tls";
const EXPLICIT: &str = "v2ExplicitTLS";
const SCHEME: &str = "serviceScheme";

/// `service` is the field that names the service. A note of its scheme is only taken where `schemes`: a `v2`
/// `TCPMapping` has none.
pub(super) fn up(spec: &mut Fields, service: &str, schemes: bool) {
    let Some(Value::String(name)) = spec.get(service) else { return };
    let name = name.clone();
    let (scheme, bare) = split(&name);
    let said = match spec.get(TLS) {
        None => None,
        Some(Value::Null) => Some("null"),
        Some(Value::Bool(true)) => Some("bool:true"),
        Some(Value::Bool(false)) => Some("bool:false"),
        Some(Value::String(context)) if context.is_empty() => Some("string"),
        // A context's name, or nothing that means anything.
        Some(_) => return,
    };
    let Some(said) = said else { return };
    spec.remove(TLS);
    let mut explicit = json!({ TLS: said });
    if said == "bool:true" && !is_https(scheme) {
        spec.insert(service.to_owned(), json!(format!("https://{bare}")));
        if schemes {
            explicit[SCHEME] = json!(scheme);
        }
    }
    spec.insert(EXPLICIT.to_owned(), explicit);
}

/// The other way. Notes that contradict what is there now are not believed.
pub(super) fn down(spec: &mut Fields, service: &str, schemes: bool) {
    let Some(Value::String(name)) = spec.get(service) else { return };
    let name = name.clone();
    let Some(Value::Object(explicit)) = spec.remove(EXPLICIT) else { return };
    let context = match spec.get(TLS) {
        None => false,
        Some(Value::String(context)) => !context.is_empty(),
        Some(_) => true,
    };
    let (scheme, bare) = split(&name);
    let mut switched = false;
    if !context && !spec.contains_key(TLS) {
        let said = match explicit.get(TLS).and_then(Value::as_str) {
            Some("null") => Some(Value::Null),
            Some("bool:false") => Some(json!(false)),
            Some("string") => Some(json!("")),
            Some("bool:true") if is_https(scheme) => Some(json!(true)),
            _ => None,
        };
        switched = said == Some(json!(true));
        if let Some(said) = said {
            spec.insert(TLS.to_owned(), said);
        }
    }
    let noted = if schemes { explicit.get(SCHEME).and_then(Value::as_str) } else { Some("") };
    if let Some(noted) = noted {
        // Beside a context or a switch the scheme says nothing; otherwise it must say the same.
        let free = context || switched;
        if free || is_https(noted) == is_https(scheme) {
            spec.insert(service.to_owned(), json!(format!("{noted}{bare}")));
        }
    }
}

/// The scheme with its slashes as it is written, and the rest.
fn split(service: &str) -> (&str, &str) {
    let at = ["https://", "http://"]
        .into_iter()
        .find(|scheme| service.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
        .map_or(0, str::len);
    service.split_at(at)
}

fn is_https(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("https://")
}

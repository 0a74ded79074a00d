//! Headers for upstreams that are written by templates.

use http::{HeaderName, HeaderValue};
use nuncio_auth::Request;
use nuncio_expr::Template;
use nuncio_expr::template::Value;
use nuncio_ir::auth::InjectedHeader;

/// What Go writes for what is not there.
const NO_VALUE: &str = "<no value>";

/// A header, compiled.
#[derive(Debug)]
pub(super) struct Injection {
    name: HeaderName,
    value: Template,
    keep_client_value: bool,
}

/// Compiles headers.
pub(super) fn compile(headers: &[InjectedHeader]) -> Result<Vec<Injection>, String> {
    headers
        .iter()
        .map(|header| {
            let name =
                HeaderName::try_from(&*header.name).map_err(|_| format!("{:?} is no name of a header", header.name))?;
            let value = Template::new(&header.value).map_err(|error| format!("the template of {name}: {error}"))?;
            Ok(Injection { name, value, keep_client_value: header.keep_client_value })
        })
        .collect()
}

/// Writes the headers, from what templates see of a request. Where a template has nothing to write, the client's own is not passed on either.
pub(super) fn inject(
    injections: &[Injection],
    request: &mut Request,
    data: impl FnOnce(&Request) -> Value,
) -> Result<(), String> {
    if injections.is_empty() {
        return Ok(());
    }
    let data = data(request);
    let mut written = Vec::with_capacity(injections.len());
    for injection in injections {
        let text =
            injection.value.render(&data).map_err(|error| format!("the template of {}: {error}", injection.name))?;
        let value = match text.as_deref().map(str::trim) {
            None | Some("" | NO_VALUE) => None,
            Some(text) => {
                Some(header_value(text).ok_or_else(|| format!("{} would hold control characters", injection.name))?)
            }
        };
        written.push((injection, value, text.is_none()));
    }
    for (injection, value, do_not_set) in written {
        match value {
            Some(value) => request.set_header(&injection.name, value),
            None if do_not_set && injection.keep_client_value => {}
            None => request.remove_header(&injection.name),
        }
    }
    Ok(())
}

/// A text as the value of a header: what is not ASCII is percent-encoded, and control characters are none.
pub(super) fn header_value(text: &str) -> Option<HeaderValue> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return HeaderValue::from_str(text).ok();
    }
    if text.chars().any(char::is_control) {
        return None;
    }
    let mut encoded = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            encoded.push(c);
        } else {
            let mut buffer = [0; 4];
            for byte in c.encode_utf8(&mut buffer).bytes() {
                encoded.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    HeaderValue::from_str(&encoded).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn injected(value: &str, keep: bool, claims: &serde_json::Value) -> Result<Option<String>, String> {
        let header = InjectedHeader { name: "X-User".into(), value: value.into(), keep_client_value: keep };
        let mut request = Request::new("GET", "https", "a", "/");
        request.add_header("x-user", b"evil");
        let data = |_: &Request| Value::map([("c", Value::from(claims))]);
        inject(&compile(&[header]).unwrap(), &mut request, data)?;
        Ok(request.header("x-user").map(str::to_owned))
    }

    /// Cases 5 and 7.
    #[test]
    fn nothing_of_the_client_s_survives_and_nothing_splits() {
        let claims =
            json!({ "name": "Ann", "empty": "", "umlaut": "Jörg", "split": "a\r\nx-admin: 1", "nul": "a\u{0}" });
        let with = |value: &str| injected(value, false, &claims);
        assert_eq!(with("{{ .c.name }}"), Ok(Some("Ann".to_owned())));
        assert_eq!(with("{{ .c.umlaut }}"), Ok(Some("J%C3%B6rg".to_owned())));
        for nothing in ["{{ .c.absent }}", "{{ .c.empty }}", "{{ doNotSet }}"] {
            assert_eq!(with(nothing), Ok(None), "{nothing}");
        }
        for control in ["{{ .c.split }}", "{{ .c.nul }}"] {
            assert_eq!(with(control), Err("x-user would hold control characters".to_owned()));
        }
        assert_eq!(injected("{{ doNotSet }}", true, &claims), Ok(Some("evil".to_owned())), "where it is asked for");
    }
}

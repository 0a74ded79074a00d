//! What Envoy is told.

use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::core::v3::{HeaderValue, HeaderValueOption, QueryParameter};
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{CheckResponse, DeniedHttpResponse, OkHttpResponse};
use envoy_types::pb::envoy::r#type::v3::HttpStatus;
use envoy_types::pb::google::protobuf::Struct;
use envoy_types::pb::google::rpc::Status;
use nuncio_auth::{Edits, Identity, Reply};
use serde_json::{Map, Value as Json};

use crate::dynamic;
use crate::engine::{Decision, Outcome};

/// Codes of gRPC.
const OK: i32 = 0;
const PERMISSION_DENIED: i32 = 7;
const UNAVAILABLE: i32 = 14;

/// The answer to Envoy.
pub(super) fn response(decision: Decision) -> CheckResponse {
    let (word, _) = decision.outcome.in_words();
    let stopped = match decision.outcome {
        Outcome::Allow(edits, identity) => return allowed(*edits, identity.as_ref(), &decision.rule),
        Outcome::Answer(reply) => answer(PERMISSION_DENIED, HttpResponse::DeniedResponse(denied(reply))),
        // Counted as an error by Envoy, and subject to `failure_mode_allow` where somebody asked for that.
        Outcome::Deny(denial) if denial.is_failure => {
            answer(UNAVAILABLE, HttpResponse::ErrorResponse(denied(*denial.reply)))
        }
        Outcome::Deny(denial) => answer(PERMISSION_DENIED, HttpResponse::DeniedResponse(denied(*denial.reply))),
    };
    let fields =
        [("rule", &*decision.rule), ("decision", word)].map(|(name, text)| (name.to_owned(), Json::from(text)));
    CheckResponse { dynamic_metadata: Some(dynamic::fields(fields.into_iter().collect())), ..stopped }
}

fn answer(code: i32, response: HttpResponse) -> CheckResponse {
    CheckResponse {
        status: Some(Status { code, ..Status::default() }),
        http_response: Some(response),
        ..CheckResponse::default()
    }
}

/// For a message that is none.
pub(super) fn nothing() -> CheckResponse {
    let reply = Reply::new(http::StatusCode::SERVICE_UNAVAILABLE);
    answer(UNAVAILABLE, HttpResponse::ErrorResponse(denied(reply)))
}

fn allowed(edits: Edits, identity: Option<&Identity>, rule: &str) -> CheckResponse {
    let mut ok = OkHttpResponse::default();
    for (name, value) in edits.headers {
        match value {
            Some(value) => ok.headers.push(overwrite(&name, value.as_bytes())),
            // Envoy removes after it has set: a name is in one of the two lists alone.
            None => ok.headers_to_remove.push(name),
        }
    }
    ok.query_parameters_to_remove = edits.query_removed;
    ok.query_parameters_to_set =
        edits.query_set.into_iter().map(|(key, value)| QueryParameter { key, value }).collect();
    ok.response_headers_to_add =
        edits.response.iter().map(|(name, value)| as_it_is(name.as_str(), value.as_bytes())).collect();
    let metadata = metadata(edits.metadata, identity, rule);
    CheckResponse { dynamic_metadata: Some(metadata), ..answer(OK, HttpResponse::OkResponse(ok)) }
}

fn denied(reply: Reply) -> DeniedHttpResponse {
    DeniedHttpResponse {
        status: Some(HttpStatus { code: i32::from(reply.status.as_u16()) }),
        headers: reply.headers.iter().map(|(name, value)| as_it_is(name.as_str(), value.as_bytes())).collect(),
        body: reply.body,
    }
}

/// In place of what the client sent. Envoys differ in which of the two fields they obey: both say the same.
#[expect(deprecated, reason = "1.40 obeys the deprecated field alone")]
fn overwrite(name: &str, value: &[u8]) -> HeaderValueOption {
    HeaderValueOption {
        append: Some(envoy_types::pb::google::protobuf::BoolValue { value: false }),
        append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
        ..as_it_is(name, value)
    }
}

/// With neither field set: all of several `Set-Cookie` arrive only so.
fn as_it_is(name: &str, value: &[u8]) -> HeaderValueOption {
    // Envoy passes over `raw_value` here.
    let value = String::from_utf8_lossy(value).into_owned();
    let header = HeaderValue { key: name.to_owned(), value, ..HeaderValue::default() };
    HeaderValueOption { header: Some(header), ..HeaderValueOption::default() }
}

/// For access logs and rate limits. What we say ourselves nobody else says.
fn metadata(mut fields: Map<String, Json>, identity: Option<&Identity>, rule: &str) -> Struct {
    fields.insert("rule".to_owned(), rule.into());
    // It is told of what goes no further alone.
    fields.remove("decision");
    for (name, text) in [("subject", identity.map(|it| &it.subject)), ("issuer", identity.map(|it| &it.issuer))] {
        match text {
            Some(text) => fields.insert(name.to_owned(), text.as_str().into()),
            None => fields.remove(name),
        };
    }
    dynamic::fields(fields)
}

#[cfg(test)]
mod tests {
    use nuncio_auth::{Denial, Request};
    use serde_json::json;

    use super::*;

    #[test]
    fn of_what_goes_no_further_it_is_told_what_was_decided() {
        let reply = || Reply::new(http::StatusCode::FORBIDDEN);
        let denial = |is_failure| Denial { is_failure, ..Denial::new("no_token", "", reply()) };
        for (outcome, word) in [
            (Outcome::Answer(Reply::redirect("https://people.example/")), "answer"),
            (Outcome::Deny(denial(false)), "deny"),
            (Outcome::Deny(denial(true)), "error"),
        ] {
            let rule = "shop".to_owned();
            let decision = Decision { outcome, rule, steps: Vec::new(), identity: None, is_preflight: false };
            let told = response(decision).dynamic_metadata.map(dynamic::json);
            assert_eq!(told, Some(json!({"rule": "shop", "decision": word})));
        }
    }

    #[test]
    fn nobody_else_says_what_was_decided() {
        let fields =
            Map::from_iter([("decision", 1), ("rule", 2), ("tier", 3)].map(|(name, it)| (name.to_owned(), it.into())));
        assert_eq!(dynamic::json(metadata(fields, None, "shop")), json!({"rule": "shop", "tier": 3.0}));
    }

    #[test]
    fn identity_headers_overwrite_and_cookies_do_not() {
        let mut request = Request::new("GET", "https", "a", "/");
        request.add_header("x_user", b"evil");
        request.set_header(&http::HeaderName::from_static("x-user"), "ann".parse().unwrap());
        request.add_response_header(http::header::SET_COOKIE, "a=1".parse().unwrap());
        request.add_response_header(http::header::SET_COOKIE, "b=2".parse().unwrap());
        let response = allowed(request.into_edits(), None, "r");
        let Some(HttpResponse::OkResponse(ok)) = response.http_response else { panic!() };
        #[expect(deprecated, reason = "it is what 1.40 obeys")]
        let append = ok.headers[0].append.map(|append| append.value);
        assert_eq!((append, ok.headers[0].append_action), (Some(false), 2));
        assert_eq!(ok.headers_to_remove, ["x_user"]);
        assert_eq!(ok.response_headers_to_add.len(), 2);
        assert!(ok.response_headers_to_add.iter().all(|option| option.append_action == 0));
    }
}

//! The OpenAPI document: what every operation may answer besides what it says by itself.

use utoipa::OpenApi as _;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{OpenApi, ResponseBuilder};

use super::access::{For, is_for};

#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "Nuncio diagnostics",
    description = "What the gateway does, and why. Read-only but for what the tag \"changes\" holds."
))]
struct Document;

/// A document without operations.
pub(super) fn begin() -> OpenApi {
    Document::openapi()
}

/// Adds what refuses a request before an operation sees it.
pub(super) fn with_refusals(mut document: OpenApi) -> OpenApi {
    for (path, item) in &mut document.paths.paths {
        let is_for_everybody = is_for(path) == For::Everybody;
        for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
            if operation.parameters.is_some() {
                may_answer(
                    operation,
                    "400",
                    "The query has a parameter that there is not, or a value that it cannot have",
                );
            }
            if !is_for_everybody {
                may_answer(
                    operation,
                    "401",
                    "The request is not from the gateway's machine, and bears no token that opens it",
                );
            }
            may_answer(
                operation,
                "421",
                "The host name of the request is neither an address nor one that --admin-host says",
            );
        }
    }
    document
}

/// Adds an answer, unless the operation says itself what it means.
fn may_answer(operation: &mut Operation, status: &str, description: &str) {
    let responses = &mut operation.responses.responses;
    responses.entry(status.to_owned()).or_insert_with(|| ResponseBuilder::new().description(description).into());
}

//! What a model may ask.

use axum::body::to_bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use rmcp::model::{JsonObject, ToolAnnotations};
use serde_json::{Value, json};

use super::super::twin::markdown;
use crate::web::{Visit, escape_path, operation, search};

/// The largest page of an operation.
const MAX_PAGE: usize = 8 << 20;

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    SearchApis,
    GetOperation,
    ListRoutes,
    ExplainRoute,
}

impl Tool {
    pub(super) const OF_PORTAL: [Self; 2] = [Self::SearchApis, Self::GetOperation];
    /// How the gateway is built is for those alone who run it.
    pub(super) const ALL: [Self; 4] = [Self::SearchApis, Self::GetOperation, Self::ListRoutes, Self::ExplainRoute];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SearchApis => "search_apis",
            Self::GetOperation => "get_operation",
            Self::ListRoutes => "list_routes",
            Self::ExplainRoute => "explain_route",
        }
    }

    /// As lists of tools have it.
    pub(super) fn described(self) -> rmcp::model::Tool {
        let (description, properties, required) = self.words();
        let mut schema = JsonObject::new();
        schema.insert("type".to_owned(), json!("object"));
        schema.insert("properties".to_owned(), properties);
        schema.insert("required".to_owned(), required);
        schema.insert("additionalProperties".to_owned(), json!(false));
        let annotations = ToolAnnotations::new().read_only(true).open_world(false);
        rmcp::model::Tool::new(self.name(), description, schema).with_annotations(annotations)
    }

    fn words(self) -> (&'static str, Value, Value) {
        let text = |about: &str| json!({ "type": "string", "description": about });
        match self {
            Self::SearchApis => (
                "Find APIs, operations, parameters, schemas and their fields by words.",
                json!({ "query": text("words, all of which have to be there") }),
                json!(["query"]),
            ),
            Self::GetOperation => (
                "How an operation is called through the gateway: parameters, body, responses, route, access, limits, times, samples. In markdown.",
                json!({ "api": text("namespace/name, as search_apis links it: /docs/doc/NAMESPACE/NAME"),
                    "operation": text("its name at the end of that link: …/operations/NAME") }),
                json!(["api", "operation"]),
            ),
            Self::ListRoutes => (
                "Routes in the order in which they are tried, with their policies, clusters and endpoints; 30 at a time.",
                json!({ "host": text("part of a host name"), "service": text("part of a service's name"),
                    "text": text("part of the path, or of an object's name"),
                    "offset": { "type": "integer", "minimum": 0, "description": "how many to leave out" } }),
                json!([]),
            ),
            Self::ExplainRoute => (
                "Which route a request would get and why, who would be asked about it, and what limits it. Nothing is sent.",
                json!({ "url": text("the whole URL"), "method": text("GET, if nothing is said"),
                    "headers": { "type": "array", "items": text("name: value") } }),
                json!(["url"]),
            ),
        }
    }

    /// The answer, or why there is none.
    pub(super) async fn call(self, site: &Visit, arguments: &Value) -> Result<String, String> {
        let text = |name: &str| arguments[name].as_str().unwrap_or_default().trim();
        match self {
            Self::SearchApis => Ok(pretty(&search(site, text("query")).await)),
            Self::GetOperation => get_operation(site, text("api"), text("operation")).await,
            Self::ListRoutes => {
                let mut path = "/api/v1/topology?".to_owned();
                for name in ["host", "service", "text"] {
                    add(&mut path, name, text(name));
                }
                let offset = arguments["offset"].as_u64().unwrap_or(0).to_string();
                add(&mut path, "offset", &offset);
                told(site, &path).await
            }
            Self::ExplainRoute => {
                let mut path = "/api/v1/explain?".to_owned();
                add(&mut path, "url", text("url"));
                add(&mut path, "method", text("method"));
                for header in arguments["headers"].as_array().into_iter().flatten() {
                    add(&mut path, "header", header.as_str().unwrap_or_default());
                }
                told(site, &path).await
            }
        }
    }
}

fn add(path: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        path.push_str(&format!("&{name}={}", escape_path(value)));
    }
}

/// What the controller says.
async fn told(site: &Visit, path: &str) -> Result<String, String> {
    let told: Value = site.console.admin.get(path).await.map_err(|error| error.to_string())?;
    Ok(pretty(&told))
}

fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

async fn get_operation(site: &Visit, api: &str, name: &str) -> Result<String, String> {
    let api = api.trim_start_matches("/docs/doc/");
    let (namespace, api) = api.split_once('/').ok_or("api has to be namespace/name")?;
    let path = Path((namespace.to_owned(), api.to_owned(), name.to_owned()));
    let page = operation(site.clone(), path).await.into_response();
    if page.status() != StatusCode::OK {
        return Err(format!("there is no operation of this name at the API {namespace}/{api}: search_apis finds them"));
    }
    let page = to_bytes(page.into_body(), MAX_PAGE).await.map_err(|error| error.to_string())?;
    Ok(markdown(&String::from_utf8_lossy(&page)))
}

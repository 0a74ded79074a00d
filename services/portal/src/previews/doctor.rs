//! Following a request of a preview through the services.

use std::time::Duration;

use askama::Template;
use axum::Json;
use axum::extract::{Form, Path, Query};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::api::answered;
use super::link;
use super::list::Refused;
use super::model::Caller;
use super::one::{Id, find};
use super::problem::{ProblemDetails, Refusals};
use crate::web::{Frame, Visit, filters, respond};

/// How long the gateway may take: its peers are asked before and after a request that may take 10 s itself, and 7.5 s until it is
/// written down.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// A path at the host of the first entrypoint; `/` where absent.
    path: Option<String>,
}

#[derive(Serialize)]
struct Asked<'a> {
    namespace: &'a str,
    name: &'a str,
    path: Option<&'a str>,
    by: Caller<'a>,
}

/// What became of the key of a preview on the way of one request.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = PreviewProbe)]
pub(super) struct Probe {
    /// The host that was asked.
    host: String,
    /// What for.
    path: String,
    /// The status of the answer.
    status: u16,
    /// The id of the trace.
    trace: String,
    /// Every request of it that came by a gateway, the last to be answered first; those of the gateway that was asked come first.
    calls: Vec<Call>,
    /// What that says of each service that the preview replaces.
    services: Vec<Service>,
    /// How many gateways have told what they have seen.
    gateways: usize,
    /// Who else may have seen some, and has not told: why.
    missed: Vec<String>,
}

impl Probe {
    /// Whether somebody has not passed the key on.
    fn is_lost(&self) -> bool {
        self.services.iter().any(|service| service.key == "lost") || self.calls.iter().any(|call| !call.carried)
    }
}

/// A request that came by the gateway.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = PreviewProbeCall)]
struct Call {
    /// The address that it came from.
    from: String,
    /// The host that was asked.
    host: String,
    /// What for.
    path: String,
    /// The service that it went to.
    service: String,
    /// Whether it had the key of a preview.
    carried: bool,
    /// `preview` or `baseline`.
    served_by: String,
    /// The status of the answer; 0 where there was none.
    status: u16,
    /// What is wrong with the answer, or why there is none.
    #[serde(default)]
    problem: Option<String>,
}

/// What became of the key on the way to a service.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = PreviewProbeService)]
struct Service {
    /// The service that is replaced.
    baseline: String,
    /// Who replaces it.
    backend: String,
    /// `carried`, `lost`, `not-seen`, or `unknown` where other gateways may have seen it.
    key: String,
    /// Why nobody replaces it now, where it is so.
    missing: Option<String>,
}

impl Service {
    /// A class of the style sheet.
    fn class(&self) -> &'static str {
        match &*self.key {
            "carried" => "current",
            "lost" => "missing",
            _ => "stale",
        }
    }

    /// The name of the text that says it.
    fn words(&self) -> &'static str {
        match &*self.key {
            "carried" => "previews_doctor_carried",
            "lost" => "previews_doctor_lost",
            "not-seen" => "previews_doctor_unseen",
            _ => "previews_doctor_unknown",
        }
    }
}

/// How services pass the context on, as `docs/previews.md` says it too. Most of it is run by a test of the gateway.
const SNIPPETS: [(&str, &str); 9] = [
    ("OpenTelemetry (Java, Python, Ruby, JavaScript)", "OTEL_PROPAGATORS=tracecontext,baggage"),
    (
        "OpenTelemetry (Go)",
        "otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))",
    ),
    ("JavaScript (fetch)", "fetch(url, { headers: { baggage: request.headers.baggage ?? '' } })"),
    ("Python (requests)", "requests.get(url, headers={'baggage': request.headers.get('baggage', '')})"),
    ("Go (net/http)", "out.Header[\"Baggage\"] = in.Header.Values(\"Baggage\")"),
    (
        "Java (HttpClient)",
        "Optional.ofNullable(request.getHeader(\"baggage\")).ifPresent(value -> builder.header(\"baggage\", value))",
    ),
    ("C# (HttpClient)", "message.Headers.TryAddWithoutValidation(\"baggage\", request.Headers[\"baggage\"].ToArray())"),
    ("Ruby (Net::HTTP)", "request['baggage'] = env['HTTP_BAGGAGE'] if env['HTTP_BAGGAGE']"),
    (
        "Rust (http)",
        "outgoing.extend(incoming.get(\"baggage\").map(|value| (HeaderName::from_static(\"baggage\"), value.clone())))",
    ),
];

#[derive(Template)]
#[template(path = "previews/doctor.html")]
struct Page<'a> {
    frame: Frame<'a>,
    name: &'a str,
    link: String,
    path: &'a str,
    told: Option<Probe>,
    wrong: Option<String>,
    snippets: &'static [(&'static str, &'static str)],
}

/// Sends a request through the services of a preview, with its key, and tells where that was handed on.
#[utoipa::path(post, path = "/api/v1/previews/{namespace}/{name}/probe", tag = "previews",
    params(("namespace" = String, Path, description = "Its namespace"), ("name" = String, Path, description = "Its name"), Wanted),
    responses((status = 200, description = "What was seen", body = Probe), Refusals))]
pub(super) async fn probe(
    visit: Visit,
    Path((namespace, name)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Probe>, ProblemDetails> {
    followed(&visit, &namespace, &name, wanted.path.as_deref()).await.map(Json)
}

async fn followed(visit: &Visit, namespace: &str, name: &str, path: Option<&str>) -> Result<Probe, ProblemDetails> {
    let by = visit.viewer.identity.as_ref().ok_or_else(ProblemDetails::unknown)?.into();
    let asked = Asked { namespace, name, path, by };
    answered(visit.console.admin.relay_within(PATIENCE, "/api/v1/preview-probe", &asked).await?)
}

/// Asks what is to be followed: to load this follows nothing.
pub(super) async fn show(visit: Visit, Path((namespace, name)): Id) -> Result<Response, Refused> {
    let preview = find(&visit, &namespace, &name).await?;
    let (frame, link) = (visit.frame(), link(&namespace, &name));
    let page = Page { frame, name: &preview.name, link, path: "/", told: None, wrong: None, snippets: &SNIPPETS };
    Ok(respond(&page).into_response())
}

/// Follows one, and shows what is told of it.
pub(super) async fn follow(visit: Visit, Path((namespace, name)): Id, Form(Wanted { path }): Form<Wanted>) -> Response {
    let path = path.filter(|path| !path.is_empty()).unwrap_or_else(|| "/".to_owned());
    let (status, told, wrong) = match followed(&visit, &namespace, &name, Some(&path)).await {
        Ok(told) => (axum::http::StatusCode::OK, Some(told), None),
        Err(problem) => (problem.code(), None, Some(problem.detail)),
    };
    let (frame, link) = (visit.frame(), link(&namespace, &name));
    let page = Page { frame, name: &name, link, path: &path, told, wrong, snippets: &SNIPPETS };
    (status, respond(&page)).into_response()
}

#[cfg(test)]
mod tests {
    use super::{PATIENCE, SNIPPETS, Service};

    #[test]
    fn no_mapping_that_we_show_gives_up_before_the_doctor() {
        let texts = [
            include_str!("../../../../examples/shop/manifests/portal.yaml"),
            include_str!("../../../../docs/portal.md"),
            include_str!("../../../../docs/previews.md"),
        ];
        let documents = texts.iter().flat_map(|text| text.split("---\n").flat_map(|part| part.split("```")));
        let leads_here = |text: &&str| {
            let prefixes = ["prefix: /docs/", "prefix: /api/v1/previews"];
            text.contains("kind: Mapping\n") && prefixes.iter().any(|prefix| text.contains(prefix))
        };
        let timeout = |mapping: &str| -> Option<u128> {
            let (_, after) = mapping.split_once("timeout_ms: ")?;
            after.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
        };
        let mappings: Vec<_> = documents.filter(leads_here).collect();
        assert_eq!(mappings.len(), 4, "{mappings:#?}");
        for mapping in mappings {
            assert!(timeout(mapping).is_some_and(|timeout| timeout > PATIENCE.as_millis()), "{mapping}");
        }
    }

    #[test]
    fn what_other_gateways_may_have_seen_is_not_said_to_be_unseen() {
        let words = |key: &str| {
            let service = serde_json::json!({ "baseline": "cart", "backend": "cart-2", "key": key });
            serde_json::from_value::<Service>(service).unwrap().words()
        };
        assert_eq!(words("not-seen"), "previews_doctor_unseen");
        assert_eq!(words("unknown"), "previews_doctor_unknown");
    }

    #[test]
    fn the_guide_has_every_snippet_of_the_page() {
        let guide = include_str!("../../../../docs/previews.md").replace("\\|", "|");
        for (language, snippet) in SNIPPETS {
            assert!(guide.contains(&format!("`{snippet}`")), "{language}: {snippet}");
        }
    }
}

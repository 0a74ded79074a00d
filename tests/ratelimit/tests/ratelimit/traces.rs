//! Decisions as spans, at a collector of OpenTelemetry's protocol.

use std::time::Duration;

use nuncio_ratelimit_tests::{Service, Which, descriptor, free_port, request};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::sync::mpsc;
use tonic::{Request, Response, Status};

const RULES: &str = "domain: d\ndescriptors: [{key: k, rate_limit: {unit: year, requests_per_unit: 1}}]";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// Hands on the spans that it is sent.
struct Collector(mpsc::UnboundedSender<Span>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let scopes = request.into_inner().resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).for_each(|span| _ = self.0.send(span));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attribute(span: &Span, key: &str) -> Option<Value> {
    span.attributes.iter().find(|attribute| attribute.key == key)?.value.clone()?.value
}

#[tokio::test]
async fn a_decision_is_a_span_of_the_callers_trace() {
    let port = free_port().unwrap();
    let (spans, mut exported) = mpsc::unbounded_channel();
    let server = tonic::transport::Server::builder().add_service(TraceServiceServer::new(Collector(spans)));
    tokio::spawn(server.serve(([127, 0, 0, 1], port).into()));
    let endpoint = format!("http://127.0.0.1:{port}");
    let variables = [
        ("BACKEND_TYPE", "memory"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
    ];
    let service = Service::start(Which::Ours, RULES, &variables).await.unwrap();
    let mut client = service.client().await.unwrap();
    for _ in 0..2 {
        let mut asked = Request::new(request("d", vec![descriptor(&[("k", "v")])]));
        asked.metadata_mut().insert("traceparent", format!("00-{TRACE}-{PARENT}-01").parse().unwrap());
        client.should_rate_limit(asked).await.unwrap();
    }
    client.should_rate_limit(request("", Vec::new())).await.unwrap_err();
    let mut next = async || {
        let next = async {
            loop {
                let span = exported.recv().await.unwrap();
                if span.name == "ShouldRateLimit" {
                    return span;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), next).await.expect("a span")
    };
    for over in [false, true] {
        let span = next().await;
        assert_eq!((hex(&span.trace_id), hex(&span.parent_span_id)), (TRACE.to_owned(), PARENT.to_owned()));
        assert_eq!(attribute(&span, "domain"), Some(Value::StringValue("d".to_owned())));
        assert_eq!(attribute(&span, "over"), Some(Value::BoolValue(over)), "{span:?}");
    }
    let failed = next().await;
    assert_ne!(hex(&failed.trace_id), TRACE);
    assert!(failed.status.as_ref().is_some_and(|status| status.code == 2), "{failed:?}");
}

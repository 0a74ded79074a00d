//! Decisions as spans, at a collector of OpenTelemetry's protocol.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use nuncio_ratelimit_tests::{Service, Which, descriptor, request};
use nuncio_test_support::Authority;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use prost::Message;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::service::Routes;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};

const RULES: &str = "domain: d\ndescriptors: [{key: k, rate_limit: {unit: year, requests_per_unit: 1}}]";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// Keeps the spans that it is sent over gRPC or HTTP.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<ResourceSpans>>>);

impl Collector {
    /// With the address at which it takes both protocols.
    async fn start() -> (Self, String) {
        let (collector, port) = Self::start_by(Server::builder()).await;
        (collector, format!("http://127.0.0.1:{port}"))
    }

    async fn start_by(server: Server) -> (Self, u16) {
        let collector = Self::default();
        let over_http = collector.clone();
        let take = async move |body: Bytes| over_http.keep(ExportTraceServiceRequest::decode(body).unwrap());
        let routes = Routes::new(TraceServiceServer::new(collector.clone())).into_axum_router();
        let router: Router = routes.route("/v1/traces", post(take));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut server = server.accept_http1(true);
        let served = server.add_routes(router.into()).serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(served);
        (collector, port)
    }

    fn keep(&self, request: ExportTraceServiceRequest) {
        self.0.lock().unwrap().extend(request.resource_spans);
    }

    /// Calls so far, each with what is said of the service.
    fn calls(&self) -> Vec<(Vec<KeyValue>, Span)> {
        let of_resource = |resource: ResourceSpans| {
            let attributes = resource.resource.unwrap().attributes;
            let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.map(move |span| (attributes.clone(), span))
        };
        let all = self.0.lock().unwrap().clone().into_iter().flat_map(of_resource);
        all.filter(|(_, span)| span.name == "envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit").collect()
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.keep(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attribute(attributes: &[KeyValue], key: &str) -> Option<Value> {
    attributes.iter().find(|attribute| attribute.key == key)?.value.clone()?.value
}

fn text(text: &str) -> Option<Value> {
    Some(Value::StringValue(text.to_owned()))
}

/// Asks twice within a caller's trace and once, wrongly, outside of any, and ends the service, which sends what it still has.
async fn ask(variables: &[(&str, &str)]) {
    let service =
        Service::start(Which::Ours, RULES, &[&[("BACKEND_TYPE", "memory")], variables].concat()).await.unwrap();
    let mut client = service.client().await.unwrap();
    for _ in 0..2 {
        let mut asked = Request::new(request("d", vec![descriptor(&[("k", "v")])]));
        asked.metadata_mut().insert("traceparent", format!("00-{TRACE}-{PARENT}-01").parse().unwrap());
        client.should_rate_limit(asked).await.unwrap();
    }
    client.should_rate_limit(request("", Vec::new())).await.unwrap_err();
    drop(client);
    service.stop().await.unwrap();
}

/// Over HTTP, the default, and over gRPC.
#[tokio::test]
async fn a_decision_is_a_span_of_the_callers_trace() {
    for protocol in ["", "grpc"] {
        let (collector, address) = Collector::start().await;
        ask(&[
            ("TRACING_ENABLED", "true"),
            ("TRACING_EXPORTER_PROTOCOL", protocol),
            ("TRACING_SERVICE_NAME", "limits"),
            ("TRACING_SERVICE_NAMESPACE", "shop"),
            ("TRACING_SERVICE_INSTANCE_ID", "pod-1"),
            ("OTEL_SERVICE_NAME", "another"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &address),
        ])
        .await;
        let calls = collector.calls();
        let [(service, within), (_, over), (_, failed)] = &calls[..] else { panic!("{protocol:?}: {calls:#?}") };
        let said = ["service.name", "service.namespace", "service.instance.id"].map(|key| attribute(service, key));
        assert_eq!(said, ["limits", "shop", "pod-1"].map(text));
        for (span, is_over) in [(within, false), (over, true)] {
            assert_eq!((hex(&span.trace_id), hex(&span.parent_span_id)), (TRACE.to_owned(), PARENT.to_owned()));
            assert_eq!(attribute(&span.attributes, "domain"), text("d"));
            assert_eq!(attribute(&span.attributes, "over"), Some(Value::BoolValue(is_over)), "{span:?}");
        }
        assert_ne!(hex(&failed.trace_id), TRACE);
        assert!(failed.status.as_ref().is_some_and(|status| status.code == 2), "{failed:?}");
    }
}

/// Of the traces that begin here none are wanted; for those of a caller the caller has decided.
#[tokio::test]
async fn the_sampling_rate_is_for_traces_that_begin_here() {
    let (collector, address) = Collector::start().await;
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", address.as_str());
    ask(&[("TRACING_ENABLED", "true"), ("TRACING_SAMPLING_RATE", "0"), endpoint]).await;
    let traces: Vec<String> = collector.calls().iter().map(|(_, span)| hex(&span.trace_id)).collect();
    assert_eq!(traces, [TRACE, TRACE]);
    // As with the original, a collector alone enables nothing.
    ask(&[endpoint]).await;
    assert_eq!(collector.calls().len(), 2);
}

/// A collector that shows a certificate of an authority of its own, and wants one.
#[tokio::test]
async fn the_certificates_of_the_environment_are_used() {
    let authority = Authority::new("collectors");
    let (theirs, ours) = (authority.issue(&["localhost"]), authority.issue(&["limits"]));
    let files = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = files.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let [certificates, certificate, key] =
        [("ca.pem", &authority.pem()), ("cert.pem", &ours.cert), ("key.pem", &ours.key)]
            .map(|(name, text)| file(name, text));
    for protocol in ["http", "grpc"] {
        let tls = ServerTlsConfig::new()
            .identity(Identity::from_pem(&theirs.cert, &theirs.key))
            .client_ca_root(Certificate::from_pem(authority.pem()));
        let (collector, port) = Collector::start_by(Server::builder().tls_config(tls).unwrap()).await;
        ask(&[
            ("TRACING_ENABLED", "true"),
            ("TRACING_EXPORTER_PROTOCOL", protocol),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("https://localhost:{port}")),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", &certificates),
            ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", &certificate),
            ("OTEL_EXPORTER_OTLP_CLIENT_KEY", &key),
        ])
        .await;
        assert_eq!(collector.calls().len(), 3, "{protocol}");
    }
}

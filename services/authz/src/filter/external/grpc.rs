//! By Envoy's `Authorization/Check`.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::HeaderValueOption;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Request as RequestAttributes};
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest, DeniedHttpResponse};
use http::{HeaderName, HeaderValue, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use nuncio_auth::{Denial, Reply, Request, Verdict};
use nuncio_ir::auth::External;
use prost::Message;
use serde_json::Value as Json;
use tokio::net::TcpStream;
use tonic::body::Body;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Error, Identity};
use tower::util::MapResult;

use super::failure::NoGrpc;
use super::{Failure, body};
use crate::dynamic;
use crate::idp::Endpoints;

/// How many connections a service with several endpoints has at most. Each would do for all calls, and lead them all to one.
const CONNECTIONS: usize = 8;

/// A service that is asked, by connections that take turns.
#[derive(Debug)]
pub(super) struct Asked {
    connections: Vec<Connection>,
    next: AtomicUsize,
}

type Connection = MapResult<Channel, fn(Result<http::Response<Body>, Error>) -> Result<http::Response<Body>, NoGrpc>>;

impl Asked {
    /// One that is connected to with the first calls.
    pub(super) fn new(spec: &External, endpoints: Option<Endpoints>) -> Result<Self, String> {
        let endpoint = endpoint(spec)?;
        let channels: Vec<_> = match endpoints.map(Arc::new) {
            Some(known) => {
                let connect = |_| endpoint.connect_with_connector_lazy(connector(Arc::clone(&known), spec.timeout));
                (0..known.number().clamp(1, CONNECTIONS)).map(connect).collect()
            }
            None => vec![endpoint.connect_lazy()],
        };
        let connection = |channel| -> Connection { MapResult::new(channel, of_grpc) };
        Ok(Self { connections: channels.into_iter().map(connection).collect(), next: AtomicUsize::new(0) })
    }

    /// The one whose turn it is.
    fn connection(&self) -> Connection {
        self.connections[self.next.fetch_add(1, Ordering::Relaxed) % self.connections.len()].clone()
    }
}

/// An answer of gRPC; any other would be taken for one that is broken.
fn of_grpc(result: Result<http::Response<Body>, Error>) -> Result<http::Response<Body>, NoGrpc> {
    let response = result?;
    if response.status() != StatusCode::OK && !response.headers().contains_key("grpc-status") {
        return Err(NoGrpc::Answered(response.status()));
    }
    Ok(response)
}

fn endpoint(spec: &External) -> Result<Endpoint, String> {
    let mut endpoint = Endpoint::from_shared(spec.url.as_ref().to_owned())
        .map_err(|_| format!("{:?} is no URL", spec.url))?
        .connect_timeout(spec.timeout);
    if spec.url.starts_with("https://") {
        if spec.client.insecure_tls {
            return Err("a gRPC service must show a certificate that can be verified".to_owned());
        }
        let mut tls = ClientTlsConfig::new();
        tls = match &spec.client.authorities {
            Some(authorities) => tls.ca_certificate(Certificate::from_pem(authorities.as_bytes())),
            None => tls.with_native_roots(),
        };
        if let Some((chain, key)) = &spec.client.certificate {
            tls = tls.identity(Identity::from_pem(chain.as_bytes(), key.expose()));
        }
        endpoint = endpoint.tls_config(tls).map_err(|error| error.to_string())?;
    }
    Ok(endpoint)
}

/// Connects to an endpoint whatever the service is called.
fn connector(
    endpoints: Arc<Endpoints>,
    within: Duration,
) -> impl tower::Service<
    Uri,
    Response = TokioIo<TcpStream>,
    Error = std::io::Error,
    Future = impl Future<Output = std::io::Result<TokioIo<TcpStream>>> + Send,
> + Send
+ 'static {
    tower::service_fn(move |_: Uri| {
        let endpoints = Arc::clone(&endpoints);
        async move {
            let stream = endpoints.connect(within).await?;
            stream.set_nodelay(true)?;
            Ok(TokioIo::new(stream))
        }
    })
}

pub(super) async fn check(spec: &External, asked: &Asked, request: &mut Request) -> Result<Verdict, Failure> {
    let message = check_request(spec, request);
    let length = message.encoded_len();
    let response = AuthorizationClient::new(asked.connection()).check(message).await;
    let response = response.map_err(|status| Failure::of_call(&status, length))?.into_inner();
    let is_allowed = response.status.is_none_or(|status| status.code == 0);
    if is_allowed && let Some(Json::Object(fields)) = response.dynamic_metadata.map(dynamic::json) {
        request.add_metadata(fields);
    }
    match response.http_response {
        Some(HttpResponse::ErrorResponse(_)) => {
            Err(Failure::no_answer("the service says that it failed".to_owned(), length))
        }
        Some(HttpResponse::DeniedResponse(denied)) if !is_allowed => Ok(Verdict::Deny(denial(denied))),
        Some(HttpResponse::OkResponse(ok)) if is_allowed => {
            // In the order of Envoy, for which a name that is in both lists is removed.
            for option in ok.headers {
                let appends = appends(&option);
                let Some((name, value)) = header(option) else { continue };
                if appends { request.append_header(&name, &value) } else { request.set_header(&name, value) }
            }
            for name in ok.headers_to_remove.iter().filter_map(|name| HeaderName::try_from(name).ok()) {
                request.remove_header(&name);
            }
            for (name, value) in ok.response_headers_to_add.into_iter().filter_map(header) {
                request.add_response_header(name, value);
            }
            for parameter in ok.query_parameters_to_set {
                request.set_query_parameter(&parameter.key, &parameter.value);
            }
            for name in ok.query_parameters_to_remove {
                request.remove_query_parameter(&name);
            }
            Ok(Verdict::Allow(None))
        }
        _ if is_allowed => Ok(Verdict::Allow(None)),
        _ => Ok(Verdict::Deny(denial(DeniedHttpResponse::default()))),
    }
}

fn denial(denied: DeniedHttpResponse) -> Denial {
    let code = denied.status.map_or(0, |status| status.code);
    let status = u16::try_from(code).ok().and_then(|code| StatusCode::from_u16(code).ok()).filter(|_| code != 0);
    let status = status.unwrap_or(StatusCode::FORBIDDEN);
    let headers = denied.headers.into_iter().filter_map(header).collect();
    let reply = Reply { status, headers, body: denied.body };
    Denial::new("external", format!("the service says {status}"), reply)
}

/// The field that Envoy 1.40 obeys.
#[expect(deprecated, reason = "1.40 obeys the deprecated field alone")]
fn appends(option: &HeaderValueOption) -> bool {
    option.append.as_ref().is_some_and(|append| append.value)
}

fn header(option: HeaderValueOption) -> Option<(HeaderName, HeaderValue)> {
    let header = option.header?;
    let value = if header.raw_value.is_empty() { header.value.into_bytes() } else { header.raw_value };
    Some((HeaderName::try_from(header.key).ok()?, HeaderValue::from_bytes(&value).ok()?))
}

fn check_request(spec: &External, request: &Request) -> CheckRequest {
    let mut headers: HashMap<String, String> = HashMap::new();
    for name in request.headers().keys() {
        headers.insert(name.as_str().to_owned(), String::from_utf8_lossy(&request.joined(name)).into_owned());
    }
    let pseudo = [(":method", &*request.method), (":authority", &*request.authority), (":path", request.target())];
    headers.extend(pseudo.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
    let http = HttpRequest {
        id: request.id.clone(),
        method: request.method.clone(),
        headers,
        path: request.target().to_owned(),
        host: request.authority.clone(),
        scheme: request.scheme.clone(),
        size: i64::try_from(request.body.len()).unwrap_or(-1),
        raw_body: body(spec, request).to_vec(),
        ..HttpRequest::default()
    };
    let attributes = RequestAttributes { http: Some(http), ..RequestAttributes::default() };
    CheckRequest { attributes: Some(AttributeContext { request: Some(attributes), ..AttributeContext::default() }) }
}

//! A server that lets everything through: what of a check is the protocol's.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{CheckResponse, OkHttpResponse};
use envoy_types::pb::google::rpc::Status;
use http::{Request, Response};
use nuncio_authz_tests::free_address;
use nuncio_grpc::{Incoming, Reply, Service, Setup, Workers};
use nuncio_test_support::{Process, eventually};
use tokio_util::sync::CancellationToken;

/// The argument by which this program is that server.
pub(crate) const ARGUMENT: &str = "only-ok";

struct OnlyOk;

impl Service for OnlyOk {
    async fn answer(&self, request: Request<Incoming>) -> Response<Reply> {
        match nuncio_grpc::receive::<()>(request.into_body(), 4 << 20).await {
            Ok(()) => nuncio_grpc::response(&ok()),
            Err(status) => status.into_http(),
        }
    }
}

fn ok() -> CheckResponse {
    CheckResponse {
        status: Some(Status::default()),
        http_response: Some(HttpResponse::OkResponse(OkHttpResponse::default())),
        ..CheckResponse::default()
    }
}

/// Answers at an address for ever.
pub(crate) async fn serve(address: &str) {
    let stop = CancellationToken::new();
    let setup = Setup {
        threads: nuncio_grpc::threads(0),
        service: Arc::new(|| OnlyOk),
        tls: None,
        max_age: (Duration::ZERO, Duration::ZERO),
        stop: stop.clone(),
    };
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    Workers::start(setup).unwrap().accept(listener, &stop).await;
}

/// Starts one, and says where it answers.
pub(crate) async fn start() -> (Process, String) {
    let address = free_address();
    let process = Process::spawn(Command::new(std::env::current_exe().unwrap()).args([ARGUMENT, &address]));
    eventually("it listens", async || tokio::net::TcpStream::connect(&address).await).await;
    (process, address)
}

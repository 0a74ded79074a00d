//! The connection to the gateway: a request to its portal that asks for another protocol.

use std::path::PathBuf;
use std::time::Duration;

use nuncio_controller::TUNNEL_PROTOCOL;
use nuncio_telemetry::causes;
use reqwest::{RequestBuilder, Response, StatusCode, Upgraded, Url, header};
use serde_json::Value;
use tokio::time::timeout;

use crate::cli::PreviewServeArgs;
use crate::exit::Failure;
use crate::preview::keeper::{NO_PORTAL, token};
use crate::preview::localhost;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum NotConnected {
    /// The gateway does not want it, and will not a moment later.
    Refused(String),
    /// It does not know us: what it knows people by may not be there yet, where it is starting.
    Unknown(String),
    /// It may be there another time.
    Failed(String),
}

/// Makes connections.
pub(super) struct Dial {
    request: RequestBuilder,
    token_file: Option<PathBuf>,
    place: String,
}

impl Dial {
    /// As the command line says.
    pub(super) fn new(args: &PreviewServeArgs) -> Result<Self, Failure> {
        let server = args.server.trim_end_matches('/');
        let (namespace, name) = args.preview.split_once('/').unwrap_or(("default", &args.preview));
        if ![namespace, name].iter().all(|part| is_name(part)) {
            return Err(Failure::usage(format!("{}: expected NAME or NAMESPACE/NAME of a Preview", args.preview)));
        }
        let mut url = Url::parse(server).map_err(|error| Failure::usage(format!("--server {server}: {error}")))?;
        let path = ["api", "v1", "previews", namespace, name, "tunnel"];
        let no_base = |()| Failure::usage(format!("--server {server}: expected https://HOST"));
        url.path_segments_mut().map_err(no_base)?.pop_if_empty().extend(path);
        // By which the gateway knows that it is us again, before it knows that our connection is gone.
        let session = format!("{:032x}", fastrand::u128(..));
        url.query_pairs_mut().append_pair("session", &session).append_pair("replace", &args.replace.to_string());
        if let Some(service) = &args.service {
            url.query_pairs_mut().append_pair("service", service);
        }
        // One stream of bytes each way: that is what HTTP/1.1 can become.
        let client = localhost::client().http1_only().connect_timeout(CONNECT);
        let client = client.build().map_err(Failure::new)?;
        let request = client.get(url).header(header::CONNECTION, "upgrade").header(header::UPGRADE, TUNNEL_PROTOCOL);
        Ok(Self { request, token_file: args.token_file.clone(), place: server.to_owned() })
    }

    /// Makes one.
    pub(super) async fn connect(&self) -> Result<Upgraded, NotConnected> {
        let failed = |why: String| NotConnected::Failed(format!("{}: {why}", self.place));
        // The URL has nothing in it that the place has not.
        let failed_to_ask = |error: reqwest::Error| failed(causes(&error.without_url()));
        let request = self.request.try_clone().ok_or_else(|| failed("it cannot be asked".to_owned()))?;
        // A file may have another than before.
        let token = token(self.token_file.as_deref()).map_err(|error| failed(error.to_string()))?;
        let request = token.into_iter().fold(request, RequestBuilder::bearer_auth);
        let reply = timeout(PATIENCE, request.send()).await;
        let reply = reply.map_err(|_| failed(format!("no answer within {} s", PATIENCE.as_secs())))?;
        let reply = reply.map_err(failed_to_ask)?;
        if reply.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(self.refusal(reply).await);
        }
        let upgraded = timeout(PATIENCE, reply.upgrade()).await;
        let upgraded = upgraded.map_err(|_| failed("it did not go on".to_owned()))?;
        upgraded.map_err(failed_to_ask)
    }

    async fn refusal(&self, reply: Response) -> NotConnected {
        let status = reply.status();
        let problem: Value = reply.json().await.unwrap_or_default();
        let why = match (problem["detail"].as_str(), status) {
            (Some(detail), _) => detail.to_owned(),
            (None, StatusCode::UNAUTHORIZED) => "the token in NUNCIO_TOKEN is missing or not valid".to_owned(),
            (None, StatusCode::FORBIDDEN) => format!(
                "you may not; or the Mapping of the portal does not let connections through: `allow_upgrade: [{TUNNEL_PROTOCOL}]`"
            ),
            (None, StatusCode::NOT_FOUND) => NO_PORTAL.to_owned(),
            (None, status) if status.is_redirection() => "it asks for a login: set NUNCIO_TOKEN to a token".to_owned(),
            (None, StatusCode::OK) => "no portal that knows of tunnels answers there".to_owned(),
            (None, _) => "it says no more".to_owned(),
        };
        let told = format!("{}: {status}: {why}", self.place);
        let is_passing = status.is_server_error() || [408, 429].contains(&status.as_u16());
        match status {
            StatusCode::UNAUTHORIZED => NotConnected::Unknown(told),
            _ if is_passing => NotConnected::Failed(told),
            _ => NotConnected::Refused(told),
        }
    }
}

/// What may be the name of a Preview, or of a namespace.
fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    !text.is_empty() && text.bytes().all(is_plain)
}

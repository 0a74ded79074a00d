//! Another service decides: asked by HTTP, or by Envoy's gRPC.

mod failure;
mod grpc;
mod http_form;

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderName, HeaderValue, StatusCode};
use nuncio_auth::{ClientKind, Denial, Reply, Request, Verdict};
use nuncio_ir::auth::{External, ExternalProtocol, REQUEST_HEADERS, RESPONSE_HEADERS};

use self::failure::Failure;

use crate::engine::Services;
use crate::filter::oauth2::cookies;
use crate::idp::{Calls, Endpoints, Failed, Known, is_there};

/// Tells upstreams that a request was let through because nobody could be asked, as Envoy tells them.
const FAILURE_MODE_ALLOWED: HeaderName = HeaderName::from_static("x-envoy-auth-failure-mode-allowed");

/// The time for an answer where none is said.
const TIMEOUT: Duration = Duration::from_secs(5);

/// An External filter, compiled.
#[derive(Debug)]
pub(crate) struct ExternalFilter {
    pub(super) calls: Calls,
    spec: External,
    status_on_error: StatusCode,
    /// By which upstreams learn who a request is from: where nobody says it, the client does not either.
    identity: Vec<HeaderName>,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Http {
        /// Where its endpoints are known.
        known: Option<Known>,
        path_prefix: String,
        request: Vec<HeaderName>,
        response: Vec<HeaderName>,
    },
    /// Connects with the first calls.
    Grpc(grpc::Asked),
}

impl ExternalFilter {
    pub(super) fn new(mut spec: External) -> Result<Self, String> {
        if spec.timeout.is_zero() {
            spec.timeout = TIMEOUT;
        }
        if spec.client.insecure_tls && spec.url.starts_with("http://") {
            return Err("insecure_tls is of no use without TLS".to_owned());
        }
        let endpoints = spec.addresses.as_deref().map(Endpoints::new);
        let form = match &spec.protocol {
            ExternalProtocol::Http { path_prefix, allowed_request_headers, allowed_authorization_headers } => {
                Form::Http {
                    known: endpoints.map(Known::new),
                    path_prefix: path_prefix.as_ref().to_owned(),
                    request: names(allowed_request_headers, &REQUEST_HEADERS)?,
                    response: names(allowed_authorization_headers, &RESPONSE_HEADERS)?,
                }
            }
            ExternalProtocol::Grpc => Form::Grpc(grpc::Asked::new(&spec, endpoints)?),
        };
        let status_on_error =
            StatusCode::from_u16(spec.status_on_error).map_err(|_| format!("{} is no status", spec.status_on_error))?;
        let identity = names(&spec.identity_headers, &[])?;
        Ok(Self { calls: Calls::default(), spec, status_on_error, identity, form })
    }

    /// Has what came of calls to the same service count on, wherever that is by now: nobody changed the Filter.
    pub(super) fn follow(&mut self, before: &Self) {
        let moved = External { addresses: self.spec.addresses.clone(), ..before.spec.clone() };
        if moved == self.spec {
            self.calls = before.calls.clone();
        }
    }

    pub(super) async fn check(&self, request: &mut Request, services: &Services) -> Verdict {
        if let Err(verdict) = self.fit_body(request) {
            return *verdict;
        }
        // Who is asked sees no session either, and changes none. Filters that follow may want it.
        let ours = cookies::take(request);
        let ask = async {
            match &self.form {
                Form::Http { known, path_prefix, request: sent, response } => {
                    let known = known.as_ref();
                    http_form::check(&self.spec, known, path_prefix, sent, response, request, services).await
                }
                Form::Grpc(asked) => grpc::check(&self.spec, asked, request).await,
            }
        };
        let result = tokio::time::timeout(self.spec.timeout, ask).await;
        let result = result
            .unwrap_or_else(|_| Err(Failure::no_answer("no answer in time".to_owned(), length(&self.spec, request))));
        cookies::put_back(request, ours);
        self.note(result.as_ref().err(), services);
        result.unwrap_or_else(|failure| self.undecided(request, failure))
    }

    /// Notes what came of asking. What was not taken says nothing of the service, neither that it works.
    fn note(&self, failure: Option<&Failure>, services: &Services) {
        let why = failure.map(Failure::of_service);
        if why == Some(None) {
            return;
        }
        let url = || self.spec.url.as_ref().to_owned();
        // By TLS a connection may fail although somebody is there.
        let is_absent = matches!(failure, Some(Failure::Absent(_))) && self.spec.url.starts_with("http://");
        let failed = |why: &str| {
            let (field, why) = ("spec.External.auth_service", why.to_owned());
            Failed { field, url: url(), why, is_absent }
        };
        services.clients.note(&self.calls, why.flatten().map(failed));
    }

    /// Looks whether somebody is there by now where nobody was: no request may tell for long.
    pub(super) async fn look_again(&self) {
        if !self.calls.is_absent(Instant::now()) {
            return;
        }
        let known = self.spec.addresses.as_deref().map(Endpoints::new);
        let found = is_there(&self.spec.url, known).await;
        self.calls.looked(found, Instant::now());
    }

    /// What becomes of a request on which there is no decision.
    fn undecided(&self, request: &mut Request, failure: Failure) -> Verdict {
        if self.spec.failure_mode_allow && failure.opens() {
            self.identity.iter().for_each(|name| request.remove_header(name));
            request.set_header(&FAILURE_MODE_ALLOWED, HeaderValue::from_static("true"));
            return Verdict::Allow(None);
        }
        let kind = ClientKind::of(request);
        Verdict::Deny(match failure {
            Failure::Absent(reason) | Failure::Away(reason) | Failure::Unusable(reason) | Failure::Unclear(reason) => {
                let message = "This cannot be checked at the moment. Please try again shortly.";
                let reply = Reply::message(kind, self.status_on_error, message, request);
                Denial { is_failure: true, ..Denial::new("external_error", reason, reply) }
            }
            Failure::NotTaken(reason) => {
                let reply = Reply::message(kind, self.status_on_error, "This request cannot be checked.", request);
                Denial::new("message_not_taken", reason, reply)
            }
        })
    }

    /// What is sent of a body is what the filter says.
    fn fit_body(&self, request: &Request) -> Result<(), Box<Verdict>> {
        let Some(include) = self.spec.include_body else { return Ok(()) };
        let most = include.max_bytes as usize;
        if request.body.len() > most && !include.allow_partial {
            let reply = Reply::message(
                ClientKind::of(request),
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is too large",
                request,
            );
            return Err(Box::new(Verdict::Deny(Denial::new("body_too_large", "", reply))));
        }
        Ok(())
    }
}

/// The part of the body that is sent.
fn body<'a>(spec: &External, request: &'a Request) -> &'a [u8] {
    let most = spec.include_body.map_or(0, |include| include.max_bytes as usize);
    &request.body[..request.body.len().min(most)]
}

/// About how many bytes of a client's are sent.
fn length(spec: &External, request: &Request) -> usize {
    let headers = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
    request.target().len() + headers.sum::<usize>() + body(spec, request).len()
}

fn names(more: &[Arc<str>], always: &[&str]) -> Result<Vec<HeaderName>, String> {
    let all = always.iter().copied().chain(more.iter().map(AsRef::as_ref));
    all.map(|name| HeaderName::try_from(name).map_err(|_| format!("{name:?} is no name of a header"))).collect()
}

#[cfg(test)]
mod tests;

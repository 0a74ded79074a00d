//! A session that goes from the origin at which the login was to another.

use std::time::Duration;

use nuncio_auth::login::{Origin, find_pending};
use nuncio_auth::{Reply, Request};
use nuncio_ir::auth::ENDPOINTS_PREFIX;
use serde::{Deserialize, Serialize};

use super::begin::Start;
use super::callback::{AGAIN, Failed, failed, onward, unavailable};
use super::{Code, OAuth2Filter, cookies};
use crate::clock::now;
use crate::engine::Services;

/// How long a browser may take from one origin to the other, in seconds.
const HANDOFF_LIFE: u64 = 60;

/// A session that is handed from the first origin to another: sealed, in the address, good once.
#[derive(Serialize, Deserialize)]
pub(super) struct Handoff {
    pub(super) filter: String,
    pub(super) id: String,
    pub(super) target: String,
    pub(super) digest: String,
    pub(super) at: u64,
}

/// The name under which `Handoff`s are sealed.
pub(super) const HANDOFF: &str = "handoff";

impl OAuth2Filter {
    /// Where a browser that another origin has sent goes with the session that it has here already.
    pub(super) fn hand_off(&self, start: &Start, id: &str, services: &Services) -> String {
        self.hand_over(&start.target, &start.digest, id, services)
    }

    /// Where it goes with a session for the origin of `target`.
    pub(super) fn hand_over(&self, target: &str, digest: &str, id: &str, services: &Services) -> String {
        let handoff = Handoff {
            filter: self.id.to_string(),
            id: id.to_owned(),
            target: target.to_owned(),
            digest: digest.to_owned(),
            at: now(),
        };
        let json = serde_json::to_vec(&handoff).unwrap_or_default();
        let sealed = services.sessions.keys().seal_text(HANDOFF, &json);
        let origin: String = target.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        format!("{origin}{ENDPOINTS_PREFIX}multicookie?handoff={sealed}")
    }

    /// Takes over a session from the first origin, where this browser was sent there from here.
    pub(super) async fn take_over(
        &self,
        code: &Code,
        origin: &Origin,
        request: &Request,
        sealed: &str,
        handoff: &Handoff,
        services: &Services,
    ) -> Result<Reply, Failed> {
        let now = now();
        let keys = services.sessions.keys();
        let (cookie, pending) = find_pending(request.headers(), &keys, &handoff.digest, now, |_| origin.is_secure())
            .ok_or_else(|| failed("bad_handoff", AGAIN, "this browser has not begun it here"))?;
        if now.saturating_sub(handoff.at) > HANDOFF_LIFE || !pending.target.starts_with(&format!("{}/", origin.origin))
        {
            return Err(failed("bad_handoff", AGAIN, "it is too late or of another origin"));
        }
        let once = format!("handoff {sealed}");
        let unavailable_store = |error: crate::session::StoreError| unavailable(error.to_string());
        if !services.sessions.once(&once, Duration::from_secs(2 * HANDOFF_LIFE)).await.map_err(unavailable_store)? {
            return Err(failed("bad_handoff", AGAIN, "it was used before"));
        }
        let place = crate::session::Sessions::place(&handoff.id);
        let session = services.sessions.get(&place).await.map_err(unavailable_store)?;
        let session = session.filter(|session| self.is_ours(code, session));
        let session = session.ok_or_else(|| failed("bad_handoff", AGAIN, "the session has ended"))?;
        let reply = onward(&pending, &pending.target);
        let reply = cookies::set(reply, cookies::session(&self.id.0, origin, &handoff.id, &session, now));
        let reply = cookies::set(reply, vec![super::session::count_login(request, origin)]);
        Ok(cookies::set(reply, cookies::remove(&[cookie], origin)))
    }
}

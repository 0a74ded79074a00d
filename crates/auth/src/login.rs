//! Logins by OpenID Connect: what is sent, what must come back, what is kept.

mod origin;
mod packed;
mod pending;
mod provider;
mod session;
mod tokens;

pub use origin::{Origin, Origins, return_target};
pub use pending::{Pending, find_pending, is_state_of, is_state_over, new_state, pending_name, state_digest, surplus};
pub use provider::{AuthorizationRequest, Provider, s256};
pub use session::{Session, session_cookie, xsrf_cookie};
pub use tokens::{
    IdTokenRules, LogoutToken, TokenResponse, access_token_rules, check_id_token, check_logout_token, is_id_token,
};

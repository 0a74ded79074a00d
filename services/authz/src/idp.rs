//! Identity providers, over HTTP.

mod calls;
mod client;
mod documents;
mod guard;

pub(crate) use calls::{Calls, Failed};
pub(crate) use client::{Answer, Clients, IdpError, Known, told};
pub(crate) use documents::{AT_ONCE, Document, Documents, NOW_AND_THEN};
#[cfg(test)]
pub(crate) use guard::silent;
pub(crate) use guard::{Endpoints, is_there};

//! Where rules and filters come from.

pub(crate) mod file;
pub(crate) mod xds;

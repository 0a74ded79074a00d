//! The objects of a cluster, served by the product.

mod access;
mod equal;
mod faults;
mod objects;
pub(crate) mod place;
mod secrets;

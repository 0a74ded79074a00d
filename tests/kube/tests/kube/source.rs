//! The objects of a cluster, served by the product.

mod access;
mod arrivals;
mod equal;
mod faults;
mod ingress;
mod objects;
pub(crate) mod place;
mod secrets;

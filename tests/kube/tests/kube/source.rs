//! The objects of a cluster, served by the product.

mod access;
mod faults;
mod objects;
mod place;
mod secrets;

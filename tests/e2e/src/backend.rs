//! Servers behind the gateway, which say what they got.

mod authorization;
mod echo;
mod grpc;
mod tcp;

pub use authorization::Authorizer;
pub use echo::{Backend, Echo};
pub use grpc::Grpc;
pub use tcp::Tcp;

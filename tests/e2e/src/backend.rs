//! Servers behind the gateway, which say what they got.

mod echo;
mod grpc;
mod tcp;

pub use echo::{Backend, Echo};
pub use grpc::Grpc;
pub use tcp::Tcp;

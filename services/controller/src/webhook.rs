//! What a Kubernetes API server asks: to convert objects between versions, and whether an object may be stored.
//!
//! | Path | Review |
//! |---|---|
//! | `POST /webhooks/crd-convert` | `ConversionReview` of `apiextensions.k8s.io/v1` |
//! | `POST /webhooks/validate` | `AdmissionReview` of `admission.k8s.io/v1` |
//!
//! Both are answered from what is asked alone: no state, no cluster, so any replica gives the same answer. [`serve`] does so
//! over TLS with certificates that [`Authority`] and [`ServingCertificate`] describe. In a cluster the `keeper` makes them, shares them
//! among replicas in a Secret (`store`), and tells the API server whom to trust (`publish`).

mod admission;
mod certificate;
mod conversion;
mod elements;
mod keeper;
mod publish;
mod review;
mod rotation;
mod server;
mod store;

use std::sync::Arc;

use axum::Router;
use axum::routing::post;
use nuncio_api::Defaults;

pub use admission::VALIDATION_PATH;
pub use certificate::{Authority, Certificate, CertificateError, ServingCertificate};
pub(crate) use keeper::Keeper;
pub use keeper::WebhookOptions;
pub use rotation::{Credentials, Due};
pub use server::{Certificates, serve};

/// What the handlers need to know.
#[derive(Clone, Debug)]
pub struct Reviewer {
    /// `AMBASSADOR_ID`: objects for other instances are none of this one's business, and let through.
    pub ambassador_id: String,
    /// What the gateway gives to objects that do not say so themselves: what it would serve may be stored.
    pub defaults: Defaults,
    /// How much is taken in.
    pub limits: Limits,
}

/// Bounds on what one request, and all of them together, may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of an `AdmissionReview`: it holds at most two objects, which etcd limits to 1.5 MiB each.
    pub admission_bytes: usize,
    /// Bytes of a `ConversionReview`: it holds all objects of a list.
    pub conversion_bytes: usize,
    /// Bytes of an object in it. API servers take no more than 3 MiB from their own clients.
    pub object_bytes: usize,
    /// Bytes of all reviews together, from when they arrive until they are answered. Who would be beyond is to come again.
    pub held_bytes: usize,
    /// Reviews that are worked on at once; others wait. What is read of an object may take many times its bytes.
    pub concurrency: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            admission_bytes: 8 << 20,
            conversion_bytes: 128 << 20,
            object_bytes: 3 << 20,
            held_bytes: 128 << 20,
            concurrency: 2,
        }
    }
}

/// The handlers.
pub fn router(reviewer: Reviewer) -> Router {
    let state = Arc::new(review::State::new(reviewer));
    Router::new()
        .route(nuncio_api::crd::CONVERSION_PATH, post(conversion::handle))
        .route(VALIDATION_PATH, post(admission::handle))
        .with_state(state)
}

#[cfg(test)]
mod tests;

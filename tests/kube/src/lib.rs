//! A Kubernetes cluster without nodes for tests: the real etcd, API server and controller manager of one pinned release,
//! on a loopback address of its own, with TLS and RBAC.
//!
//! Pods are created by their controllers and stay pending: there is no scheduler and no kubelet. A test that needs
//! endpoints writes its `EndpointSlice`s itself.
//!
//! Most tests share one cluster for their binary, in namespaces of their own:
//!
//! ```no_run
//! # use k8s_openapi::api::core::v1::ConfigMap;
//! # async fn test() -> kube::Result<()> {
//! let cluster = nuncio_kube_tests::Cluster::shared().await;
//! let namespace = cluster.namespace().await;
//! namespace.api::<ConfigMap>().create(&kube::api::PostParams::default(), &ConfigMap::default()).await?;
//! # Ok(()) }
//! ```
//!
//! One that stops parts of it has a cluster to itself ([`Cluster::start`]): only the owner can.
// A helper that cannot go on fails the test by panicking, as an assertion does.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod account;
mod cluster;
mod command;
mod components;
mod credentials;
mod daemon;
mod kubeconfig;
mod layout;
mod namespace;

pub use account::Account;
pub use cluster::Cluster;
pub use command::Output;
pub use namespace::Namespace;

//! A place of its own for a test in a shared cluster.

use std::thread;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{self, ServiceAccount};
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Resource};
use nuncio_test_support::within;

use crate::Cluster;
use crate::cluster::START;

/// A namespace. It goes with its cluster.
#[derive(Debug)]
pub struct Namespace<'a> {
    cluster: &'a Cluster,
    name: String,
}

impl Cluster {
    /// A new namespace for the test that asks, with its `ServiceAccount` `default`.
    ///
    /// # Panics
    /// If the API server does not make it.
    pub async fn namespace(&self) -> Namespace<'_> {
        let metadata = ObjectMeta { generate_name: Some("test-".to_owned()), ..ObjectMeta::default() };
        let object = v1::Namespace { metadata, ..v1::Namespace::default() };
        let namespaces = Api::<v1::Namespace>::all(self.admin());
        let made = namespaces.create(&PostParams::default(), &object).await.expect("a namespace");
        let namespace = Namespace { cluster: self, name: made.metadata.name.expect("a name") };
        let accounts = namespace.api::<ServiceAccount>();
        within(START, "the account of a namespace", async || accounts.get("default").await).await;
        namespace
    }
}

impl Namespace<'_> {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its objects of a kind, as the administrator. To be used in the runtime that it was made in, as every client.
    #[must_use]
    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.cluster.admin(), &self.name)
    }
}

impl Drop for Namespace<'_> {
    /// Keeps the logs of the cluster if the test failed.
    fn drop(&mut self) {
        if thread::panicking() {
            self.cluster.keep();
        }
    }
}

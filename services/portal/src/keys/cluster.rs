//! The Secret of a cluster.

use std::fmt;
use std::time::Duration;

use http::{Method, Request, header};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};

use super::KeysError;
use super::manifest::Manifest;
use crate::settings::Cluster;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a change is made again because another was faster.
const TRIES: usize = 8;

/// A Secret, by its name.
pub(super) struct ClusterSecret {
    client: Client,
    namespace: String,
    name: String,
}

impl fmt::Debug for ClusterSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClusterSecret").field(&self.place()).finish()
    }
}

impl ClusterSecret {
    /// Finds the way to it. Asks nothing yet.
    pub(super) async fn find(namespace: &str, name: &str, cluster: &Cluster) -> Result<Self, KeysError> {
        let wrong = |error: String| KeysError::Cluster(format!("{namespace}/{name}"), error);
        let config = config(cluster).await.map_err(wrong)?;
        let client = Client::try_from(config).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { client, namespace: namespace.to_owned(), name: name.to_owned() })
    }

    /// What it says, and its version; nothing where it is not there.
    pub(super) async fn read(&self) -> Result<(Manifest, Option<String>), KeysError> {
        match self.ask(Method::GET, &self.path(), None).await? {
            Answer::Given(secret) => {
                let manifest = Manifest::of_secret(&secret);
                let manifest = manifest.map_err(|error| KeysError::Unreadable(self.place(), error.to_string()))?;
                let version = secret["metadata"]["resourceVersion"].as_str().map(ToOwned::to_owned);
                Ok((manifest, version))
            }
            Answer::Missing | Answer::Late => Ok((Manifest::default(), None)),
        }
    }

    /// Changes it, again and again until no other was faster.
    pub(super) async fn change<T>(
        &self,
        change: impl Fn(&mut Manifest) -> Result<T, KeysError>,
    ) -> Result<T, KeysError> {
        for _ in 0..TRIES {
            let (mut manifest, version) = self.read().await?;
            let changed = change(&mut manifest)?;
            if self.write(&manifest, version.as_deref()).await? {
                return Ok(changed);
            }
        }
        Err(KeysError::Cluster(self.place(), "it is changed faster than it can be written".to_owned()))
    }

    /// False where another was faster.
    async fn write(&self, manifest: &Manifest, version: Option<&str>) -> Result<bool, KeysError> {
        let mut secret = manifest.secret(&self.name);
        let (method, path) = match version {
            Some(version) => {
                secret["metadata"]["resourceVersion"] = json!(version);
                (Method::PUT, self.path())
            }
            None => (Method::POST, self.collection()),
        };
        match self.ask(method, &path, Some(&secret)).await? {
            Answer::Given(_) => Ok(true),
            Answer::Late => Ok(false),
            // It went between the question and the answer; where that is the collection, it is the namespace that is not there.
            Answer::Missing if version.is_some() => Ok(false),
            Answer::Missing => Err(KeysError::Cluster(self.place(), "there is no such namespace".to_owned())),
        }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, KeysError> {
        let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
        let wrong = |why: String| KeysError::Cluster(self.place(), why);
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let request = request.body(body).map_err(|error| wrong(error.to_string()))?;
        match tokio::time::timeout(PATIENCE, self.client.request(request)).await {
            Ok(Ok(secret)) => Ok(Answer::Given(secret)),
            Ok(Err(kube::Error::Api(status))) => match status.code {
                404 => Ok(Answer::Missing),
                409 => Ok(Answer::Late),
                _ => Err(wrong(status.message)),
            },
            Ok(Err(error)) => Err(wrong(error.to_string())),
            Err(_) => Err(wrong(format!("no answer within {} s", PATIENCE.as_secs()))),
        }
    }

    fn collection(&self) -> String {
        format!("/api/v1/namespaces/{}/secrets", self.namespace)
    }

    fn path(&self) -> String {
        format!("{}/{}", self.collection(), self.name)
    }

    fn place(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// The way to a cluster, found as a gateway finds it that reads one.
async fn config(Cluster { kubeconfig, context }: &Cluster) -> Result<Config, String> {
    let options = KubeConfigOptions { context: context.clone(), ..KubeConfigOptions::default() };
    let found = match kubeconfig {
        Some(file) => match Kubeconfig::read_from(file) {
            Ok(read) => Config::from_custom_kubeconfig(read, &options).await,
            Err(error) => Err(error),
        },
        None if context.is_none() && std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() => {
            return Config::incluster().map_err(|error| error.to_string());
        }
        None => Config::from_kubeconfig(&options).await,
    };
    found.map_err(|error| error.to_string())
}

/// What an API server says.
enum Answer {
    Given(Value),
    Missing,
    /// What was to be changed is another by now, or there already.
    Late,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_cluster_is_that_of_the_context_which_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("config");
        let cluster =
            |name: &str| json!({ "name": name, "cluster": { "server": format!("https://{name}.example:6443") } });
        let context = |name: &str| json!({ "name": name, "context": { "cluster": name, "user": "ann" } });
        let text = json!({ "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [cluster("test"), cluster("live")], "contexts": [context("test"), context("live")],
            "users": [{ "name": "ann", "user": {} }] });
        std::fs::write(&file, text.to_string()).unwrap();
        let server = async |context: Option<&str>| {
            let cluster = Cluster { kubeconfig: Some(file.clone()), context: context.map(ToOwned::to_owned) };
            config(&cluster).await.map(|config| config.cluster_url.host().unwrap_or_default().to_owned())
        };
        assert_eq!(server(None).await.unwrap(), "test.example");
        assert_eq!(server(Some("live")).await.unwrap(), "live.example");
        assert!(server(Some("other")).await.unwrap_err().contains("other"));
    }
}

//! Files that tell clients where the API server is and who they are.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};
use nuncio_test_support::Identity;
use serde_json::{Value, json};

use crate::layout::{API_SERVER, Layout};

/// Writes the kubeconfig `name`, for a user whose clients use `namespace` when they name none. It needs no other file.
pub(crate) fn write(layout: &Layout, name: &str, authority: &str, user: &Value, namespace: Option<&str>) -> PathBuf {
    let server = format!("https://{}:{API_SERVER}", layout.ip);
    let cluster = json!({"server": server, "certificate-authority-data": BASE64_STANDARD.encode(authority)});
    let mut context = json!({"cluster": "test", "user": "test"});
    if let Some(namespace) = namespace {
        context["namespace"] = namespace.into();
    }
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": user}],
        "contexts": [{"name": "test", "context": context}],
        "current-context": "test",
    });
    let path = path(layout, name);
    // JSON is YAML as well.
    fs::write(&path, config.to_string()).expect("a file");
    path
}

/// Where the kubeconfig `name` is.
pub(crate) fn path(layout: &Layout, name: &str) -> PathBuf {
    layout.file(&format!("{name}.kubeconfig"))
}

/// What clients are made of.
pub(crate) async fn read(path: &Path) -> Config {
    let kubeconfig = Kubeconfig::read_from(path).expect("a kubeconfig");
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.expect("a kubeconfig")
}

/// A user with a certificate.
pub(crate) fn certificate(identity: &Identity) -> Value {
    json!({
        "client-certificate-data": BASE64_STANDARD.encode(&identity.cert),
        "client-key-data": BASE64_STANDARD.encode(&identity.key),
    })
}

/// A user with a bearer token.
pub(crate) fn token(token: &str) -> Value {
    json!({"token": token})
}

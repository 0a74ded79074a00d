//! The command lines of a cluster's parts.

use std::path::Path;
use std::process::Command;

use nuncio_test_support::tool;

use crate::credentials::{API_SERVER as SERVING, AUTHORITY, SERVICE_ACCOUNTS};
use crate::layout::{API_SERVER, ETCD, ETCD_PEERS, Layout, SERVICES};

/// What runs in the controller manager: all that makes objects of objects, and nothing that needs nodes.
///
/// Not `node-lifecycle-controller`: nobody renews the Leases of the nodes that a test may write, so it would make their
/// endpoints not ready after 40 s.
const CONTROLLERS: &[&str] = &[
    "clusterrole-aggregation-controller",
    "deployment-controller",
    "endpointslice-controller",
    "endpointslice-mirroring-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "pod-garbage-collector-controller",
    "replicaset-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "validatingadmissionpolicy-status-controller",
];

/// A program that the set-up built.
pub(crate) fn program(name: &str) -> Command {
    Command::new(tool(name, "kubernetes"))
}

/// Paths are relative to the directory of the cluster, where each part runs.
pub(crate) fn etcd(layout: &Layout) -> Command {
    let [clients, peers] = [ETCD, ETCD_PEERS].map(|port| format!("http://{}:{port}", layout.ip));
    let mut command = program("etcd");
    command.args(["--name=test", "--data-dir=etcd"]);
    command.args([format!("--listen-client-urls={clients}"), format!("--advertise-client-urls={clients}")]);
    command.args([format!("--listen-peer-urls={peers}"), format!("--initial-advertise-peer-urls={peers}")]);
    command.arg(format!("--initial-cluster=test={peers}"));
    // What was written survives the end of the process, which is all that tests do to it.
    command.arg("--unsafe-no-fsync");
    command
}

pub(crate) fn api_server(layout: &Layout, arguments: &[String]) -> Command {
    let mut command = program("kube-apiserver");
    command.arg(format!("--etcd-servers=http://{}:{ETCD}", layout.ip));
    command.args([format!("--bind-address={}", layout.ip), format!("--advertise-address={}", layout.ip)]);
    command.args([format!("--secure-port={API_SERVER}"), format!("--service-cluster-ip-range={SERVICES}")]);
    // The Service `kubernetes` has no endpoints, which may not be loopback addresses.
    command.arg("--endpoint-reconciler-type=none");
    command.args(["--authorization-mode=RBAC", "--anonymous-auth=false", "--profiling=false"]);
    command.arg(format!("--client-ca-file={AUTHORITY}"));
    command.args([format!("--tls-cert-file={SERVING}.crt"), format!("--tls-private-key-file={SERVING}.key")]);
    command.arg("--service-account-issuer=https://kubernetes.default.svc");
    command.arg(format!("--service-account-key-file={SERVICE_ACCOUNTS}.crt"));
    command.arg(format!("--service-account-signing-key-file={SERVICE_ACCOUNTS}.key"));
    command.args(arguments);
    command
}

pub(crate) fn controller_manager(kubeconfig: &Path) -> Command {
    let mut command = program("kube-controller-manager");
    command.arg("--kubeconfig").arg(kubeconfig);
    command.arg(format!("--controllers={}", CONTROLLERS.join(",")));
    // It serves nothing, is alone, and waits five seconds for no account of its own for each controller.
    command.args(["--secure-port=0", "--leader-elect=false", "--use-service-account-credentials=false"]);
    command.arg(format!("--service-account-private-key-file={SERVICE_ACCOUNTS}.key"));
    command.arg(format!("--root-ca-file={AUTHORITY}"));
    command
}

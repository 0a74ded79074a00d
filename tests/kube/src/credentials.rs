//! Keys and certificates of a cluster, and whom the API server takes their bearers for.

use std::fs;

use nuncio_test_support::{Authority, Identity, Subject};

use crate::layout::{KUBERNETES_SERVICE, Layout};

/// Files in the cluster's directory, each with `.crt` and `.key`.
pub(crate) const AUTHORITY: &str = "ca.crt";
pub(crate) const API_SERVER: &str = "kube-apiserver";
pub(crate) const SERVICE_ACCOUNTS: &str = "service-accounts";

/// One who may do everything, as a member of the group.
pub(crate) const ADMINISTRATOR: &str = "admin";
const ADMINISTRATORS: &str = "system:masters";

/// Issues what clients authenticate with.
#[derive(Debug)]
pub(crate) struct Credentials {
    authority: Authority,
}

impl Credentials {
    /// New ones. The files that servers need are in the layout's directory.
    pub(crate) fn new(layout: &Layout) -> Self {
        // Called otherwise than a server: OpenSSL and its kin take a certificate for one of its own that has its issuer's name.
        let authority = Authority::new("kubernetes-ca");
        fs::write(layout.file(AUTHORITY), authority.pem()).expect("a file");
        let ip = layout.ip.to_string();
        let names =
            ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost", &ip, KUBERNETES_SERVICE];
        write(layout, API_SERVER, &authority.issue(&names));
        write(layout, SERVICE_ACCOUNTS, &authority.issue(&[SERVICE_ACCOUNTS]));
        Self { authority }
    }

    /// A client certificate of a user.
    pub(crate) fn user(&self, name: &str, groups: &[&str]) -> Identity {
        self.authority.issue_to(Subject { name, organizations: groups }, &[])
    }

    /// A client certificate of the administrator.
    pub(crate) fn administrator(&self) -> Identity {
        self.user(ADMINISTRATOR, &[ADMINISTRATORS])
    }

    /// The certificate that servers' certificates are signed with, in PEM.
    pub(crate) fn authority(&self) -> String {
        self.authority.pem()
    }
}

fn write(layout: &Layout, name: &str, identity: &Identity) {
    fs::write(layout.file(&format!("{name}.crt")), &identity.cert).expect("a file");
    fs::write(layout.file(&format!("{name}.key")), &identity.key).expect("a file");
}

//! Who a client is, and how it says so.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::{Api, Client};

use crate::credentials::ADMINISTRATOR;
use crate::layout::API_SERVER;
use crate::{Cluster, kubeconfig};

/// How long tokens of a `ServiceAccount` are good for, in seconds: longer than any test.
const TOKEN_LIFETIME: i64 = 24 * 60 * 60;

/// One that the API server knows, and that may do what RBAC says.
#[derive(Clone, Copy, Debug)]
pub enum Account<'a> {
    /// A user in groups, by a client certificate. Those in `system:masters` may do everything.
    User {
        /// Its name.
        name: &'a str,
        /// Its groups.
        groups: &'a [&'a str],
    },
    /// A `ServiceAccount`, by a token. It must exist.
    ServiceAccount {
        /// Its namespace, which is also the one that its clients use when they name none.
        namespace: &'a str,
        /// Its name.
        name: &'a str,
    },
}

impl Cluster {
    /// A client that may do everything. It belongs to the runtime that it was made in, so each test makes its own.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[must_use]
    pub fn admin(&self) -> Client {
        Client::try_from(self.admin.clone()).expect("a client")
    }

    /// The file that [`admin`](Self::admin) was made of.
    #[must_use]
    pub fn admin_kubeconfig(&self) -> PathBuf {
        kubeconfig::path(&self.layout, ADMINISTRATOR)
    }

    /// Where the API server listens.
    #[must_use]
    pub fn api_server(&self) -> SocketAddr {
        (self.layout.ip, API_SERVER).into()
    }

    /// A kubeconfig of the administrator for one who passes connections on from another port of the same address.
    ///
    /// # Panics
    /// If it cannot be written.
    #[must_use]
    pub fn admin_kubeconfig_by(&self, port: u16) -> PathBuf {
        let text = fs::read_to_string(self.admin_kubeconfig()).expect("a kubeconfig");
        let [from, to] = [API_SERVER, port].map(|port| format!("https://{}:{port}", self.layout.ip));
        let path = kubeconfig::path(&self.layout, &format!("{ADMINISTRATOR}-{port}"));
        fs::write(&path, text.replace(&from, &to)).expect("a file");
        path
    }

    /// A client for an account, as [`kubeconfig_for`](Self::kubeconfig_for) makes it.
    ///
    /// # Panics
    /// If it is a `ServiceAccount` that does not exist.
    pub async fn client_for(&self, account: Account<'_>) -> Client {
        let kubeconfig = self.kubeconfig_for(account).await;
        Client::try_from(kubeconfig::read(&kubeconfig).await).expect("a client")
    }

    /// A kubeconfig, which needs no other file, for an account; a later one for the same name replaces it.
    ///
    /// # Panics
    /// If it is a `ServiceAccount` that does not exist.
    pub async fn kubeconfig_for(&self, account: Account<'_>) -> PathBuf {
        let (file, user, namespace) = match account {
            Account::User { name, groups } => {
                let user = kubeconfig::certificate(&self.credentials.user(name, groups));
                (format!("user-{name}"), user, None)
            }
            Account::ServiceAccount { namespace, name } => {
                let user = kubeconfig::token(&self.token(namespace, name).await);
                (format!("account-{namespace}-{name}"), user, Some(namespace))
            }
        };
        kubeconfig::write(&self.layout, &file, &self.credentials.authority(), &user, namespace)
    }

    /// A token of a `ServiceAccount`.
    async fn token(&self, namespace: &str, name: &str) -> String {
        let spec = TokenRequestSpec { expiration_seconds: Some(TOKEN_LIFETIME), ..TokenRequestSpec::default() };
        let request = TokenRequest { spec: Some(spec), ..TokenRequest::default() };
        let accounts = Api::<ServiceAccount>::namespaced(self.admin(), namespace);
        let answer = accounts.create_token_request(name, &PostParams::default(), &request).await;
        answer.expect("a token of a ServiceAccount").status.and_then(|status| status.token).expect("a token")
    }
}

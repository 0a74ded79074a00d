//! A cluster, from start to end.

use std::net::SocketAddr;
use std::process::Command;
use std::thread;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::{Api, Config};
use nuncio_test_support::{Group, within};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;

use crate::components;
use crate::credentials::{ADMINISTRATOR, Credentials};
use crate::daemon::Daemon;
use crate::kubeconfig;
use crate::layout::{ETCD, Layout};

/// How long a part may take until it answers. About four seconds in all on an idle machine.
pub(crate) const START: Duration = Duration::from_secs(60);

/// A running cluster. When it is dropped, or when its process ends without that, it ends as well.
///
/// If the test fails, its directory with the logs is kept, and named on standard error.
#[derive(Debug)]
pub struct Cluster {
    // Dropped first: it kills the others, which have nothing to finish.
    group: Group,
    etcd: Option<Daemon>,
    api_server: Option<Daemon>,
    controller_manager: Option<Daemon>,
    /// Further arguments of the API server.
    arguments: Vec<String>,
    pub(crate) credentials: Credentials,
    /// How a client of the administrator is made.
    pub(crate) admin: Config,
    pub(crate) layout: Layout,
}

impl Cluster {
    /// The one that the tests of this binary share. Started by the first that asks.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Cluster> = OnceCell::const_new();
        SHARED.get_or_init(Self::start).await
    }

    /// A new one.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A new one, whose API server has further arguments.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start_with(api_server: &[&str]) -> Self {
        let layout = Layout::new();
        let credentials = Credentials::new(&layout);
        let user = kubeconfig::certificate(&credentials.administrator());
        let admin = kubeconfig::write(&layout, ADMINISTRATOR, &credentials.authority(), &user, None);
        let mut cluster = Self {
            group: Group::new(layout.directory()),
            etcd: None,
            api_server: None,
            controller_manager: None,
            arguments: api_server.iter().map(|argument| (*argument).to_owned()).collect(),
            credentials,
            admin: kubeconfig::read(&admin).await,
            layout,
        };
        cluster.start_etcd().await;
        cluster.start_api_server().await;
        cluster.start_controller_manager().await;
        cluster
    }

    /// Stops the API server, as a crash would end it. Told to end, it would first wait for its watches.
    ///
    /// # Panics
    /// If it was stopped.
    pub async fn stop_api_server(&mut self) {
        self.api_server.take().expect("an API server that runs").kill().await;
    }

    /// Starts the API server and waits until it is ready.
    ///
    /// # Panics
    /// If it runs, or does not become ready.
    pub async fn start_api_server(&mut self) {
        assert!(self.api_server.is_none(), "it runs");
        let mut command = components::api_server(&self.layout, &self.arguments);
        self.api_server = Some(self.spawn("kube-apiserver", &mut command));
        self.api_server_is_ready().await;
    }

    /// Kills etcd, starts it again, and waits until the API server answers from it.
    ///
    /// # Panics
    /// If that does not work.
    pub async fn restart_etcd(&mut self) {
        self.etcd.take().expect("etcd runs").kill().await;
        self.start_etcd().await;
        self.api_server_is_ready().await;
    }

    /// Where etcd serves its clients, by gRPC and, below `/v3/`, by JSON.
    #[must_use]
    pub fn etcd(&self) -> SocketAddr {
        (self.layout.ip, ETCD).into()
    }

    /// Keeps the directory with the logs, and says where it is.
    pub(crate) fn keep(&self) {
        self.layout.keep();
        eprintln!("the logs of the cluster are in {}", self.layout.directory().display());
    }

    async fn start_etcd(&mut self) {
        self.etcd = Some(self.spawn("etcd", &mut components::etcd(&self.layout)));
        let address = (self.layout.ip, ETCD);
        within(START, "etcd", async || {
            self.etcd.as_mut().expect("started").must_run();
            TcpStream::connect(address).await
        })
        .await;
    }

    /// Waits until the API server is ready and reads from etcd.
    async fn api_server_is_ready(&mut self) {
        let client = self.admin();
        let namespaces = Api::<Namespace>::all(client.clone());
        within(START, "the API server", async || {
            self.api_server.as_mut().expect("started").must_run();
            let readyz = http::Request::get("/readyz").body(Vec::new()).expect("a request");
            client.request_text(readyz).await?;
            namespaces.get("default").await
        })
        .await;
    }

    async fn start_controller_manager(&mut self) {
        let mut command = components::controller_manager(&self.admin_kubeconfig());
        self.controller_manager = Some(self.spawn("kube-controller-manager", &mut command));
        let accounts = Api::<ServiceAccount>::default_namespaced(self.admin());
        within(START, "the controller manager", async || {
            self.controller_manager.as_mut().expect("started").must_run();
            accounts.get("default").await
        })
        .await;
    }

    fn spawn(&self, name: &str, command: &mut Command) -> Daemon {
        Daemon::spawn(&self.layout, &self.group, name, command)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if thread::panicking() {
            self.keep();
        }
    }
}

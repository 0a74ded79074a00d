//! The product, running.

use std::ops::Deref;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use nuncio_test_support::signal_to;
use rustix::process::Signal;

use crate::yaml::{documents, mapping};
use crate::{Admin, Process, Site, eventually, processes_of};

/// A running `nuncio up`.
#[derive(Debug)]
pub struct Gateway<'a> {
    site: &'a Site,
    process: Process,
    /// Its diagnostics.
    pub admin: Admin,
}

impl<'a> Gateway<'a> {
    /// Starts it and waits until it is ready.
    ///
    /// # Panics
    /// If it does not become ready.
    pub async fn start(site: &'a Site) -> Self {
        Self::start_with(site, |_| {}).await
    }

    /// The same with further arguments.
    ///
    /// # Panics
    /// If it does not become ready.
    pub async fn start_with(site: &'a Site, make: impl FnOnce(&mut Command)) -> Self {
        let mut command = site.up();
        make(&mut command);
        Self::start_by(site, &mut command).await
    }

    /// Starts it by a command of the site.
    ///
    /// # Panics
    /// If it does not become ready.
    pub async fn start_by(site: &'a Site, command: &mut Command) -> Self {
        let mut gateway = Self::launch(site, command);
        gateway.ready().await;
        gateway
    }

    /// Starts it on another Envoy, and waits for nothing.
    #[must_use]
    pub fn launch_on(site: &'a Site, envoy: &Path) -> Self {
        Self::launch(site, &mut site.up_on(envoy))
    }

    /// Starts it by a command of the site, and waits for nothing.
    #[must_use]
    pub fn launch(site: &'a Site, command: &mut Command) -> Self {
        Self { site, process: Process::spawn(command), admin: Admin::new(site.admin()) }
    }

    /// Waits until it should get traffic.
    ///
    /// # Panics
    /// If that takes too long, or it ends.
    pub async fn ready(&mut self) {
        let (process, admin) = (&mut self.process, &self.admin);
        eventually("ready", async || {
            assert!(process.ended().is_none(), "it ended");
            admin.ready().await
        })
        .await;
    }

    /// Waits until Envoy has all that was written before: a problem is told earlier than that. A Mapping shows it that is
    /// written last, and that nobody asks for.
    ///
    /// # Panics
    /// If Envoy does not take it.
    pub async fn taken(&self) {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let name = format!("last-{}", LAST.fetch_add(1, Ordering::Relaxed));
        let last = mapping(&name, &format!("/{name}/"), self.site.at(9));
        self.site.write(&format!("{name}.yaml"), documents(&[last]));
        self.admin.state("Mapping", &name, "acked").await;
    }

    /// The process id of its Envoy, if it runs.
    #[must_use]
    pub fn envoy(&self) -> Option<u32> {
        let envoys =
            processes_of(&self.site.run()).into_iter().filter(|(_, command)| command.contains("--config-path"));
        envoys.map(|(id, _)| id).find(|id| *id != self.id())
    }

    /// Kills its Envoy, as a crash would end it.
    ///
    /// # Panics
    /// If there is none.
    pub fn kill_envoy(&self) -> u32 {
        let id = self.envoy().expect("an Envoy to kill");
        signal_to(id, Signal::KILL);
        id
    }

    /// Kills it, as a crash would end it.
    ///
    /// # Panics
    /// If it does not end.
    pub async fn kill(&mut self) {
        self.process.signal(Signal::KILL);
        self.process.exit().await;
    }

    /// Tells it to stop, and sees that it stops well and leaves nothing behind.
    ///
    /// # Panics
    /// If it does not.
    pub async fn stop(mut self) {
        self.process.signal(Signal::TERM);
        self.stopped().await;
    }

    /// Waits for its end after it was told to stop.
    ///
    /// # Panics
    /// If it does not end well, or leaves something behind.
    pub async fn stopped(&mut self) {
        let status = self.process.exit().await;
        assert_eq!(status.code(), Some(0), "it stops well");
        assert_eq!(self.site.leftovers(), [""; 0], "it leaves nothing behind");
    }
}

impl Deref for Gateway<'_> {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

/// A running `nuncio controller`, for Envoys that the test starts itself.
#[derive(Debug)]
pub struct Controller {
    process: Process,
    /// Its diagnostics.
    pub admin: Admin,
}

impl Controller {
    /// Starts it and waits until it answers. It is ready when an Envoy is.
    ///
    /// # Panics
    /// If it does not answer.
    pub async fn start(site: &Site) -> Self {
        let mut command = site.nuncio(&["controller"]);
        Self::start_by(site, command.arg(site.manifests())).await
    }

    /// As [`start`](Self::start), for manifests that the command names.
    ///
    /// # Panics
    /// If it does not answer.
    pub async fn start_by(site: &Site, command: &mut Command) -> Self {
        command.args(["--xds", &site.xds().to_string()]);
        command.args(["--bind", &site.ip().to_string(), "--admin", &site.admin().to_string()]);
        let controller = Self { process: Process::spawn(command), admin: Admin::new(site.admin()) };
        eventually("alive", async || controller.admin.status("/ambassador/v0/check_alive").await).await;
        controller
    }

    /// Kills it, as a crash would end it.
    ///
    /// # Panics
    /// If it does not end.
    pub async fn kill(mut self) {
        self.process.signal(Signal::KILL);
        self.process.exit().await;
    }
}

impl Deref for Controller {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

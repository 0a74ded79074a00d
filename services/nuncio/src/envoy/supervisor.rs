//! Keeping one Envoy alive, and ending it.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use nuncio_controller::admin::AdminClient;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::backoff::Backoff;
use super::child::{Spawner, command};
use super::drain::drain;
use super::log;

/// How long Envoy may take to end once nothing holds it.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// How to start an Envoy.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    /// The program.
    pub(crate) program: PathBuf,
    /// Its bootstrap file.
    pub(crate) bootstrap: PathBuf,
    /// Worker threads.
    pub(crate) concurrency: u32,
    /// Longest time for requests in flight at the end.
    pub(crate) drain_time: Duration,
    /// Longest time in seconds for what came by a listener before it changed.
    pub(crate) listener_drain_time: u32,
}

impl Launch {
    /// Standard output is ours, unread: Envoy writes access logs there, and nothing else.
    fn command(&self) -> Command {
        let mut command = command(&self.program);
        command.args(self.args()).stdin(Stdio::null()).stdout(Stdio::inherit()).stderr(Stdio::piped());
        command
    }

    /// Without hot restart, so that Envoys side by side share no memory. Listeners that drain go on accepting until they are
    /// told otherwise, and close connections after the response at hand from the start, because they will all end.
    fn args(&self) -> Vec<OsString> {
        let [concurrency, drain] = [self.concurrency, self.listener_drain_time].map(|n| n.to_string());
        let mut args: Vec<OsString> = ["--disable-hot-restart", "--drain-strategy", "immediate"].map(Into::into).into();
        // Who reads a log, or asks the doctor of previews, does not wait for ten seconds.
        args.extend(["--file-flush-interval-msec", "1000"].map(Into::into));
        args.extend(["--drain-time-s", &drain, "--concurrency", &concurrency].map(Into::into));
        args.extend(["--log-level", log::level(), "--log-format", log::FORMAT, "--log-format-escaped"].map(Into::into));
        args.extend(["--config-path".into(), self.bootstrap.clone().into_os_string()]);
        args
    }
}

/// Runs Envoy again whenever it ends.
#[derive(Debug)]
pub(crate) struct Supervisor {
    launch: Launch,
    admin: AdminClient,
    spawner: Spawner,
}

impl Supervisor {
    /// A supervisor whose Envoys have their admin interface at `admin`. Must be called inside a tokio runtime.
    pub(crate) fn new(launch: Launch, admin: AdminClient) -> anyhow::Result<Self> {
        let spawner = Spawner::new().context("cannot start a thread")?;
        Ok(Self { launch, admin, spawner })
    }

    /// Keeps an Envoy running until `shutdown`, then drains it and ends it. On return there is none.
    pub(crate) async fn run(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let mut backoff = Backoff::new();
        while !shutdown.is_cancelled() {
            let started = Instant::now();
            let mut child = self.start().await?;
            let status = tokio::select! {
                status = child.wait() => status.context("cannot wait for Envoy")?,
                () = shutdown.cancelled() => return self.stop(child).await,
            };
            let wait = backoff.after(started.elapsed());
            warn!("Envoy {}, starting it again in {} ms", describe(status), wait.as_millis());
            tokio::select! {
                () = sleep(wait) => {}
                () = shutdown.cancelled() => {}
            }
        }
        Ok(())
    }

    async fn start(&self) -> anyhow::Result<Child> {
        let child = self.spawner.spawn(self.launch.command()).await;
        let mut child = child.with_context(|| format!("cannot start Envoy {}", self.launch.program.display()))?;
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(log::forward(stderr));
        }
        info!("started Envoy, process {}", child.id().unwrap_or_default());
        Ok(child)
    }

    /// Drains, asks to end, and insists. An Envoy that dies meanwhile is as good.
    async fn stop(&self, mut child: Child) -> anyhow::Result<()> {
        tokio::select! {
            () = drain(&self.admin, self.launch.drain_time) => {}
            // One that does not even answer is waited for no longer.
            () = sleep(self.launch.drain_time + STOP_TIMEOUT) => {}
            _ = child.wait() => {}
        }
        signal(&child, Signal::TERM);
        if timeout(STOP_TIMEOUT, child.wait()).await.is_err() {
            warn!("Envoy has not ended within {} s, killing it", STOP_TIMEOUT.as_secs());
            signal(&child, Signal::KILL);
        }
        let status = child.wait().await.context("cannot wait for Envoy")?;
        info!("Envoy {}", describe(status));
        Ok(())
    }
}

/// Sends a signal to Envoy's process group, unless Envoy has been waited for.
fn signal(child: &Child, signal: Signal) {
    let Some(group) = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)) else { return };
    if let Err(error) = kill_process_group(group, signal) {
        warn!("cannot signal Envoy: {error}");
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (_, Some(signal)) => format!("was ended by signal {signal}"),
        _ => format!("ended: {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_envoys() {
        let launch = Launch {
            program: "/bin/envoy".into(),
            bootstrap: "/run/bootstrap.json".into(),
            concurrency: 3,
            drain_time: Duration::from_secs(7),
            listener_drain_time: 600,
        };
        let args = launch.args().join(std::ffi::OsStr::new(" ")).into_string().unwrap();
        for part in
            ["--disable-hot-restart", "--concurrency 3", "--drain-time-s 600", "--config-path /run/bootstrap.json"]
        {
            assert!(args.contains(part), "{args}");
        }
    }
}

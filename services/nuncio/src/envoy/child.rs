//! Starting an Envoy that cannot outlive us.
//!
//! The kernel can kill a process when its parent dies (`PR_SET_PDEATHSIG`), but the process has to ask for that itself,
//! and Envoy does not. So we start ourselves again (`nuncio envoy-child PARENT ENVOY ARG…`), which asks, and then becomes
//! Envoy: the wish outlives `execve`. Asking between `fork` and `execve` would need unsafe code.
//!
//! "Parent" means the thread that started the process (prctl(2)). Threads of the runtime come and go, so [`Spawner`] has
//! one of its own, which lasts as long as it does.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command as StdCommand;
use std::sync::mpsc;
use std::thread;

use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::cli::EnvoyChildArgs;

/// This program, even after its file was replaced by a newer one.
const OURSELVES: &str = "/proc/self/exe";

/// The command that runs `program` until it ends or we do, in a process group of its own: a Ctrl-C in the terminal is
/// for us, who then tell Envoy.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new(OURSELVES);
    command.arg("envoy-child").arg(std::process::id().to_string()).arg(program).process_group(0).kill_on_drop(true);
    command
}

/// Becomes the program that [`command`] named. Gives the reason if that fails.
pub(crate) fn become_envoy(args: &EnvoyChildArgs) -> io::Error {
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        return error.into();
    }
    // A parent that died before we asked sends nothing.
    let parent = getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
    if parent != Some(args.parent) {
        return io::Error::other("the process to die with is dead already");
    }
    StdCommand::new(&args.program).args(&args.args).exec()
}

/// Starts processes on a thread that lives as long as this value. Dropping it kills what it started.
#[derive(Debug)]
pub(crate) struct Spawner {
    orders: mpsc::Sender<Order>,
}

type Order = (Box<Command>, oneshot::Sender<io::Result<Child>>);

impl Spawner {
    /// Must be called inside a tokio runtime, which then waits for the processes.
    pub(crate) fn new() -> io::Result<Self> {
        let (orders, receiver) = mpsc::channel::<Order>();
        let runtime = Handle::current();
        thread::Builder::new().name("envoy-parent".to_owned()).spawn(move || {
            let _context = runtime.enter();
            for (mut command, reply) in receiver {
                // Nobody waiting any more means that the child is dropped, and so killed.
                let _ = reply.send(command.spawn());
            }
        })?;
        Ok(Self { orders })
    }

    /// Starts `command`.
    pub(crate) async fn spawn(&self, command: Command) -> io::Result<Child> {
        let (reply, child) = oneshot::channel();
        let gone = || io::Error::other("the thread that starts processes has ended");
        self.orders.send((Box::new(command), reply)).map_err(|_| gone())?;
        child.await.map_err(|_| gone())?
    }
}

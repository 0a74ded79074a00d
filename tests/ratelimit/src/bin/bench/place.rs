//! Which cores the processes are pinned to: the same for both services.

use std::fmt;

use anyhow::ensure;

/// Numbers of cores.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    cores: usize,
    pub(crate) service: usize,
    pub(crate) redis: usize,
    load: usize,
}

impl Place {
    /// A core for each, as far as there are any; the service has one of its own.
    pub(crate) fn of_this_machine() -> anyhow::Result<Self> {
        let cores = std::thread::available_parallelism()?.get();
        ensure!(cores > 1, "two cores are needed: the load would take time from the service");
        Ok(Self { cores, service: 0, redis: 1, load: 2.min(cores - 1) })
    }

    /// Pins this process, which makes the load, with all its threads.
    pub(crate) fn pin_load(self) -> anyhow::Result<()> {
        let mut command = std::process::Command::new("taskset");
        command.args(["--all-tasks", "--cpu-list", "--pid", &self.load.to_string(), &std::process::id().to_string()]);
        let output = command.output()?;
        ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cores, service, redis, load } = self;
        write!(f, "of {cores} cores the service has number {service} alone, its Redis {redis}, the load {load}")?;
        if load == redis { f.write_str(": Redis and the load share one") } else { Ok(()) }
    }
}

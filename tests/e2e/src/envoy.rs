//! An Envoy that the test starts itself, for a controller that runs alone.

use std::fs;
use std::ops::Deref;
use std::path::PathBuf;
use std::process::Command;

use nuncio_test_support::bootstrap;

use crate::{Process, Site, tools};

/// A running Envoy.
#[derive(Debug)]
pub struct Envoy {
    process: Process,
}

impl Envoy {
    /// Starts one called `name`, whose controller serves xDS at the site's address for that.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start(site: &Site, name: &str) -> Self {
        let config: PathBuf = site.root().join(format!("{name}.json"));
        fs::write(&config, bootstrap(name, site.xds()).to_string()).expect("a file");
        let mut command = Command::new(tools::envoy());
        command.args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning", "--config-path"]);
        Self { process: Process::spawn(command.arg(config)) }
    }
}

impl Deref for Envoy {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

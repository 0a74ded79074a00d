//! Which Envoy to run.

use std::env;
use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

/// The version that the configuration is made for and tested with.
pub(crate) const ENVOY_VERSION: &str = "1.40";
const EXACT: (u32, u32) = (1, 40);

/// The oldest version that is worth a try: older ones reject fields that every configuration here has.
const OLDEST: (u32, u32) = (1, 36);

/// Where the tools of a source tree are kept.
const IN_TREE: &str = ".tools/bin/envoy";

/// An Envoy that runs.
#[derive(Clone, Debug)]
pub(crate) struct Binary {
    /// Where it is.
    pub(crate) path: PathBuf,
    version: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl fmt::Display for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is Envoy {}", self.path.display(), self.version)
    }
}

impl Binary {
    /// Finds an Envoy and asks for its version. `chosen` is used or refused, never replaced.
    pub(crate) fn find(chosen: Option<&Path>) -> anyhow::Result<Self> {
        let path = match chosen {
            Some(path) => path.to_owned(),
            None => candidates().find(|path| is_executable(path)).with_context(|| {
                format!("no Envoy found: looked for {IN_TREE} here and above the nuncio binary, and for envoy in PATH; name one with --envoy")
            })?,
        };
        let binary = Self { version: ask_version(&path)?, path };
        binary.check()?;
        Ok(binary)
    }

    /// Whether it is the version that the configuration is made for.
    pub(crate) fn is_exact(&self) -> bool {
        (self.version.major, self.version.minor) == EXACT
    }

    fn check(&self) -> anyhow::Result<()> {
        let (path, version) = (self.path.display(), self.version);
        let is = (version.major, version.minor);
        if is < OLDEST {
            bail!("{path} is Envoy {version}, which is too old: {}.{} or newer is needed", OLDEST.0, OLDEST.1);
        }
        if is != EXACT {
            tracing::warn!("{path} is Envoy {version}; the configuration is made for {ENVOY_VERSION}");
        }
        Ok(())
    }
}

/// Paths to look at, best first.
fn candidates() -> impl Iterator<Item = PathBuf> {
    let here = env::current_dir().ok().into_iter().map(|dir| dir.join(IN_TREE));
    let binary = env::current_exe().and_then(|path| path.canonicalize()).unwrap_or_default();
    let above: Vec<_> = binary.ancestors().skip(1).map(|dir| dir.join(IN_TREE)).collect();
    let path = env::var_os("PATH").unwrap_or_default();
    let in_path: Vec<_> = env::split_paths(&path).map(|dir| dir.join("envoy")).collect();
    here.chain(above).chain(in_path)
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

fn ask_version(path: &Path) -> anyhow::Result<Version> {
    let output = Command::new(path).arg("--version").output();
    let output = output.with_context(|| format!("cannot run Envoy {}", path.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    parse_version(&text).with_context(|| format!("{} does not seem to be an Envoy", path.display()))
}

/// From `PATH/envoy  version: 0f3a…/1.40.0/Clean/RELEASE/BoringSSL`; a development version has a suffix, `1.41.0-dev`.
fn parse_version(text: &str) -> Option<Version> {
    let [_, number, _, _, _]: [&str; 5] =
        text.trim().rsplit_once("version: ")?.1.split('/').collect::<Vec<_>>().try_into().ok()?;
    let mut parts = number.split(['.', '-']).map(str::parse);
    let mut part = || parts.next()?.ok();
    Some(Version { major: part()?, minor: part()?, patch: part()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_envoy_says() {
        let version = |text| parse_version(text).map(|version| version.to_string());
        assert_eq!(
            version("\n/opt/bin/envoy  version: abc/1.40.0/Clean/RELEASE/BoringSSL\n").as_deref(),
            Some("1.40.0")
        );
        assert_eq!(version("envoy  version: abc/1.41.0-dev/Modified/DEBUG/BoringSSL").as_deref(), Some("1.41.0"));
        assert_eq!(version("nginx version: nginx/1.22.1"), None);
    }

    #[test]
    fn refuses_what_is_too_old() {
        let binary = |minor| Binary { path: "envoy".into(), version: Version { major: 1, minor, patch: 0 } };
        assert!(binary(35).check().is_err());
        assert!(binary(36).check().is_ok() && binary(41).check().is_ok());
    }

    #[test]
    fn a_chosen_binary_is_not_replaced() {
        let error = Binary::find(Some(Path::new("/nowhere/envoy"))).unwrap_err();
        assert!(format!("{error:#}").starts_with("cannot run Envoy /nowhere/envoy"), "{error:#}");
    }
}

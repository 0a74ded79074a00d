//! Which symbolic links a path leads through.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// Links that the kernel follows in one path before it gives up (`ELOOP`, `path_resolution(7)`).
const MAX_LINKS: usize = 40;

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    /// The symbolic links on the way: the real directory (no links in it) that holds each, and its name there.
    pub(super) links: Vec<(PathBuf, OsString)>,
    /// The real path at the end, whether or not there is something.
    pub(super) target: PathBuf,
}

/// Follows `path`, which must be absolute.
pub(super) fn resolve(path: &Path) -> Resolved {
    let mut links = Vec::new();
    let mut real = PathBuf::new();
    let mut rest = parts(path);
    while let Some(part) = rest.pop_front() {
        if part == ".." {
            real.pop();
            continue;
        }
        let next = real.join(&part);
        let Ok(target) = std::fs::read_link(&next) else {
            real = next;
            continue;
        };
        links.push((real.clone(), part));
        if links.len() > MAX_LINKS {
            break;
        }
        if target.is_absolute() {
            real = PathBuf::new();
        }
        for part in parts(&target).into_iter().rev() {
            rest.push_front(part);
        }
    }
    Resolved { links, target: real }
}

fn parts(path: &Path) -> VecDeque<OsString> {
    let keep = |component: &Component<'_>| !matches!(component, Component::CurDir);
    path.components().filter(keep).map(|component| component.as_os_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn names_every_link_on_the_way() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("v1")).unwrap();
        std::fs::write(root.join("v1/a.yaml"), "").unwrap();
        symlink("v1", root.join("data")).unwrap();
        symlink("data/../data/a.yaml", root.join("a.yaml")).unwrap();
        let resolved = resolve(&root.join("a.yaml"));
        assert_eq!(resolved.target, root.join("v1/a.yaml"));
        assert_eq!(resolved.links, ["a.yaml", "data", "data"].map(|name| (root.clone(), OsString::from(name))));
    }

    #[test]
    fn ends_in_a_loop() {
        let dir = tempfile::tempdir().unwrap();
        symlink("b", dir.path().join("a")).unwrap();
        symlink("a", dir.path().join("b")).unwrap();
        assert_eq!(resolve(&dir.path().canonicalize().unwrap().join("a")).links.len(), MAX_LINKS + 1);
    }
}

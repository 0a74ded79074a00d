//! How much memory counters may take, where nobody says.

use std::path::Path;

/// At most so many bytes.
const MOST: usize = 256 << 20;

/// Half of what the process may have, so that nobody ends it for its counters.
pub(super) fn usual() -> usize {
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    limit(&groups, Path::new("/sys/fs/cgroup")).map_or(MOST, |limit| MOST.min(limit / 2))
}

/// The limit of the control groups that the process is in, as `/proc/self/cgroup` has them: the least of its group and those
/// above, of either version. None where there is none, or nobody tells.
fn limit(groups: &str, mount: &Path) -> Option<usize> {
    let of_line = |line: &str| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let (root, file) = match controllers {
            "" => (mount.to_owned(), "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => (mount.join("memory"), "memory.limit_in_bytes"),
            _ => return None,
        };
        // In a container the path may be the host's: then there is the root alone.
        let directories = Path::new(path.trim_start_matches('/')).ancestors().map(|path| root.join(path).join(file));
        directories.filter_map(|file| std::fs::read_to_string(file).ok()?.trim().parse().ok()).min()
    };
    groups.lines().filter_map(of_line).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_limit_of_the_groups_above_counts() {
        let directory = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| {
            let path = directory.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let limit = |groups| limit(groups, directory.path());
        assert_eq!(limit("0::/pods/limits\n"), None, "nobody tells");
        write("pods/limits/memory.max", "max\n");
        assert_eq!(limit("0::/pods/limits\n"), None);
        write("pods/memory.max", "300\n");
        assert_eq!(limit("0::/pods/limits\n"), Some(300));
        write("pods/limits/memory.max", "200\n");
        assert_eq!(limit("0::/pods/limits\n"), Some(200));
        // As a container sees its own.
        write("memory.max", "100\n");
        assert_eq!(limit("0::/\n"), Some(100));

        write("memory/memory.limit_in_bytes", "50\n");
        assert_eq!(limit("4:cpu,cpuacct:/a\n3:memory:/host/only\n"), Some(50));
    }
}

//! Keeping pages in step with their directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::directory::Directory;
use super::{Content, ContentError, Shared};
use crate::catalog;
use crate::gateway::PortalSpec;

/// How often it is looked at. It may be a volume that notices nothing.
const LOOK: Duration = Duration::from_secs(3);

/// Where pages are, what they were when they were last read, and what is wrong.
type Seen = Result<(Directory, u64), String>;

/// Shows what is in the directory `root`, or where in it a DevPortal says. `changed` is told when it is something else, `wish`
/// asks for a look at once.
pub(crate) async fn follow(
    root: Option<PathBuf>,
    catalog: catalog::Shared,
    content: Shared,
    changed: Arc<Notify>,
    wish: Arc<Notify>,
) {
    let mut before: Option<Seen> = None;
    loop {
        let spec = catalog.load().portal.clone();
        let (root, last) = (root.clone(), before.clone());
        let look = tokio::task::spawn_blocking(move || look(root.as_deref(), &spec, last.as_ref()));
        if let Ok(Some((seen, new))) = look.await {
            new.problems.iter().for_each(|problem| tracing::warn!("of the portal's pages: {problem}"));
            before = Some(seen);
            content.store(Arc::new(new));
            changed.notify_one();
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = wish.notified() => {}
        }
    }
}

/// What is there now, if it is not what was seen before.
fn look(root: Option<&Path>, spec: &PortalSpec, before: Option<&Seen>) -> Option<(Seen, Content)> {
    let (url, below) = (spec.content_url.as_deref(), spec.content_dir.as_deref());
    let directory = match root {
        None if url.is_none() && below.is_none() => return nothing(before),
        None => Err(ContentError::NoRoot),
        Some(root) => Directory::new(root, url, below),
    };
    let seen = directory.map(|directory| (directory.mark(), directory)).map_err(|error| error.to_string());
    let seen = seen.map(|(mark, directory)| (directory, mark));
    if before == Some(&seen) {
        return None;
    }
    let content = match &seen {
        Ok((directory, _)) => Content::of(directory.read()),
        Err(why) => Content::missing(why.clone()),
    };
    Some((seen, content))
}

/// Nobody wants pages (any more).
fn nothing(before: Option<&Seen>) -> Option<(Seen, Content)> {
    before.is_some_and(|before| before != &Err(String::new())).then(|| (Err(String::new()), Content::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_and_what_is_the_same_is_not_read_again() {
        let place = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(place.path().join(name), text).unwrap();
        write("a.md", "# A");
        let spec = PortalSpec::default();
        let (seen, content) = look(Some(place.path()), &spec, None).unwrap();
        assert_eq!(content.pages.len(), 1);
        assert!(look(Some(place.path()), &spec, Some(&seen)).is_none());
        write("b.md", "# B");
        assert_eq!(look(Some(place.path()), &spec, Some(&seen)).unwrap().1.pages.len(), 2);
        let elsewhere = PortalSpec { content_dir: Some("none".into()), ..PortalSpec::default() };
        assert_eq!(look(Some(place.path()), &elsewhere, Some(&seen)).unwrap().1.problems.len(), 1);
        let no_root = look(None, &elsewhere, Some(&seen)).unwrap().1;
        assert!(no_root.problems[0].contains("--portal-content"), "{:?}", no_root.problems);
        assert!(look(None, &spec, None).is_none() && look(None, &spec, Some(&seen)).is_some());
    }
}

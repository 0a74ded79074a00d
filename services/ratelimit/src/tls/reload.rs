//! What is made of files, and made again when they change.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::TlsError;
use crate::settings::NamedFile;

/// How often files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

type Make<T> = Box<dyn Fn() -> Result<T, TlsError> + Send + Sync>;

/// What is made of the files as they are now. Where nothing can be made of them, the last one stays.
pub(crate) struct Reloading<T> {
    files: Vec<String>,
    make: Make<T>,
    current: Mutex<Current<T>>,
}

struct Current<T> {
    value: Arc<T>,
    looked: Instant,
    /// When the files were last changed.
    changed: Changed,
}

type Changed = Vec<Option<SystemTime>>;

impl<T> Reloading<T> {
    /// Made by `make` of these files, as far as there are any.
    pub(crate) fn new(
        files: [&NamedFile; 3],
        make: impl Fn() -> Result<T, TlsError> + Send + Sync + 'static,
    ) -> Result<Self, TlsError> {
        let files: Vec<_> = files.into_iter().filter(|file| file.is_named()).map(|file| file.path.clone()).collect();
        // Before they are read: what changes meanwhile is noticed later.
        let changed = changed(&files);
        let current = Mutex::new(Current { value: Arc::new(make()?), looked: Instant::now(), changed });
        Ok(Self { files, make: Box::new(make), current })
    }

    /// Made of the files as they were a second ago, or are now.
    pub(crate) fn get(&self) -> Arc<T> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.looked.elapsed() >= LOOK_EVERY {
            current.looked = Instant::now();
            let changed = changed(&self.files);
            if changed != current.changed {
                match (self.make)() {
                    Ok(value) => (current.value, current.changed) = (Arc::new(value), changed),
                    Err(error) => tracing::warn!("the new certificate cannot be used, the last one stays: {error}"),
                }
            }
        }
        current.value.clone()
    }
}

fn changed(files: &[String]) -> Changed {
    files.iter().map(|path| std::fs::metadata(path).and_then(|file| file.modified()).ok()).collect()
}

//! The Secret that the keys and names of previews are made of, where the policy names none. In a cluster the leader makes it where
//! there is none, and all replicas read it; in a directory every gateway does, and the first counts. What is there is never
//! written over.

use std::fmt::Display;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::PostParams;
use nuncio_auth::crypto;
use nuncio_telemetry::make_file;
use nuncio_translate::PREVIEW_KEYS;
use serde_json::json;

use super::cluster::MANAGED_BY;
use super::place::BELOW;
use crate::engine::Engine;
use crate::run::lock;
use crate::source::kubernetes::Cluster;
use crate::source::kubernetes::backoff::Backoff;

/// How often it is looked whether one is missing in a cluster and in a directory, and how long it is waited at most after a
/// refusal. No URL is told meanwhile.
const LOOK: Duration = Duration::from_secs(1);
const LOOK_HERE: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(60);
/// How long the gateway may take to read one that is there.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where it is made.
#[derive(Clone, Debug)]
pub(super) enum Keys {
    Directory(PathBuf),
    /// Where replicas share it.
    Cluster(Cluster),
}

impl Keys {
    fn look(&self) -> Duration {
        if let Self::Cluster(_) = self { LOOK } else { LOOK_HERE }
    }

    async fn make(&self, namespace: &str) -> Result<(), String> {
        match self {
            Self::Directory(directory) => make_in(directory, namespace),
            Self::Cluster(cluster) => {
                let failed = |error| format!("cannot make the Secret {namespace}/{PREVIEW_KEYS}: {error}");
                make(cluster, namespace).await.map_err(failed)
            }
        }
    }

    /// What is said where there is one, and it is missing all the same.
    fn useless(&self, namespace: &str) -> String {
        match self {
            Self::Directory(directory) => {
                let path = path(directory, namespace);
                format!("keys of previews: {} is there, and holds no Secret that nuncio can use", path.display())
            }
            Self::Cluster(_) => format!("the Secret {namespace}/{PREVIEW_KEYS} is there, and nuncio cannot read it"),
        }
    }
}

/// Where it is in a directory. No Preview has a file that is called so.
fn path(directory: &Path, namespace: &str) -> PathBuf {
    directory.join(BELOW).join(format!("{namespace}.keys.yaml"))
}

/// Makes it in a directory, readable for nobody else, where there is none. Without it previews have names that can be computed,
/// and other keys the next time.
pub(super) fn make_in(directory: &Path, namespace: &str) -> Result<(), String> {
    let path = path(directory, namespace);
    let failed = |what: &str, error: &dyn Display| format!("keys of previews: {} {what}: {error}", path.display());
    // Where that is somebody else's than who runs this one, it is of no use here.
    let is_readable = || File::open(&path).map(drop).map_err(|error| failed("is there, and cannot be read", &error));
    if path.exists() {
        return is_readable();
    }
    let key = crypto::hex(&crypto::random::<32>());
    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": PREVIEW_KEYS, "namespace": namespace },
        "type": "Opaque", "stringData": { "key": key } });
    let below = fs::create_dir_all(directory.join(BELOW));
    let made = below.and_then(|()| make_file(&path, format!("{secret:#}\n").as_bytes(), 0o600));
    match made.map_err(|error| failed("cannot be written", &error))? {
        true => Ok(()),
        // Another was faster.
        false => is_readable(),
    }
}

/// What came of looking so far.
#[derive(Debug, Default)]
struct Looks {
    backoff: Backoff,
    /// Since when there is one, and it is missing all the same.
    useless: Option<Instant>,
    complaint: String,
}

impl Looks {
    /// It was missing, and is made now, or there already, or cannot be made. Gives when the next look is, and what is to be told.
    fn missed(
        &mut self,
        keys: &Keys,
        namespace: &str,
        made: Result<(), String>,
        now: Instant,
    ) -> (Duration, Option<String>) {
        let (least, why) = match made {
            Ok(()) => {
                let since = *self.useless.get_or_insert(now);
                let is_useless = now.duration_since(since) >= PATIENCE;
                (keys.look(), is_useless.then(|| keys.useless(namespace)))
            }
            Err(error) => {
                self.useless = None;
                (LOOK, Some(error))
            }
        };
        let news = why.filter(|why| *why != self.complaint);
        if let Some(news) = &news {
            self.complaint.clone_from(news);
        }
        (least.max(self.backoff.next_up_to(LONGEST)), news)
    }
}

/// Makes it when it is missing. Runs until it is dropped.
pub(super) async fn follow(keys: Keys, engine: Arc<Mutex<Engine>>) {
    let mut looks = Looks::default();
    loop {
        let namespace = lock(&engine).world.lacks_preview_keys();
        let Some(namespace) = namespace else {
            looks = Looks::default();
            tokio::time::sleep(keys.look()).await;
            continue;
        };
        let made = keys.make(&namespace).await;
        let (wait, news) = looks.missed(&keys, &namespace, made, Instant::now());
        if let Some(news) = news {
            tracing::warn!("{news}");
        }
        tokio::time::sleep(wait).await;
    }
}

/// Makes it. Where another was faster, what that one made is good.
async fn make(cluster: &Cluster, namespace: &str) -> Result<(), kube::Error> {
    let secrets: Api<Secret> = Api::namespaced(cluster.client.clone(), namespace);
    match secrets.create(&PostParams::default(), &secret()).await {
        Ok(_) => {
            tracing::info!("the Secret {namespace}/{PREVIEW_KEYS} was made for the keys of previews");
            Ok(())
        }
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        Err(error) => Err(error),
    }
}

fn secret() -> Secret {
    let labels = [("app.kubernetes.io/name", "nuncio"), ("app.kubernetes.io/component", "previews"), MANAGED_BY];
    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let key = ByteString(crypto::random::<32>().to_vec());
    Secret {
        metadata: ObjectMeta {
            name: Some(PREVIEW_KEYS.to_owned()),
            labels: Some(labels.into()),
            ..ObjectMeta::default()
        },
        data: Some([("key".to_owned(), key)].into()),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_directory_keeps_what_keys_are_made_of() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("previews/default.keys.yaml");
        make_in(directory.path(), "default").unwrap();
        let made = fs::read_to_string(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        make_in(directory.path(), "default").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), made, "what is there stays");
    }

    #[test]
    fn one_that_is_there_and_of_no_use_is_told_of_once_and_looked_at_ever_more_seldom() {
        let directory = tempfile::tempdir().unwrap();
        let (below, keys) = (directory.path().join("previews"), Keys::Directory(directory.path().to_owned()));
        fs::create_dir(&below).unwrap();
        fs::write(below.join("default.keys.yaml"), "").unwrap();
        let changed = || fs::metadata(&below).unwrap().modified().unwrap();
        let before = changed();
        let (mut looks, now) = (Looks::default(), Instant::now());
        let mut look = |after: Duration| {
            let made = make_in(directory.path(), "default");
            looks.missed(&keys, "default", made, now + after)
        };
        let (wait, told) = look(Duration::ZERO);
        assert!(wait <= Duration::from_millis(100), "{wait:?}");
        assert_eq!(told, None, "the gateway may not have read it yet");
        let (_, told) = look(PATIENCE);
        let told = told.unwrap();
        assert!(told.contains("default.keys.yaml is there, and holds no Secret that nuncio can use"), "{told}");
        let later: Vec<_> = (1..20).map(|_| look(PATIENCE * 2)).collect();
        assert!(later.iter().all(|(_, told)| told.is_none()), "{later:?}");
        assert!(later.last().unwrap().0 >= LONGEST / 2, "{later:?}");
        assert_eq!(changed(), before, "nothing is written beside it");
        assert_eq!(fs::read_to_string(below.join("default.keys.yaml")).unwrap(), "");
    }

    #[test]
    fn where_it_cannot_be_made_that_is_said() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("previews"), "a file").unwrap();
        let told = make_in(directory.path(), "default").unwrap_err();
        assert!(told.contains("default.keys.yaml cannot be written: "), "{told}");
    }
}

//! Previews in a directory that nobody serves, or somebody else: for commands.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use nuncio_api::{Kind, ObjectId, Problem, Severity};

use super::manifest::Manifest;
use super::rights::in_namespace;
use super::steps::{delete_step, extend_step, is_to_come, keep_generation, keep_source, length, withdraw_step};
use super::store::{Now, Step, Store};
use super::{keys, place, policy};
use crate::admin::{PreviewError, PreviewOutcome};
use crate::clock;
use crate::engine::Engine;
use crate::offline::Offline;
use crate::run::lock;
use crate::source::{Content, FileChange};

/// What is wrong with a Preview that the policy forbids.
const FORBIDDEN: [&str; 2] = ["NotAllowed", "TooManyPreviews"];

/// Makes a Preview be as its manifest says, in the directory that was read.
///
/// # Errors
/// When it is no Preview that could be used, or the policy forbids it, or it cannot be written.
pub fn put_preview(
    offline: Offline,
    directory: &Path,
    (namespace, name): (&str, &str),
    text: &str,
) -> Result<PreviewOutcome, PreviewError> {
    let manifest = Manifest::parse(namespace, name, text)?;
    let (ambassador_id, engine) = offline.into_parts();
    in_namespace(policy(&engine)?.1, namespace)?;
    let engine = Mutex::new(engine);
    let store = Store::unfollowed(directory.to_owned(), ambassador_id);
    store.change(&engine, &manifest.id, |now| {
        is_to_come(&manifest.spec, now.spec())?;
        let mut manifest = store.for_this_instance(&manifest);
        keep_source(&mut manifest.spec, now.spec());
        keep_generation(&mut manifest.spec, now.spec());
        // What somebody wrote by hand stays as it is, whatever is asked for.
        if now.object.is_none_or(|object| store.is_own(object)) {
            is_allowed(&mut lock(&engine), directory, now, &manifest)?;
            make_keys(&lock(&engine), directory)?;
        }
        Ok(Step::Put(manifest.into()))
    })
}

/// Whether the policy lets a Preview say this: it is taken in to be looked at, and then what is in the directory again, so that
/// nothing is written that nobody would be shown. Of too many those that came last are not: one that is shown stays as old as it
/// is.
fn is_allowed(engine: &mut Engine, directory: &Path, now: Now<'_>, manifest: &Manifest) -> Result<(), PreviewError> {
    let file = place::name(&manifest.id);
    let there = fs::read(directory.join(&file)).map_or(Content::Gone, Content::Bytes);
    let created = now.object.filter(|_| !now.times.has_ended).and_then(|object| object.created);
    let new = Manifest { created: Some(created.unwrap_or_else(clock::now)), ..manifest.clone() }.text();
    let mut take_in = |content| {
        engine.ingest(vec![FileChange { file: file.as_str().into(), content }], Instant::now());
        engine.world.problems(&manifest.id)
    };
    let mut problems = take_in(Content::Bytes(new.into_bytes()));
    take_in(there);
    // Of a time that is longer than the policy allows nothing is said where it is served: it is cut.
    problems.extend(engine.world.refused_of_preview(&manifest.id, &manifest.spec));
    let is_forbidden = |it: &&Problem| it.severity == Severity::Error && FORBIDDEN.contains(&it.reason);
    problems.iter().find(is_forbidden).map_or(Ok(()), |why| Err(PreviewError::Forbidden(why.to_string())))
}

/// Its URL stays what it is when a gateway serves it that makes changes.
fn make_keys(engine: &Engine, directory: &Path) -> Result<(), PreviewError> {
    match engine.world.lacks_preview_keys() {
        Some(gateway) => keys::make_in(directory, &gateway).map_err(PreviewError::Conflict),
        None => Ok(()),
    }
}

/// Has a Preview shown for longer, in the directory that was read.
///
/// # Errors
/// When there is none, it cannot be shown for longer, or its file cannot be written.
pub fn extend_preview(
    offline: Offline,
    directory: &Path,
    (namespace, name): (&str, &str),
    ttl: Option<&str>,
) -> Result<PreviewOutcome, PreviewError> {
    let (ambassador_id, engine) = offline.into_parts();
    let id = ObjectId::new(Kind::Preview, namespace, name);
    let (store, length) = (Store::unfollowed(directory.to_owned(), ambassador_id), length(ttl)?);
    store.change(&Mutex::new(engine), &id, |now| extend_step(&id, now, length, false))
}

/// Has no link to a Preview of the directory that was read let anybody in any more.
///
/// # Errors
/// When there is none, nobody sees it by a link, or its file cannot be written.
pub fn withdraw_preview_links(
    offline: Offline,
    directory: &Path,
    (namespace, name): (&str, &str),
) -> Result<PreviewOutcome, PreviewError> {
    let (ambassador_id, engine) = offline.into_parts();
    let id = ObjectId::new(Kind::Preview, namespace, name);
    let store = Store::unfollowed(directory.to_owned(), ambassador_id);
    store.change(&Mutex::new(engine), &id, |now| withdraw_step(&id, now))
}

/// Ends a Preview in the directory that was read. It stays there for a day, so that what is told late of it is known to be late.
/// Gives whether it was shown until now.
///
/// # Errors
/// When its file cannot be written.
pub fn delete_preview(
    offline: Offline,
    directory: &Path,
    (namespace, name): (&str, &str),
) -> Result<bool, PreviewError> {
    let (ambassador_id, engine) = offline.into_parts();
    let id = ObjectId::new(Kind::Preview, namespace, name);
    let store = Store::unfollowed(directory.to_owned(), ambassador_id);
    let outcome = store.change(&Mutex::new(engine), &id, |now| Ok(delete_step(now)))?;
    Ok(outcome == PreviewOutcome::Deleted)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::manifests::Manifests;
    use crate::offline::{OfflineConfig, load};

    /// A directory whose policy says this as well.
    fn directory(more: &Value) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let mut policy = json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": "PreviewPolicy",
            "metadata": {"name": "previews"}, "spec": {"domain": "preview.example", "namespaces": ["*"], "hosts": ["*"],
            "access": ["Public"], "backends": "Any"}});
        policy["spec"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fs::write(directory.path().join("policy.yaml"), policy.to_string()).unwrap();
        directory
    }

    fn preview(name: &str, lifetime: &Value) -> Value {
        json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": "Preview", "metadata": {"name": name, "namespace": "default"},
            "spec": {"services": [{"baseline": "app", "backend": "127.0.0.1:9"}], "access": {"mode": "Public"},
                "entrypoints": [{"name": "web", "host": "shop.example"}], "lifetime": lifetime}})
    }

    async fn read(directory: &Path) -> Offline {
        let config = OfflineConfig {
            ambassador_id: "default".to_owned(),
            namespace: "default".to_owned(),
            expand_environment: false,
            topology: nuncio_translate::Topology::default(),
        };
        Box::pin(load(&Manifests::Directory(directory.to_owned()), &config)).await.unwrap()
    }

    async fn put(directory: &Path, name: &str, manifest: &Value) -> Result<PreviewOutcome, PreviewError> {
        put_preview(read(directory).await, directory, ("default", name), &manifest.to_string())
    }

    #[tokio::test]
    async fn one_that_is_not_valid_is_deleted_and_a_text_that_is_none_stays() {
        let directory = directory(&json!({}));
        let file = directory.path().join("previews/default.tax.json");
        fs::create_dir(directory.path().join("previews")).unwrap();
        let delete = async || delete_preview(read(directory.path()).await, directory.path(), ("default", "tax"));
        let mut invalid = preview("tax", &json!({}));
        invalid["spec"]["access"]["mode"] = json!("Nobody");
        fs::write(&file, invalid.to_string()).unwrap();
        assert_eq!(delete().await, Ok(true));
        assert!(!file.exists());
        assert_eq!(delete().await, Ok(false), "there is none");
        fs::write(&file, "{").unwrap();
        let refused = delete().await;
        assert!(
            matches!(&refused, Err(PreviewError::Conflict(why)) if why.contains("cannot be read in it")),
            "{refused:?}"
        );
        assert!(file.exists());
    }

    #[tokio::test]
    async fn what_a_form_refuses_is_written_nowhere() {
        let directory = directory(&json!({"maxTTL": "2h"}));
        let refused = put(directory.path(), "tax", &preview("tax", &json!({"ttl": "3h"}))).await;
        assert!(
            matches!(&refused, Err(PreviewError::Forbidden(why)) if why.contains("spec.lifetime.ttl")),
            "{refused:?}"
        );
        assert!(!directory.path().join("previews/default.tax.json").exists());
        let made = put(directory.path(), "tax", &preview("tax", &json!({"ttl": "2h"}))).await;
        assert_eq!(made, Ok(PreviewOutcome::Created));
    }

    #[tokio::test]
    async fn of_more_than_there_may_be_by_now_those_that_are_shown_are_changed_still() {
        let directory = directory(&json!({"maxPreviews": 1}));
        fs::create_dir(directory.path().join("previews")).unwrap();
        for (name, created) in [("first", "2026-01-01T00:00:00Z"), ("second", "2026-01-02T00:00:00Z")] {
            let mut preview = preview(name, &json!({}));
            preview["metadata"]["creationTimestamp"] = json!(created);
            fs::write(directory.path().join(format!("previews/default.{name}.json")), preview.to_string()).unwrap();
        }
        let change = async |name: &str| {
            let mut preview = preview(name, &json!({}));
            preview["spec"]["slug"] = json!(format!("another-{name}"));
            put(directory.path(), name, &preview).await
        };
        assert_eq!(change("first").await, Ok(PreviewOutcome::Updated));
        let beyond = change("second").await;
        assert!(matches!(&beyond, Err(PreviewError::Forbidden(why)) if why.contains("as many previews")), "{beyond:?}");
        // One that has ended begins anew, behind all that are there.
        let mut ended = preview("first", &json!({"expiresAt": clock::text(clock::now() - 60)}));
        ended["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
        fs::write(directory.path().join("previews/default.first.json"), ended.to_string()).unwrap();
        let anew = change("first").await;
        assert!(matches!(anew, Err(PreviewError::Forbidden(_))), "{anew:?}");
    }

    #[tokio::test]
    async fn what_the_policy_lets_be_shown_no_more_is_not_brought_back() {
        let directory = directory(&json!({"maxTTL": "2h"}));
        fs::create_dir(directory.path().join("previews")).unwrap();
        let file = directory.path().join("previews/default.tax.json");
        // It ended before the policy has it end, and that time is over as well.
        let mut ended = preview("tax", &json!({"expiresAt": "2020-01-01T01:00:00Z"}));
        ended["metadata"]["creationTimestamp"] = json!("2020-01-01T00:00:00Z");
        fs::write(&file, ended.to_string()).unwrap();
        let back = extend_preview(read(directory.path()).await, directory.path(), ("default", "tax"), Some("1h"));
        let why = "the PreviewPolicy lets it be shown until 2020-01-01T02:00:00Z and no longer";
        assert!(matches!(&back, Err(PreviewError::Conflict(told)) if told == why), "{back:?}");
        assert_eq!(fs::read(&file).unwrap(), ended.to_string().into_bytes(), "it stays as it is");
    }

    #[tokio::test]
    async fn what_is_brought_back_takes_a_place_like_any_other() {
        let directory = directory(&json!({"maxPreviewsPerAuthor": 1}));
        fs::create_dir(directory.path().join("previews")).unwrap();
        let write = |name: &str, author: &str, lifetime: &Value| {
            let mut preview = preview(name, lifetime);
            preview["spec"]["source"] = json!({"author": author, "authorIssuer": "https://people.example"});
            fs::write(directory.path().join(format!("previews/default.{name}.json")), preview.to_string()).unwrap();
        };
        let extend = async |ttl: &str| {
            extend_preview(read(directory.path()).await, directory.path(), ("default", "over"), Some(ttl))
        };
        write("over", "ann", &json!({"expiresAt": clock::text(clock::now() - 60)}));
        write("other", "ann", &json!({}));
        let refused = extend("1h").await;
        let why = "who made it has as many previews as the PreviewPolicy allows, 1";
        assert!(matches!(&refused, Err(PreviewError::Conflict(told)) if told == why), "{refused:?}");
        write("other", "bob", &json!({}));
        assert_eq!(extend("1h").await, Ok(PreviewOutcome::Updated));
        // One that is shown has its place, also where there are too many by now.
        write("other", "ann", &json!({}));
        assert_eq!(extend("2h").await, Ok(PreviewOutcome::Updated));
    }
}

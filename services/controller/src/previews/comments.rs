//! One comment on each pull request that has a preview, which says how it is now.
//!
//! What should stand there follows from what the gateway has; it is compared with what was written last, and written where it
//! differs. A marker that nobody sees finds the comment again after a restart.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nuncio_api::{Kind, ObjectId, PreviewRepository};

use super::forge::{Comments, ForgeError, client};
use super::{policy, secret, spec};
use crate::admin::PreviewView;
use crate::engine::Engine;
use crate::run::lock;
use crate::view::preview_view;

/// How often it is looked whether something has changed.
const LOOK: Duration = Duration::from_secs(1);
/// How long after a failure it is tried again, the first time, and at most.
const RETRY: Duration = Duration::from_secs(5);
const LONGEST_RETRY: Duration = Duration::from_secs(600);

/// A comment that should be there.
#[derive(Clone, Debug)]
struct Wanted {
    repository: PreviewRepository,
    token: String,
    number: u64,
    body: String,
}

/// What is known of a comment.
#[derive(Debug, Default)]
struct Known {
    id: Option<u64>,
    /// What it says.
    body: String,
    failures: u32,
    not_before: Option<Instant>,
}

/// Keeps comments in step with previews. Runs until it is dropped.
pub(crate) async fn follow(engine: Arc<Mutex<Engine>>) {
    let client = match client() {
        Ok(client) => client,
        Err(error) => return tracing::error!("no comments are written on pull requests: {error}"),
    };
    let (mut wanted, mut known) = (BTreeMap::<ObjectId, Wanted>::new(), BTreeMap::<ObjectId, Known>::new());
    let mut edition = None;
    let mut tick = tokio::time::interval(LOOK);
    loop {
        tick.tick().await;
        let now = lock(&engine).edition;
        if edition != Some(now) {
            edition = Some(now);
            let (new, old) = (all(&lock(&engine)), std::mem::take(&mut wanted));
            known.retain(|id, known| new.contains_key(id) || known.body != farewell(id));
            let gone = old.into_iter().filter(|(id, _)| known.contains_key(id));
            wanted = gone.map(|(id, it)| (id.clone(), Wanted { body: farewell(&id), ..it })).collect();
            wanted.extend(new);
        }
        for (id, wanted) in &wanted {
            keep(&client, id, wanted, known.entry(id.clone()).or_default()).await;
        }
    }
}

/// Brings a comment in step.
async fn keep(client: &reqwest::Client, id: &ObjectId, wanted: &Wanted, known: &mut Known) {
    let is_early = known.not_before.is_some_and(|time| Instant::now() < time);
    if known.body == wanted.body || is_early {
        return;
    }
    let Wanted { repository, token, number, body } = wanted;
    let comments = Comments { client, repository, token, number: *number };
    match write(&comments, known.id, &marker(id), body).await {
        Ok(comment) => *known = Known { id: Some(comment), body: body.clone(), ..Known::default() },
        Err(error) => {
            tracing::warn!("the comment on {} {number} of {id}: {error}", repository.name);
            let wait = RETRY.saturating_mul(1 << known.failures.min(7)).min(LONGEST_RETRY);
            let failures = known.failures + 1;
            // It may have been deleted: then it is looked for again.
            *known = Known {
                id: None,
                failures,
                not_before: Some(Instant::now() + wait),
                body: std::mem::take(&mut known.body),
            };
        }
    }
}

async fn write(comments: &Comments<'_>, id: Option<u64>, marker: &str, body: &str) -> Result<u64, ForgeError> {
    if let Some(id) = id {
        return comments.update(id, body).await.map(|()| id);
    }
    match comments.find(marker).await? {
        Some(comment) if comment.says(body) => Ok(comment.id),
        Some(comment) => comments.update(comment.id, body).await.map(|()| comment.id),
        None => comments.create(body).await,
    }
}

/// The comments that should be there.
fn all(engine: &Engine) -> BTreeMap<ObjectId, Wanted> {
    let Ok((policy_id, policy)) = policy(engine) else { return BTreeMap::new() };
    let previews = engine.world.objects().filter(|object| object.id.kind == Kind::Preview);
    let wanted = previews.filter_map(|object| {
        let source = spec(engine, &object.id)?.source?;
        // Whoever writes a Preview says what it is of; the policy, where that is so.
        let repository = policy.repositories.iter().find(|it| {
            it.provider == source.provider
                && source.repository.as_ref() == Some(&it.name)
                && *it.namespace == *object.id.namespace
        })?;
        let token = secret(engine, policy_id, repository)?.text(PreviewRepository::TOKEN)?.to_owned();
        let has_ended = engine.world.preview_has_ended(&object.id, false);
        let body = if has_ended { farewell(&object.id) } else { body(&object.id, &preview_view(engine, object)) };
        Some((object.id.clone(), Wanted { repository: repository.clone(), token, number: source.pull_request?, body }))
    });
    wanted.collect()
}

/// What the comment begins with. Nobody sees it.
fn marker(id: &ObjectId) -> String {
    format!("<!-- nuncio-preview {}/{} -->", id.namespace, id.name)
}

fn body(id: &ObjectId, preview: &PreviewView) -> String {
    let mut lines = vec![marker(id), format!("### Preview {}", code(&id.name)), String::new()];
    if preview.urls.is_empty() {
        lines.push("It cannot be seen yet.".to_owned());
    }
    lines.extend(preview.urls.iter().map(|url| format!("- {}: {}", code(&url.baseline), url.url)));
    lines.push(String::new());
    let replaced = preview.services.iter();
    lines.extend(replaced.map(|service| format!("{} is {}.", code(&service.baseline), code(&service.backend))));
    let commit = preview.source.as_ref().and_then(|source| source.commit.as_deref());
    lines.extend(commit.map(|commit| format!("Commit {}.", code(commit))));
    lines.push(match &*preview.access {
        "Public" => "Whoever knows the address can see it.".to_owned(),
        _ => "It asks who you are.".to_owned(),
    });
    let problems = preview.problems.iter().take(5);
    lines.extend(problems.map(|problem| format!("\n**{}**: {}", problem.reason, code(&problem.message))));
    lines.join("\n") + "\n"
}

fn farewell(id: &ObjectId) -> String {
    format!("{}\n### Preview {}\n\nIt is gone.\n", marker(id), code(&id.name))
}

/// A stranger's text, of which nothing is markup.
fn code(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c == '`' || c.is_control() { ' ' } else { c }).collect();
    format!("`{}`", plain.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_holds_no_markup_of_strangers() {
        assert_eq!(code("a`b\n<!-- x -->"), "`a b <!-- x -->`");
        let id = ObjectId::new(Kind::Preview, "shop", "pr-1");
        assert!(farewell(&id).starts_with("<!-- nuncio-preview shop/pr-1 -->\n"));
    }
}

//! What a person does in a real browser, told by a script of its own: see `tests/support/browser/story.mjs`.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::{DEADLINE, Process, within};

/// Has the story at `script` told with these settings, and gives what was seen.
///
/// # Panics
/// If it cannot be told to its end.
pub async fn story(script: &Path, settings: &Value) -> Value {
    let mut node = Process::spawn(Command::new("node").arg(script).arg(settings.to_string()));
    let ended = within(9 * DEADLINE, "the story ends", async || node.ended().ok_or("it is being told")).await;
    assert!(ended.success(), "{}: {ended}", script.display());
    let seen = node.line(&["{"]).await;
    serde_json::from_str(&seen).unwrap_or_else(|error| panic!("{error}: {seen}"))
}

//! Notices that some objects changed, without keeping them: for whoever then looks for himself.

use std::sync::Arc;

use kube::Client;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

use super::reflector::{Message, Reflector, Selection, Told};
use super::resources::ApiKind;

/// Messages that may wait: they only say that there is something to look at.
const QUEUED: usize = 16;

/// Watches for as long as it is there.
#[derive(Debug)]
pub(crate) struct Notice {
    _tasks: JoinSet<()>,
}

impl Notice {
    /// Wakes `wake` whenever an object of the selection comes, changes or goes whose name `matters`. What keeps the watch from working is not
    /// told: whoever looks for himself finds that out.
    pub(crate) fn of(
        client: &Client,
        api: ApiKind,
        selection: Selection,
        matters: fn(&str) -> bool,
        wake: Arc<Notify>,
    ) -> Self {
        let (messages, received) = mpsc::channel(QUEUED);
        let reflector = Reflector::of(api, client.clone(), selection, messages);
        let mut tasks = JoinSet::new();
        tasks.spawn(reflector.run());
        tasks.spawn(listen(received, matters, wake));
        Self { _tasks: tasks }
    }
}

async fn listen(mut messages: mpsc::Receiver<Message>, matters: fn(&str) -> bool, wake: Arc<Notify>) {
    while let Some(message) = messages.recv().await {
        let (Told::Object(super::Item { file, .. }) | Told::Gone(file)) = message.told else { continue };
        if file.rsplit('/').next().is_some_and(matters) {
            wake.notify_one();
        }
    }
}

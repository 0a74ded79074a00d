//! A reflector for each kind that is watched.

use std::sync::Arc;

use kube::Client;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::arrivals::Arrivals;
use super::discovery::Discovery;
use super::reflector::{Message, Reflector, Selection};
use super::resources::{ApiKind, Depth};

/// Begins them; they end when the tasks are dropped.
pub(super) fn follow(
    client: &Client,
    kinds: &[ApiKind],
    selection: &Arc<Selection>,
    messages: &mpsc::Sender<Message>,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let (discovery, arrivals) = (Arc::<Discovery>::default(), Arc::new(Arrivals::of(kinds)));
    if selection.namespace.is_none() {
        // Definitions are the cluster's.
        arrivals.watch(client, &mut tasks);
    }
    for (index, api) in kinds.iter().enumerate() {
        let selection = match api.depth {
            Depth::Whole => Arc::clone(selection),
            Depth::Metadata => Arc::new(selection.of_named()),
        };
        let reflector = Reflector {
            index,
            api: *api,
            client: client.clone(),
            selection,
            discovery: Arc::clone(&discovery),
            arrivals: Arc::clone(&arrivals),
            messages: messages.clone(),
        };
        tasks.spawn(reflector.run());
    }
    tasks
}

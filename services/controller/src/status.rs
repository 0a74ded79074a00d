//! The status of objects: what the controller makes of them, written where `kubectl` shows it.
//!
//! ```text
//!  engine ──► touched ──► queue ──► look ──► desired ──► differs? ──► PATCH …/status
//!                           ▲                               │
//!            watches ──► held (digests) ◄───────────────────┘
//! ```
//!
//! - Written by the replica that leads, and by no other; one that loses the lead breaks off what it writes. One whose Envoys are
//!   all gone waits for another to take the lead, before it says so of every object.
//! - Compared with what the watches say the API server has: nothing that is there is written, so its own writes, coming back as
//!   events, change nothing, and at rest there are no calls.
//! - Applied server-side under a field manager of its own: what others write into a status stays.
//! - Of an object for several instances, one for which it waits for something says nothing over the word of another.
//! - An Ingress has no conditions: its status is the address of the gateway, and what is wrong with it is an event.
//! - Rules for tools that know nothing of Nuncio: `observedGeneration`, and kstatus' `Stalled` and `Reconciling`.

mod api;
mod condition;
mod desired;
mod events;
mod held;
mod look;
mod published;
mod queue;
mod reasons;
mod rules;
mod touched;
mod writer;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use kube::Client;
use nuncio_api::Kind;

pub(crate) use self::api::FIELD_MANAGER;
pub(crate) use self::held::Held;
pub use self::published::ServiceName;
pub(crate) use self::touched::Touched;

use self::events::Recorder;
use self::published::Published;
use self::queue::Queue;
use self::writer::{Limits, Writer};
use crate::engine::Engine;
use crate::leader::{Leadership, Standing};
use crate::run::lock;
use crate::source::kubernetes::backoff::Backoff;

/// Which statuses are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusOptions {
    /// Those of Mappings too (`AMBASSADOR_UPDATE_MAPPING_STATUS`): with very many Mappings, some would rather not.
    pub mappings: bool,
    /// The Service by which Ingresses are reached. Without a name the one that has the original's label.
    pub service: Option<ServiceName>,
}

impl Default for StatusOptions {
    /// All of them. The original has to be told to write those of Mappings.
    fn default() -> Self {
        Self { mappings: true, service: None }
    }
}

/// Writes statuses for as long as it is polled, for a gateway in `namespace`.
pub(crate) async fn write(
    options: StatusOptions,
    namespace: &str,
    engine: Arc<Mutex<Engine>>,
    held: Arc<Held>,
    client: Client,
    leadership: Leadership,
    standing: Standing,
) {
    let metrics = lock(&engine).metrics.clone();
    let writer = Writer {
        engine,
        metrics,
        held,
        client,
        except: (!options.mappings).then_some(Kind::Mapping),
        published: Published::new(namespace, options.service),
        queue: Queue::default(),
        given_away: BTreeMap::new(),
        recorder: Recorder::new(leadership.identity(), Instant::now()),
        backoff: Backoff::default(),
        paused: None,
        limits: Limits::default(),
        told: BTreeMap::new(),
        said: BTreeMap::new(),
    };
    writer.run(leadership, standing).await;
}

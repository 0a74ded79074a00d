//! What filters need of others and cannot have, as the authentication services say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::{Kind, ObjectId, Problem};
use nuncio_ir::auth::{FilterId, TROUBLES_KEY, Trouble};
use nuncio_xds::{StreamId, Word};

use super::Engine;
use crate::event::Event;

/// Of each service that said so.
pub(super) type Troubles = BTreeMap<StreamId, Vec<Trouble>>;

impl Engine {
    /// An authentication service says what it cannot have. Nobody else has anything to say.
    pub(super) fn told(&mut self, stream: StreamId, says: &[Word]) -> Vec<Event> {
        let text = says.iter().find(|(key, _)| **key == *TROUBLES_KEY).map(|(_, text)| text);
        let Some(text) = text.filter(|_| self.deciders.contains_key(&stream)) else { return Vec::new() };
        match serde_json::from_str(text) {
            Ok(troubles) => self.note_troubles(stream, troubles),
            Err(error) => {
                tracing::warn!("what an authentication service says of its troubles is not understood: {error}");
                Vec::new()
            }
        }
    }

    /// Knows these troubles of a service from now on, and no others of it.
    pub(super) fn note_troubles(&mut self, stream: StreamId, troubles: Vec<Trouble>) -> Vec<Event> {
        let before =
            if troubles.is_empty() { self.troubles.remove(&stream) } else { self.troubles.insert(stream, troubles) };
        let now = self.troubles.get(&stream).into_iter().flatten();
        let concerned: BTreeSet<_> =
            before.iter().flatten().chain(now).flat_map(|trouble| objects(&trouble.filter)).collect();
        let concerned: Vec<_> = concerned.into_iter().filter(|id| self.world.object(id).is_some()).collect();
        let mut events = self.new_problems(&[], &concerned);
        events.extend(self.mended());
        events
    }

    /// What a Filter needs and cannot have. Where several services say so, as the first found it.
    pub(super) fn troubles_of(&self, id: &ObjectId) -> impl Iterator<Item = Problem> {
        let mut first: BTreeMap<&Arc<str>, &Trouble> = BTreeMap::new();
        for trouble in self.troubles.values().flatten().filter(|trouble| objects(&trouble.filter).contains(id)) {
            let known = first.entry(&trouble.url).or_insert(trouble);
            if trouble.since < known.since {
                *known = trouble;
            }
        }
        first.into_values().map(problem).collect::<Vec<_>>().into_iter()
    }
}

/// The Filters of an id, which is `NAME.NAMESPACE`: one of either group.
fn objects(id: &FilterId) -> [ObjectId; 2] {
    let (name, namespace) = id.0.rsplit_once('.').unwrap_or((&id.0, ""));
    [Kind::Filter, Kind::GatewayFilter].map(|kind| ObjectId::new(kind, namespace, name))
}

fn problem(Trouble { filter: _, field, url, why, since, has_old }: &Trouble) -> Problem {
    let since = i64::try_from(*since).ok().and_then(|since| jiff::Timestamp::from_second(since).ok());
    let since = since.map(|since| format!(" since {since}")).unwrap_or_default();
    let meanwhile = if *has_old {
        "what was fetched before is used meanwhile"
    } else if field.starts_with("spec.External") {
        "`failure_mode_allow` and `status_on_error` say what becomes of requests meanwhile"
    } else {
        "requests that need it are answered 503 meanwhile"
    };
    Problem::warning(
        "ProviderUnavailable",
        field.as_ref().to_owned(),
        format!("{url} fails{since}: {why}; {meanwhile}"),
    )
}

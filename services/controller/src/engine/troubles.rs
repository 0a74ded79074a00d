//! What filters need of others and cannot have, as the authentication services say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nuncio_api::{Kind, ObjectId, Problem, Spec};
use nuncio_ir::auth::{FilterId, TROUBLES_KEY, Trouble};
use nuncio_xds::{StreamId, Word};

use super::Engine;
use crate::event::Event;

/// By the Filters that they are of, with the services that said so.
pub(super) type Troubles = BTreeMap<ObjectId, Vec<(StreamId, Trouble)>>;

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
        let concerned = replace(&mut self.troubles, stream, troubles);
        let concerned: Vec<_> = concerned.into_iter().filter(|id| self.world.object(id).is_some()).collect();
        let mut events = self.new_problems(&[], &concerned);
        events.extend(self.mended());
        events
    }

    /// What a Filter needs and cannot have. Where several services say so, as the first found it.
    pub(super) fn troubles_of(&self, id: &ObjectId) -> impl Iterator<Item = Problem> {
        let known = self.troubles.get(id).map(Vec::as_slice).unwrap_or_default();
        let spec = self.world.object(id).map(|object| &object.spec);
        first(known).map(|trouble| as_in(spec, problem(trouble))).collect::<Vec<_>>().into_iter()
    }
}

/// Puts these troubles of a service in place of all others of it. Which Filters that concerns.
fn replace(known: &mut Troubles, stream: StreamId, troubles: Vec<Trouble>) -> BTreeSet<ObjectId> {
    let mut concerned = BTreeSet::new();
    known.retain(|id, of_filter| {
        let before = of_filter.len();
        of_filter.retain(|(service, _)| *service != stream);
        if of_filter.len() != before {
            concerned.insert(id.clone());
        }
        !of_filter.is_empty()
    });
    for trouble in troubles {
        for id in objects(&trouble.filter) {
            known.entry(id.clone()).or_default().push((stream, trouble.clone()));
            concerned.insert(id);
        }
    }
    concerned
}

/// Of each address that fails what was found first.
fn first(known: &[(StreamId, Trouble)]) -> impl Iterator<Item = &Trouble> {
    let mut first: BTreeMap<&Arc<str>, &Trouble> = BTreeMap::new();
    for (_, trouble) in known {
        let known = first.entry(&trouble.url).or_insert(trouble);
        if (trouble.since, &trouble.why) < (known.since, &known.why) {
            *known = trouble;
        }
    }
    first.into_values()
}

/// The Filters of an id, which is `NAME.NAMESPACE`: one of either group.
fn objects(id: &FilterId) -> [ObjectId; 2] {
    let (name, namespace) = id.0.rsplit_once('.').unwrap_or((&id.0, ""));
    [Kind::Filter, Kind::GatewayFilter].map(|kind| ObjectId::new(kind, namespace, name))
}

/// The problem where the object says it: services do not know whether a password stands in a Secret.
fn as_in(spec: Option<&Spec>, problem: Problem) -> Problem {
    let is_named = match spec {
        Some(Spec::Filter(filter)) => filter.oauth2.as_ref().is_some_and(|oauth2| oauth2.secret_name.is_some()),
        _ => false,
    };
    match &*problem.field {
        "spec.OAuth2.secret" if is_named => Problem { field: "spec.OAuth2.secretName".to_owned(), ..problem },
        _ => problem,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(filter: &str, url: &str, since: u64) -> Trouble {
        let why = format!("since {since}").into();
        Trouble {
            filter: FilterId(filter.into()),
            field: "spec.JWT.jwksURI".into(),
            url: url.into(),
            why,
            since,
            has_old: false,
        }
    }

    #[test]
    fn a_client_that_is_not_taken_is_told_of_where_its_password_is_named() {
        let oauth2 = |secret_name: Option<&str>| {
            let oauth2 = nuncio_api::OAuth2Filter { secret_name: secret_name.map(str::to_owned), ..Default::default() };
            Spec::Filter(Box::new(nuncio_api::Filter { oauth2: Some(Box::new(oauth2)), ..Default::default() }))
        };
        let field = |spec: &Spec| as_in(Some(spec), Problem::warning("X", "spec.OAuth2.secret", "x")).field;
        assert_eq!(field(&oauth2(Some("s"))), "spec.OAuth2.secretName");
        assert_eq!(field(&oauth2(None)), "spec.OAuth2.secret");
    }

    #[test]
    fn a_service_takes_back_what_it_alone_said() {
        let (mut known, one, other) = (Troubles::new(), StreamId(1), StreamId(2));
        let [login, keys] = ["login.shop", "keys.shop"].map(|id| objects(&FilterId(id.into())));
        let both: BTreeSet<_> = login.iter().chain(&keys).cloned().collect();
        assert_eq!(replace(&mut known, one, vec![trouble("login.shop", "a", 9), trouble("keys.shop", "a", 9)]), both);
        let of_login = BTreeSet::from(login.clone());
        assert_eq!(
            replace(&mut known, other, vec![trouble("login.shop", "a", 7), trouble("login.shop", "b", 8)]),
            of_login
        );
        let since = |known: &Troubles| first(&known[&login[0]]).map(|trouble| trouble.since).collect::<Vec<_>>();
        assert_eq!(since(&known), [7, 8], "by address, as who found it first says");
        assert_eq!(replace(&mut known, other, Vec::new()), of_login);
        assert_eq!(since(&known), [9]);
        assert_eq!(replace(&mut known, one, Vec::new()), both);
        assert!(known.is_empty());
    }
}

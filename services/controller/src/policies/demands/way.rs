//! The way of a request through filters.

use std::cell::Cell;

use nuncio_ir::Model;
use nuncio_ir::auth::{FilterKind, FilterRef, Grant, HeaderCondition, KeySource, OnAllow, OnDeny};

use super::guess::Guess;
use super::known::{Headers, Known};
use super::{Demands, Wanted};

/// What follows the last filter: whether any has let the request through, and the headers then.
type End<'e, T> = &'e dyn Fn(bool, &Headers) -> Demands<T>;

/// How a request goes that has these headers.
pub(super) struct Way<'w> {
    model: &'w Model,
    guess: &'w Guess<'w>,
    /// How many filters may still be looked at.
    steps: &'w Cell<usize>,
}

/// Who shows a filter what it wants to be shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shower {
    Nobody,
    /// A filter before has written it.
    Gateway,
    Client,
}

impl<'w> Way<'w> {
    pub(super) fn new(model: &'w Model, guess: &'w Guess<'w>, steps: &'w Cell<usize>) -> Self {
        Self { model, guess, steps }
    }

    /// What leads through a gate and a rule.
    pub(super) fn through<T: Wanted>(&self, gate: &[FilterRef], rule: &[FilterRef]) -> Demands<T> {
        self.go(gate, false, &Headers::default(), &|is_allowed, headers| match is_allowed || gate.is_empty() {
            true => self.go(rule, false, headers, &|_, _| Demands::nothing()),
            false => Demands::nobody(),
        })
    }

    fn go<T: Wanted>(&self, filters: &[FilterRef], is_allowed: bool, headers: &Headers, end: End<'_, T>) -> Demands<T> {
        let Some((used, rest)) = filters.split_first() else { return end(is_allowed, headers) };
        let Some(steps) = self.steps.get().checked_sub(1) else { return Demands::unknown() };
        self.steps.set(steps);
        self.by(used.if_request_header.as_ref(), headers, &|is_asked, headers| match is_asked {
            true => self.ask(used, rest, is_allowed, headers, end),
            false => self.go(rest, is_allowed, headers, end),
        })
    }

    /// What follows by whether a condition holds.
    fn by<T: Wanted>(&self, condition: Option<&HeaderCondition>, headers: &Headers, then: End<'_, T>) -> Demands<T> {
        let Some(condition) = condition else { return then(true, headers) };
        match headers.holds(condition) {
            None => then(self.guess.holds(condition), headers),
            Some(Ok(holds)) => then(holds, headers),
            Some(Err(cases)) => Demands::whichever(cases.map(|(holds, headers)| then(holds, &headers))),
        }
    }

    fn ask<T: Wanted>(
        &self,
        used: &FilterRef,
        rest: &[FilterRef],
        is_allowed: bool,
        headers: &Headers,
        end: End<'_, T>,
    ) -> Demands<T> {
        let allow = |headers: &Headers| match used.on_allow {
            OnAllow::Break => end(true, headers),
            OnAllow::Continue => self.go(rest, true, headers, end),
        };
        let denied = match used.on_deny {
            OnDeny::Break => Demands::nobody(),
            OnDeny::Continue => self.go(rest, is_allowed, headers, end),
        };
        let Some(kind) = self.model.filters.get(&used.filter).map(|filter| &filter.kind) else { return denied };
        let shown = self.shown(kind, used, headers);
        let allowed = shown.map_or_else(Demands::nobody, |shown| shown.and(&allow(&headers.after(kind))));
        let instead = match (kind, &used.arguments.instead_of_redirect) {
            (FilterKind::OAuth2(_), Some(instead)) if !instead.filters.is_empty() => instead,
            _ => return denied.or(allowed),
        };
        let decided = self.by(instead.if_request_header.as_ref(), headers, &|is_meant, headers| match is_meant {
            true => self.go(&instead.filters, false, headers, &|is_decided, headers| match is_decided {
                true => allow(headers),
                false => self.go(rest, is_allowed, headers, end),
            }),
            false => Demands::nobody(),
        });
        denied.or(allowed).or(decided)
    }

    /// What the client shows a filter that lets it through; `None` where nobody can show it.
    fn shown<T: Wanted>(&self, kind: &FilterKind, used: &FilterRef, headers: &Headers) -> Option<Demands<T>> {
        let wanted = Demands::one(T::of(kind, used)?);
        match self.shower(kind, headers) {
            Shower::Nobody => None,
            Shower::Gateway => Some(Demands::nothing()),
            Shower::Client => Some(wanted),
        }
    }

    fn shower(&self, kind: &FilterKind, headers: &Headers) -> Shower {
        let by = |name: &str| match headers.get(&name.to_ascii_lowercase()) {
            Some(Known::Missing) => Shower::Nobody,
            Some(Known::Text(_) | Known::Written) => Shower::Gateway,
            None if !self.guess.may_have(&name.to_ascii_lowercase()) => Shower::Nobody,
            None | Some(Known::Unclear) => Shower::Client,
        };
        match kind {
            FilterKind::Jwt(_) | FilterKind::Introspection(_) | FilterKind::Basic(_) => by("authorization"),
            FilterKind::ApiKey(keys) => {
                let of_each = keys.sources.iter().map(|source| match source {
                    KeySource::Header(name) => by(name),
                    KeySource::Authorization(_) => by("authorization"),
                    KeySource::Cookie(_) => by("cookie"),
                    KeySource::Query(_) => Shower::Client,
                });
                of_each.max().unwrap_or(Shower::Nobody)
            }
            FilterKind::OAuth2(oauth2) => match &oauth2.grant {
                Grant::AuthorizationCode(_) => by("cookie"),
                Grant::ClientCredentials | Grant::Password { .. } => Shower::Client,
            },
            FilterKind::External(_) | FilterKind::ShareLink(_) | FilterKind::Invalid { .. } => Shower::Client,
        }
    }
}

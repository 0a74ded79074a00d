//! Kinds by whose objects somebody is shut out. Where one of them was evidently meant and cannot be read, what it may have
//! closed must not be open: a slip of the pen is no permission.

use crate::Kind;
use crate::parse::is_of_our_group;
use crate::text::closest;

/// The reason of what stands in for a document that cannot be read and was meant as such a kind.
pub const UNREADABLE_GUARD: &str = "UnreadableGuard";

/// A kind that shuts somebody out.
#[derive(Debug)]
pub struct Guard {
    /// The kind.
    pub kind: Kind,
    /// Fields of its spec that no other kind has: they tell what was meant where no kind can be read.
    fields: &'static [&'static str],
    /// Its name says nothing else in a manifest (`Host` is a header's name too).
    is_word: bool,
    /// What is closed until the object can be read, for people: "cannot be read: …".
    pub meanwhile: &'static str,
}

/// Every such kind; those that close more come first.
pub const GUARDS: [Guard; 4] = [
    Guard {
        kind: Kind::AuthService,
        fields: &["auth_service", "allowed_authorization_headers", "allowed_request_headers", "status_on_error"],
        is_word: true,
        meanwhile: "every request that it may have been asked about is refused until it can be",
    },
    Guard {
        kind: Kind::FilterPolicy,
        fields: &["rules"],
        is_word: true,
        meanwhile: "every request that it may be for is refused until it can be",
    },
    Guard {
        kind: Kind::Host,
        fields: &["acmeProvider", "mappingSelector", "requestPolicy", "tlsSecret"],
        is_word: false,
        meanwhile: "its name, if that can be told, and no name without a Host is served until it can be",
    },
    Guard {
        kind: Kind::TLSContext,
        fields: &["secret_namespacing"],
        is_word: true,
        meanwhile: "no Host that it is for is served until it can be",
    },
];

impl Guard {
    /// What is known of a kind, if it is such a one.
    #[must_use]
    pub fn of(kind: Kind) -> Option<&'static Self> {
        // Policies of both groups close the same.
        let kind = if kind.is_filter_policy() { Kind::FilterPolicy } else { kind };
        GUARDS.iter().find(|guard| guard.kind == kind)
    }

    /// The guard that was meant by a kind as it is written.
    pub(crate) fn meant(kind: &str) -> Option<&'static Self> {
        let kinds: Vec<_> = Kind::ALL.into_iter().filter(|kind| kind.is_ours()).map(Kind::as_str).collect();
        closest(kind, &kinds).and_then(Kind::from_name).and_then(Self::of)
    }

    /// The guard that alone has one of the fields that there are.
    pub(crate) fn with_field(is_there: &dyn Fn(&str) -> bool) -> Option<&'static Self> {
        GUARDS.iter().find(|guard| guard.fields.iter().any(|field| is_there(field)))
    }

    /// The guard that was meant by a text that cannot be parsed: by any `kind` in it, whatever stands around that; where no
    /// `kind` can be read either, but the text speaks of our group, by fields and by its name.
    pub(crate) fn in_text(text: &str) -> Option<&'static Self> {
        let lines = || text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let kinds: Vec<_> = lines().flat_map(|line| values(line, "kind")).filter(|kind| !kind.is_empty()).collect();
        let named = GUARDS
            .iter()
            .find(|guard| kinds.iter().any(|kind| Self::meant(kind).is_some_and(|is| is.kind == guard.kind)));
        let is_ours = || lines().flat_map(words).any(|word| word.contains('.') && is_of_our_group(word));
        if named.is_some() || !kinds.is_empty() || !is_ours() {
            return named;
        }
        let has = |guard: &&Self| {
            let has_field =
                || lines().any(|line| guard.fields.iter().any(|field| values(line, field).next().is_some()));
            let has_name = || lines().flat_map(words).any(|word| word == guard.kind.as_str());
            has_field() || guard.is_word && has_name()
        };
        GUARDS.iter().find(has)
    }
}

/// The words of a line.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !is_word(c)).filter(|word| !word.is_empty())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// What stands behind `key:` in a line, in block, flow or JSON form, up to the end of a word; it may be empty.
fn values<'l>(line: &'l str, key: &'l str) -> impl Iterator<Item = &'l str> {
    line.match_indices(key).filter_map(move |(at, _)| {
        if line[..at].chars().next_back().is_some_and(is_word) {
            return None;
        }
        let rest = line[at + key.len()..].trim_start_matches(['"', '\'']).trim_start();
        let value = rest.strip_prefix(':')?.trim_start().trim_start_matches(['"', '\'']);
        Some(value.split(|c| !is_word(c)).next().unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::Guard;
    use crate::Kind;

    #[test]
    fn what_was_meant_is_told_from_the_ruins() {
        let auth = Some(Kind::AuthService);
        let table = [
            ("kind: AuthService\nspec: 'open", auth),
            ("kind: 'AuthService\nspec: {}", auth),
            ("kind: AuthServce\nspec: [", auth),
            ("kind: Mapping\nspec: {}\n-- -\nkind: authservice\nspec: [", auth),
            ("kind: List\nitems:\n- kind: Host\n  spec: {\n- {kind: AuthService}", auth),
            ("{\"apiVersion\": \"v1\", \"kind\" : \"AuthService\", \"spec\": {", auth),
            ("apiVersion: getambassador.io/v2\nkid: x\nspec:\n  auth_service: a:80\n  b: [", auth),
            ("kind AuthService\napiVersion: getambasador.io/v2\nspec: [", auth),
            ("apiVersion getambassador.io/v2\nkind:\nspec: {requestPolicy: {", Some(Kind::Host)),
            ("kind: Hots\nspec: [", Some(Kind::Host)),
            ("kind: FilterPolcy\nspec: [", Some(Kind::FilterPolicy)),
            ("apiVersion: getambassador.io/v2\nkid: x\nspec: {rules: [", Some(Kind::FilterPolicy)),
            ("# kind: AuthService\nkind: Mapping\nspec: [", None),
            ("kind: Mapping\nspec: {service: AuthService, auth_service: a", None),
            ("kind: Deployment\nspec: {requestPolicy: [", None),
            ("auth_service: a\nAuthService: [", None),
            ("apiVersion: getambassador.io/v2\nadd_request_headers: {Host: a", None),
            ("mankind: Host\n[", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(Guard::in_text(text).map(|guard| guard.kind), expected, "{text}");
        }
    }
}

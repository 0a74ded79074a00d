//! Filters and FilterPolicies: what came with `v3alpha1` has a name of its own in the older versions.

/// Fields of a Filter: what they stand in, if that is not the spec itself; old, new.
pub(crate) const FILTER: [(Option<&str>, &str, &str); 5] = [
    (None, "v3APIKey", "APIKey"),
    (Some("External"), "v3ProtocolVersion", "protocol_version"),
    (Some("External"), "v3TLSConfig", "tlsConfig"),
    (Some("JWT"), "v3MaxStale", "maxStale"),
    (Some("OAuth2"), "v3postLogoutRedirectURI", "postLogoutRedirectURI"),
];

/// A field of a FilterPolicy's rules: old, new.
pub(crate) const RULE: (&str, &str) = ("v3Precedence", "precedence");

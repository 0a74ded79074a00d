//! What to answer when counters cannot be had.

/// What to answer when a counter cannot be had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreFailure {
    /// The call fails, as with the original; Envoy then does what `failure_mode_deny` says.
    #[default]
    Error,
    /// As if nothing had been counted.
    Allow,
    /// As if the limit were reached.
    Deny,
    /// Each replica counts for itself, up to its share of the limit.
    Local,
}

impl StoreFailure {
    /// The policy of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "error" => Self::Error,
            "allow" => Self::Allow,
            "deny" => Self::Deny,
            "local" => Self::Local,
            _ => return None,
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Local => "local",
        }
    }

    /// What `store_failure` says; none where it is not there.
    pub(super) fn read(name: &str) -> Result<Option<Self>, String> {
        match (name, Self::from_name(name)) {
            ("", _) => Ok(None),
            (_, Some(policy)) => Ok(Some(policy)),
            _ => Err(format!("invalid store_failure '{name}': expected error, allow, deny or local")),
        }
    }
}

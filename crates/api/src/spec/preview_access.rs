//! Who may see a `Preview`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who may see a preview.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct PreviewAccess {
    /// Required.
    pub mode: Option<PreviewAccessMode>,
    /// With `Members`: who is in one of these is let in.
    pub groups: Vec<String>,
    /// With `Owner`: who is let in, as the policy's `ownerClaim` names people.
    pub owner: Option<String>,
    /// With `ShareLink`: links of this number are good, those of all others are not; default 0. Another number ends all links
    /// that there are, and the key that services are told. In other modes it says which were the last.
    pub generation: Option<u32>,
}

impl PreviewAccess {
    /// Whether all whom `other` lets in are let in by this as well. Links are for who makes them to give away: with a link to
    /// what includes another one sees that, too.
    #[must_use]
    pub fn takes_all_of(&self, other: &Self) -> bool {
        use PreviewAccessMode::{Authenticated, Members, Owner, Public, ShareLink};
        match (self.mode, other.mode) {
            (Some(Public), _) | (Some(ShareLink), Some(ShareLink)) => true,
            (Some(Authenticated), Some(mode)) => mode.asks_filters(),
            (Some(Members), Some(Members)) => other.groups.iter().all(|group| self.groups.contains(group)),
            (Some(Owner), Some(Owner)) => self.owner == other.owner,
            _ => false,
        }
    }
}

/// Who may see a preview.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
pub enum PreviewAccessMode {
    /// Whoever knows its URL.
    Public,
    /// Whoever passes the Filters of the `PreviewPolicy`.
    Authenticated,
    /// Of those, whoever is in one of the groups.
    Members,
    /// Of those, its owner alone.
    Owner,
    /// Whoever has followed a link to it that was signed here and is not over.
    ShareLink,
}

impl PreviewAccessMode {
    /// Whether who comes passes the Filters of the policy.
    #[must_use]
    pub fn asks_filters(self) -> bool {
        matches!(self, Self::Authenticated | Self::Members | Self::Owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_takes_in_another_only_if_it_keeps_out_nobody_of_it() {
        let of = |text: &str| {
            let (mode, named) = text.split_once(' ').unwrap_or((text, ""));
            let named: Vec<_> = named.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
            let owner = named.first().cloned().filter(|_| mode == "Owner");
            let mode = serde_json::from_value(mode.into()).unwrap();
            PreviewAccess { mode: Some(mode), groups: named, owner, generation: None }
        };
        for (part, whole, expected) in [
            ("Public", "Public", true),
            ("Public", "Owner ann", true),
            ("Public", "ShareLink", true),
            ("Authenticated", "Authenticated", true),
            ("Authenticated", "Members a", true),
            ("Authenticated", "Owner ann", true),
            ("Authenticated", "Public", false),
            ("Authenticated", "ShareLink", false),
            ("Members a,b", "Members a", true),
            ("Members a", "Members a,b", false),
            ("Members a", "Authenticated", false),
            ("Members a", "Owner ann", false),
            ("Members a", "Public", false),
            ("Owner ann", "Owner ann", true),
            ("Owner ann", "Owner bob", false),
            ("Owner ann", "Members a", false),
            ("ShareLink", "ShareLink", true),
            ("ShareLink", "Public", false),
            ("ShareLink", "Authenticated", false),
        ] {
            assert_eq!(of(part).takes_all_of(&of(whole)), expected, "{part} in {whole}");
        }
        assert!(!PreviewAccess::default().takes_all_of(&of("Owner ann")), "nobody is let in by nothing");
    }
}

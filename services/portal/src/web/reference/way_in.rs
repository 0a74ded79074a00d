//! How whoever has no browser gets through to an operation.

use super::Edge;
use crate::catalog::Entry;
use crate::gateway::Credential;
use crate::reference::Proof;
use crate::texts::Texts;
use crate::web::Visit;
use crate::web::keys::takes_own;

/// What samples show, and where that is to be had.
pub(super) struct WayIn {
    pub(super) proof: Proof,
    /// Readers make keys for it themselves.
    pub(super) has_own_keys: bool,
}

impl WayIn {
    /// By the route of the usual request; where nobody tells of it, by what is known of the API as a whole.
    pub(super) fn of(site: &Visit, entry: &Entry, edge: Option<&Edge>) -> Self {
        let guessed = || entry.api.served.asked().into_iter().map(|credential| vec![credential]).collect();
        let usual = edge.and_then(|edge| edge.routes.last());
        let demands = usual.map_or_else(guessed, |route| route.demands.clone());
        let takes_keys = demands.iter().flatten().any(|credential| matches!(credential, Credential::Key { .. }));
        let has_own_keys = takes_keys && takes_own(site, entry);
        Self { proof: Proof::of(&demands, has_own_keys), has_own_keys }
    }

    /// What samples show, for the script that writes one itself.
    pub(super) fn for_script(&self) -> String {
        serde_json::to_string(self.proof.headers()).unwrap_or_default()
    }

    /// Where that comes from, in words.
    pub(super) fn words(&self, texts: &Texts) -> Vec<String> {
        let of_credential = |credential: &Credential| match credential {
            Credential::Token { issuer: Some(issuer), .. } => {
                let discovery = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
                Some(texts.fill("proof_token_of", &[("issuer", issuer), ("discovery", &discovery)]))
            }
            Credential::Token { issuer: None, .. } => Some(texts.text("proof_token").to_owned()),
            Credential::Key { .. } if !self.has_own_keys => Some(texts.text("proof_key").to_owned()),
            Credential::Password => Some(texts.text("proof_password").to_owned()),
            _ => None,
        };
        match &self.proof {
            Proof::Nothing => Vec::new(),
            Proof::Headers(_, shown) => shown.iter().filter_map(of_credential).collect(),
            Proof::Browser => vec![texts.text("proof_browser").to_owned()],
        }
    }
}

//! What is told first of a manifest that lacks what its access mode needs.

use std::collections::BTreeMap;

use nuncio_api::{Kind, ObjectId, Preview, PreviewAccess, PreviewAccessMode};

use super::manifest::Manifest;
use super::{granted, is_shown};
use crate::admin::{PreviewError, PutPreview};
use crate::engine::Engine;

/// What modes need.
const NEEDS: [(&str, PreviewAccessMode); 2] =
    [("spec.access.groups", PreviewAccessMode::Members), ("spec.access.owner", PreviewAccessMode::Owner)];

/// Nobody who may change it adds what a mode needs that the policy lets no Preview have: of that he learns first.
pub(super) fn forbidden_first(engine: &Engine, wanted: &PutPreview, wrong: PreviewError) -> PreviewError {
    let id = ObjectId::new(Kind::Preview, &*wanted.namespace, &*wanted.name);
    let Some(mode) = mode_that_lacks(&wrong) else { return wrong };
    if granted(engine, &id, wanted.by.as_ref()).is_err() {
        return wrong;
    }
    let access = PreviewAccess { mode: Some(mode), ..PreviewAccess::default() };
    let spec = Preview { access: Some(access), ..Preview::default() };
    is_shown(engine, &Manifest { spec, ..Manifest::new(id, BTreeMap::new()) }).err().unwrap_or(wrong)
}

/// The mode of a manifest that lacks what it needs, and is as it should be up to there.
fn mode_that_lacks(wrong: &PreviewError) -> Option<PreviewAccessMode> {
    let PreviewError::Lines { field: Some(field), faults } = wrong else { return None };
    // Who says what another mode needs lacks nothing.
    let is_lacking = faults.first().is_some_and(|fault| fault.detail.ends_with("is required"));
    NEEDS.iter().find(|(needed, _)| is_lacking && needed == field).map(|(_, mode)| *mode)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_mode_lacks_tells_which_mode_it_is() {
        for (access, expected) in [
            (json!({"mode": "Members"}), Some(PreviewAccessMode::Members)),
            (json!({"mode": "Owner", "owner": ""}), Some(PreviewAccessMode::Owner)),
            (json!({"mode": "Public", "groups": ["team"]}), None),
            (json!({"groups": ["team"]}), None),
        ] {
            let text = json!({"apiVersion": "nuncio.dev/v1alpha1", "kind": "Preview", "metadata": {"name": "tax"},
                "spec": {"services": [{"baseline": "cart", "backend": "cart-2"}], "access": access,
                    "entrypoints": [{"name": "web", "host": "shop.example"}]}});
            let wrong = Manifest::parse("shop", "tax", &text.to_string()).unwrap_err();
            assert_eq!(mode_that_lacks(&wrong), expected, "{access}: {wrong}");
        }
    }
}

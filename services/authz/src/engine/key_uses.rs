//! How often API keys were used, and when last: since the process began.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::now;

/// Uses of each key, by the name of its owner.
#[derive(Debug, Default)]
pub(crate) struct KeyUses {
    uses: Mutex<HashMap<Arc<str>, KeyUse>>,
}

/// Uses of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// How many.
    pub count: u64,
    /// The last, in seconds since 1970.
    pub last: u64,
}

impl KeyUses {
    /// A key was used. Owners are those of good keys alone, so there are not many.
    pub(crate) fn note(&self, owner: &Arc<str>) {
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        let last = now();
        match uses.get_mut(owner) {
            Some(known) => *known = KeyUse { count: known.count + 1, last },
            None => _ = uses.insert(Arc::clone(owner), KeyUse { count: 1, last }),
        }
    }

    /// The uses of a key, if there were any.
    pub(crate) fn of(&self, owner: &str) -> Option<KeyUse> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner).get(owner).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_counted_for_itself() {
        let (uses, ann) = (KeyUses::default(), Arc::from("ann"));
        uses.note(&ann);
        uses.note(&ann);
        assert_eq!(uses.of("ann").map(|known| known.count), Some(2));
        assert_eq!(uses.of("bob"), None);
    }
}

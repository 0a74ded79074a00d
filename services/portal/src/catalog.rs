//! What is known of all APIs at one moment. Pages are made of it, and nothing that a page does waits for a service.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::ArcSwap;
use jiff::Timestamp;

use crate::about::About;
use crate::access::Viewer;
use crate::api::{Api, Undocumented};
use crate::cause::Cause;
use crate::gateway::{Naming, ObjectRef, PortalSpec, ServedApi};
use crate::reference::Reference;

/// Since when something cannot be had, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outage {
    pub(crate) since: Timestamp,
    pub(crate) why: Cause,
}

/// When a document was last seen to be what it is. All that show it share it: that it was looked at once more makes no other
/// catalog.
#[derive(Clone, Debug, Default)]
pub(crate) struct Checked(Arc<AtomicI64>);

impl Checked {
    /// It is so now.
    pub(crate) fn note(&self) {
        self.0.store(Timestamp::now().as_second(), Ordering::Relaxed);
    }

    /// When that was, if it was.
    pub(crate) fn last(&self) -> Option<Timestamp> {
        let last = self.0.load(Ordering::Relaxed);
        Timestamp::from_second(last).ok().filter(|_| last > 0)
    }
}

/// An API with what is known of its document.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) api: Arc<Api>,
    /// The last good document.
    pub(crate) reference: Option<Arc<Reference>>,
    /// Whose it is.
    pub(crate) about: Arc<About>,
    /// When that was last seen to be so.
    pub(crate) checked: Checked,
    /// Why it could not be looked at last.
    pub(crate) trouble: Option<Outage>,
}

/// How an API's document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// It is what the service says.
    Current,
    /// It is what the service last said.
    Stale,
    /// There never was a good one.
    Missing,
    /// It is being fetched for the first time.
    Waiting,
}

impl State {
    /// The text that says so.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Current => "state_current",
            Self::Stale => "state_stale",
            Self::Missing => "state_missing",
            Self::Waiting => "state_waiting",
        }
    }

    /// Its name in URLs and style sheets.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Stale => "stale",
            Self::Missing => "missing",
            Self::Waiting => "waiting",
        }
    }
}

impl Entry {
    /// One that was never looked at.
    #[cfg(test)]
    pub(crate) fn new(api: Arc<Api>, reference: Option<Arc<Reference>>) -> Self {
        let about = Arc::new(About::of(&api, reference.as_deref()));
        Self { api, reference, about, checked: Checked::default(), trouble: None }
    }

    pub(crate) fn state(&self) -> State {
        match (&self.reference, &self.trouble) {
            (Some(_), None) => State::Current,
            (Some(_), Some(_)) => State::Stale,
            (None, Some(_)) => State::Missing,
            (None, None) => State::Waiting,
        }
    }

    /// With those alone of the ways beside it.
    fn only(&self, wanted: impl Fn(&ServedApi) -> bool) -> Self {
        Self { api: Arc::new(self.api.only(wanted)), ..self.clone() }
    }

    /// What it is called beside its title: `shop.cart`, or `cart.api/carts`.
    pub(crate) fn designation(&self, naming: Naming) -> String {
        let id = &self.api.id;
        match naming {
            Naming::Namespace => format!("{}.{}", id.namespace, id.name),
            Naming::Prefix => format!("{}.{}", id.name, self.prefix()),
        }
    }

    /// The prefix of its Mapping, without the slashes around it.
    pub(crate) fn prefix(&self) -> &str {
        self.api.served.path.text().trim_matches('/')
    }

    /// What it is called.
    pub(crate) fn title(&self) -> &str {
        let of_document = || self.reference.as_ref()?.document.info("title");
        self.api.display_name().or_else(of_document).unwrap_or_else(|| self.api.given_name())
    }
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalog {
    /// By title.
    pub(crate) entries: Vec<Arc<Entry>>,
    pub(crate) undocumented: Vec<Undocumented>,
    /// What of it is shown, and how.
    pub(crate) portal: PortalSpec,
    /// Addresses of the gateway at which this portal is to be had, too: logins are theirs.
    pub(crate) addresses: Vec<String>,
    /// Those of them at which its console is, too.
    pub(crate) console_addresses: Vec<String>,
    /// Somebody may be asked for a login on the way to this portal.
    pub(crate) has_login: bool,
    /// Why the gateway cannot be asked; what is known of it stays.
    pub(crate) gateway: Option<Outage>,
    /// Whether the gateway was heard of at all.
    pub(crate) is_known: bool,
    /// Another whenever the gateway told something new: what it says of operations may be another, too.
    pub(crate) edition: u64,
}

impl Catalog {
    /// The API of this name in URLs. That of its object is enough where no other has it, and so is one that it had before
    /// others came or went.
    pub(crate) fn find(&self, namespace: &str, name: &str) -> Option<&Arc<Entry>> {
        let of_namespace = || self.entries.iter().filter(|entry| entry.api.id.namespace == namespace);
        let own = of_namespace().find(|entry| entry.api.id.segment() == name);
        let by_object = || alone(of_namespace().filter(|entry| entry.api.id.name == name));
        own.or_else(by_object).or_else(|| alone(of_namespace().filter(|entry| entry.api.id.was(name))))
    }

    /// The same by the name and the prefix of its Mapping, where that is what APIs are called by.
    pub(crate) fn find_by_prefix(&self, name: &str, prefix: &str) -> Option<&Arc<Entry>> {
        let prefix = prefix.trim_matches('/');
        let is_meant = |entry: &&Arc<Entry>| entry.api.id.name == name && entry.prefix() == prefix;
        self.entries.iter().find(is_meant).filter(|_| self.portal.naming == Naming::Prefix)
    }

    /// What of it is for a reader.
    pub(crate) fn seen_by(self: Arc<Self>, viewer: &Viewer) -> Arc<Self> {
        let may_see = |served: &ServedApi| viewer.may_see(served.visible_to());
        let undocumented = self.undocumented.iter().flat_map(|service| &service.routes);
        let mut all = self.entries.iter().flat_map(|entry| entry.api.routes()).chain(undocumented);
        if all.all(may_see) {
            return Arc::clone(&self);
        }
        let entries = self.entries.iter().filter(|entry| may_see(&entry.api.served));
        let undocumented = self.undocumented.iter().map(|service| service.only(may_see));
        Arc::new(Self {
            entries: entries.map(|entry| Arc::new(entry.only(may_see))).collect(),
            undocumented: undocumented.filter(|service| !service.routes.is_empty()).collect(),
            portal: self.portal.clone(),
            addresses: self.addresses.clone(),
            console_addresses: self.console_addresses.clone(),
            has_login: self.has_login,
            gateway: self.gateway.clone(),
            is_known: self.is_known,
            edition: self.edition,
        })
    }

    /// Whether it has one of these: a route that is made of it may be told of.
    pub(crate) fn has_any(&self, objects: &[ObjectRef]) -> bool {
        let undocumented = self.undocumented.iter().flat_map(|service| &service.routes);
        let mut known = self.entries.iter().flat_map(|entry| entry.api.routes()).chain(undocumented);
        known.any(|served| objects.iter().any(|object| served.is(object)))
    }

    /// Puts entries in the order in which they are shown.
    pub(crate) fn sort(&mut self) {
        let key = |entry: &Arc<Entry>| (entry.title().to_lowercase(), entry.api.id.clone());
        self.entries.sort_by_cached_key(key);
    }
}

/// The only one of these.
fn alone<'e>(mut entries: impl Iterator<Item = &'e Arc<Entry>>) -> Option<&'e Arc<Entry>> {
    entries.next().filter(|_| entries.next().is_none())
}

/// The newest catalog, for all that read it.
pub(crate) type Shared = Arc<ArcSwap<Catalog>>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::tests::of_service;

    #[test]
    fn an_apis_object_is_enough_where_no_other_has_it() {
        let entry = |name: &str, part: &str| {
            let mut api = of_service();
            (api.id.name, api.id.part) = (name.to_owned(), part.to_owned());
            Arc::new(Entry::new(Arc::new(api), None))
        };
        let entries =
            vec![entry("shop", "a"), entry("shop", "b"), entry("web", "root"), entry("cart", ""), entry("cart", "c")];
        let catalog = Catalog { entries, ..Catalog::default() };
        let found = |name: &str| catalog.find("shop", name).map(|entry| entry.api.id.segment());
        for (name, expected) in [
            ("shop", None),
            ("shop@b", Some("shop@b")),
            ("web", Some("web@root")),
            ("web@root", Some("web@root")),
            ("cart", Some("cart")),
            ("cart@c", Some("cart@c")),
            ("cart@c-0123abcd", Some("cart@c")),
            ("cart@c-2", None),
            ("none", None),
        ] {
            assert_eq!(found(name).as_deref(), expected, "{name}");
        }
        assert!(catalog.find("other", "cart").is_none());
    }
}

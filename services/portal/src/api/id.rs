//! Names of APIs, of which no two have the same.

use std::collections::BTreeSet;
use std::fmt;

use super::Api;
use crate::gateway::{DEV_PORTAL, ServedApi};

/// Names an API: by the Mapping that says where its document is. What other objects say has their name, and beside it which
/// of theirs it is: an Ingress has many paths.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ApiId {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Empty of a Mapping.
    pub(crate) part: String,
}

impl ApiId {
    pub(super) fn of(served: &ServedApi) -> Self {
        let part = match served.kind.as_str() {
            "Mapping" => String::new(),
            _ => part(served),
        };
        Self { namespace: served.namespace.clone(), name: served.name.clone(), part }
    }

    /// That of an API which a DevPortal names.
    pub(super) fn of_dev_portal(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.to_owned(), name: name.to_owned(), part: DEV_PORTAL.to_owned() }
    }

    /// Its name in URLs, beside the namespace. No object's name has such a sign in it.
    pub(crate) fn segment(&self) -> String {
        match self.part.as_str() {
            "" => self.name.clone(),
            part => format!("{}@{part}", self.name),
        }
    }
}

impl fmt::Display for ApiId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.segment())
    }
}

/// The host and the path that it takes, as a name: `shop.example-api-carts`.
fn part(served: &ServedApi) -> String {
    let host = served.hosts.first().map_or("", |host| host.host.as_str());
    let whole = format!("{host}{}", served.path.text());
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_');
    let words: Vec<_> = whole.split(|letter| !is_plain(letter)).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "root".to_owned() } else { words.join("-") }
}

/// Of several that are called the same all but the first get a number.
pub(super) fn told_apart(apis: &mut [Api]) {
    let mut taken = BTreeSet::new();
    for api in apis {
        let whole = api.id.part.clone();
        for number in 2.. {
            if taken.insert(api.id.clone()) {
                break;
            }
            api.id.part = format!("{whole}-{number}").trim_start_matches('-').to_owned();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Served;
    use super::*;
    use crate::gateway::{Docs, Path, PortalSpec, SpecId, StaticDocs};
    use crate::mount::tests::served;

    fn of(kind: &str, path: &str, service: &str) -> ServedApi {
        let mut served = served(Path::Segments(path.to_owned()), None);
        (served.kind, served.upstream.service) = (kind.to_owned(), service.to_owned());
        served.docs = Some(Docs { path: Some("/openapi.json".to_owned()), ..Docs::default() });
        served
    }

    #[test]
    fn no_two_have_the_same() {
        let told = vec![
            of("Ingress", "/api/carts", "cart:80"),
            of("Ingress", "/", "web:80"),
            of("Ingress", "/api-carts", "other:80"),
            of("Mapping", "/m", "m:80"),
        ];
        let portal = PortalSpec {
            id: Some(SpecId { namespace: "shop".into(), name: "main".into() }),
            docs: (0..2)
                .map(|number| StaticDocs {
                    service: "cart".to_owned(),
                    url: format!("https://docs.example/{number}"),
                    timeout_ms: None,
                })
                .collect(),
            ..PortalSpec::default()
        };
        let apis = Served::of(told, &portal, &[], false).apis;
        let ids: Vec<_> = apis.iter().map(|api| api.id.to_string()).collect();
        let expected = [
            "shop/cart@shop.example-api-carts",
            "shop/cart@shop.example",
            "shop/cart@shop.example-api-carts-2",
            "shop/cart",
            "shop/cart@DevPortal",
            "shop/cart@DevPortal-2",
        ];
        assert_eq!(ids, expected);
    }
}

//! Names of APIs, of which no two have the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::Api;
use crate::gateway::{DEV_PORTAL, Path, ServedApi};

/// Of a digest, in hexadecimal.
const DIGITS: usize = 8;

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

    /// Whether a name in URLs is one that it had before others came or went: with a digest or without.
    pub(crate) fn was(&self, segment: &str) -> bool {
        without_digest(segment) == without_digest(&self.segment())
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

/// The host and the path that it takes, as a name: `shop.example-api-carts`. Where another path would be called the same, a
/// digest of both follows: so it is called that whatever else is there.
fn part(served: &ServedApi) -> String {
    let host = served.hosts.first().map_or("", |host| host.host.as_str());
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_');
    let words = |text: &str| -> Vec<String> {
        text.split(|letter| !is_plain(letter)).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let of_path = words(served.path.text());
    let is_alone = matches!(&served.path, Path::Segments(path) if path.trim_start_matches('/') == of_path.join("/"));
    let all = [words(host), of_path].concat();
    let name = if all.is_empty() { "root".to_owned() } else { all.join("-") };
    if is_alone { name } else { with_digest(&name, &format!("{host}\n{:?}", served.path)) }
}

fn with_digest(name: &str, of: &str) -> String {
    let digest = xxhash_rust::xxh3::xxh3_128(of.as_bytes()) >> 96;
    format!("{name}-{digest:0DIGITS$x}").trim_start_matches('-').to_owned()
}

/// A name in URLs without the digest at its end, if it has one.
fn without_digest(segment: &str) -> &str {
    let is_digest =
        |end: &str| end.len() == DIGITS && end.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    segment.rsplit_once('-').filter(|(_, end)| is_digest(end)).map_or(segment, |(name, _)| name)
}

/// Of several that are called the same each gets a digest of what it is: it keeps that when another one goes.
pub(super) fn told_apart(apis: &mut [Api]) {
    let mut count: BTreeMap<ApiId, usize> = BTreeMap::new();
    apis.iter().for_each(|api| *count.entry(api.id.clone()).or_default() += 1);
    for api in apis.iter_mut().filter(|api| count.get(&api.id).is_some_and(|count| *count > 1)) {
        api.id.part = with_digest(&api.id.part, &what_it_is(api));
    }
    // Those of which all is the same are counted.
    let mut taken = BTreeSet::new();
    for api in apis {
        let whole = api.id.part.clone();
        for number in 2.. {
            if taken.insert(api.id.clone()) {
                break;
            }
            api.id.part = format!("{whole}-{number}");
        }
    }
}

/// What tells an API from others of its name.
fn what_it_is(api: &Api) -> String {
    let ServedApi { docs, path, method, conditions, upstream, .. } = &api.served;
    let at = docs.as_ref().map(|docs| (&docs.url, &docs.path));
    format!("{at:?}\n{path:?}\n{method:?}\n{conditions:?}\n{}", upstream.service)
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

    fn ids(paths: &[&str], documents: &[u8]) -> Vec<String> {
        let told = paths.iter().map(|path| of("Ingress", path, "cart:80")).chain([of("Mapping", "/m", "m:80")]);
        let named = |number: &u8| StaticDocs {
            service: "cart".to_owned(),
            url: format!("https://docs.example/{number}"),
            timeout_ms: None,
        };
        let portal = PortalSpec {
            id: Some(SpecId { namespace: "shop".into(), name: "main".into() }),
            docs: documents.iter().map(named).collect(),
            ..PortalSpec::default()
        };
        Served::of(told.collect(), &portal, &[], false).apis.iter().map(|api| api.id.to_string()).collect()
    }

    #[test]
    fn no_two_have_the_same() {
        let all = ids(&["/api/carts", "/", "/api-carts", "/api/carts"], &[0, 1]);
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{all:?}");
        assert_eq!((&*all[1], &*all[4]), ("shop/cart@shop.example", "shop/cart"));
        let lone = ids(&["/api/carts"], &[0]);
        assert_eq!(lone, ["shop/cart@shop.example-api-carts", "shop/cart", "shop/cart@DevPortal"]);
    }

    #[test]
    fn what_one_is_called_is_the_same_when_another_goes() {
        let (both, rest) = (ids(&["/api/carts", "/api-carts"], &[0, 1, 2]), ids(&["/api-carts"], &[1, 2]));
        assert_eq!(both[0], "shop/cart@shop.example-api-carts");
        assert!(both[1].starts_with("shop/cart@shop.example-api-carts-"), "{both:?}");
        assert_eq!([&both[1..3], &both[4..]].concat(), rest);
    }

    #[test]
    fn former_names_are_known() {
        let mut id = ApiId::of_dev_portal("shop", "cart");
        assert!(id.was("cart@DevPortal-01234abc") && id.was("cart@DevPortal"));
        id.part = "shop.example-api-01234abc".to_owned();
        assert!(id.was("cart@shop.example-api") && !id.was("cart@shop.example-api-v2") && !id.was("cart@shop.example"));
    }
}

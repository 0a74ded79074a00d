//! Previews of hosts: where the same routes lead to another version of a service.

use std::time::Duration;

use serde::Deserialize;

use super::Admin;

/// How long a page waits for them: it is of use without.
const PATIENCE: Duration = Duration::from_millis(500);
/// More than a page could show.
const MOST: usize = 50;

/// A preview that requests of an API can be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Preview {
    /// Its namespace and name, and what it replaces.
    pub(crate) title: String,
    /// The address at which it is.
    pub(crate) origin: String,
}

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Told>,
}

#[derive(Debug, Deserialize)]
struct Told {
    namespace: String,
    name: String,
    urls: Vec<Url>,
    services: Vec<Service>,
}

#[derive(Debug, Deserialize)]
struct Url {
    baseline: String,
    url: String,
}

#[derive(Debug, Deserialize)]
struct Service {
    baseline: String,
    backend: String,
}

impl Admin {
    /// Those of these addresses' hosts; none where nobody tells.
    pub(crate) async fn previews(&self, origins: &[String]) -> Vec<Preview> {
        let path = format!("/api/v1/previews?limit={MOST}");
        match tokio::time::timeout(PATIENCE, self.get::<Page>(&path)).await {
            Ok(Ok(page)) => page.items.iter().flat_map(|told| told.at(origins)).collect(),
            Ok(Err(_)) | Err(_) => Vec::new(),
        }
    }
}

impl Told {
    fn at(&self, origins: &[String]) -> Vec<Preview> {
        let replaced = self.services.iter().map(|one| format!("{} instead of {}", one.backend, one.baseline));
        let title = format!("{}/{}: {}", self.namespace, self.name, replaced.collect::<Vec<_>>().join(", "));
        let urls = self.urls.iter().filter(|url| origins.iter().any(|origin| host(origin) == url.baseline));
        let preview = |url: &Url| Preview { title: title.clone(), origin: url.url.trim_end_matches('/').to_owned() };
        urls.map(preview).collect()
    }
}

/// The name in an address.
fn host(origin: &str) -> &str {
    let authority = origin.split_once("://").map_or(origin, |(_, authority)| authority);
    authority.rsplit_once(':').map_or(authority, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_preview_is_one_of_the_hosts_that_it_shadows() {
        let told: Told = serde_json::from_value(json!({ "namespace": "shop", "name": "pr-42",
            "urls": [{ "entrypoint": "web", "baseline": "shop.example", "url": "https://web--pr-42-k3.preview.example/" }],
            "services": [{ "baseline": "cart", "backend": "cart-pr-42" }] }))
        .unwrap();
        let at = |origin: &str| told.at(&[origin.to_owned()]);
        let expected = Preview {
            title: "shop/pr-42: cart-pr-42 instead of cart".to_owned(),
            origin: "https://web--pr-42-k3.preview.example".to_owned(),
        };
        assert_eq!(at("https://shop.example:8443"), [expected]);
        assert_eq!(at("https://other.example"), []);
    }
}

//! Addresses of previews: where the same routes lead to another version of a service.

use std::time::Duration;

use http::Uri;
use serde::Serialize;

use super::{Admin, EVERYTHING, GatewayError};
use crate::access::Viewer;
use crate::previews::{Caller, Preview, Previews, Url};
use crate::texts::Texts;

/// How long a page waits for them: it is of use without.
const PATIENCE: Duration = Duration::from_millis(500);
/// More than anybody chooses from.
const MOST: usize = 500;

/// An address at which requests of an API reach a preview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PreviewAddress {
    /// Its namespace and name, and what it replaces.
    pub(crate) title: String,
    /// Scheme, host and port.
    pub(crate) origin: String,
    /// The host whose routes it has.
    pub(crate) baseline: String,
    /// What a header says there to get it; none where no header chooses a preview.
    pub(crate) selector: Option<String>,
}

/// Whose previews are asked for.
#[derive(Serialize)]
struct Asked<'a> {
    namespace: Option<&'a str>,
    name: Option<&'a str>,
    by: Option<Caller<'a>>,
    limit: usize,
}

impl Admin {
    /// Those that a reader may know of, which is for the controller to say.
    pub(crate) async fn previews(
        &self,
        viewer: &Viewer,
        namespace: Option<&str>,
        name: Option<&str>,
    ) -> Result<Previews, GatewayError> {
        let by = viewer.identity.as_ref().filter(|_| !viewer.sees_all()).map(Caller::from);
        self.ask("/api/v1/preview-list", &Asked { namespace, name, by, limit: EVERYTHING }).await
    }

    /// Those of these addresses' hosts; none where nobody tells.
    pub(crate) async fn preview_addresses(
        &self,
        viewer: &Viewer,
        origins: &[String],
        texts: &Texts,
    ) -> Vec<PreviewAddress> {
        match tokio::time::timeout(PATIENCE, self.previews(viewer, None, None)).await {
            Ok(Ok(found)) => {
                found.items.iter().flat_map(|preview| addresses(preview, origins, texts)).take(MOST).collect()
            }
            Ok(Err(_)) | Err(_) => Vec::new(),
        }
    }
}

fn addresses(preview: &Preview, origins: &[String], texts: &Texts) -> Vec<PreviewAddress> {
    let title = format!("{}/{}: {}", preview.namespace, preview.name, preview.replaces(texts));
    let is_of = |origin: &String, baseline: &str| host_of(origin).is_some_and(|host| host == baseline);
    let urls = preview.urls.iter().filter(|url| origins.iter().any(|origin| is_of(origin, &url.baseline)));
    let origin = |url: &str| url.trim_end_matches('/').to_owned();
    let address = |url: &Url| PreviewAddress {
        title: title.clone(),
        origin: origin(&url.url),
        baseline: url.baseline.clone(),
        selector: url.selector.clone(),
    };
    urls.map(address).collect()
}

/// The host of a URL, without scheme and port; an IPv6 address stays in its brackets.
pub(crate) fn host_of(url: &str) -> Option<String> {
    url.parse::<Uri>().ok()?.host().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_preview_is_one_of_the_hosts_that_it_shadows() {
        let preview = |baseline: &str| -> Preview {
            serde_json::from_value(json!({ "namespace": "shop", "name": "pr-42", "access": "Public", "source": null,
                "urls": [{ "entrypoint": "web", "baseline": baseline, "url": "https://web--pr-42-k3.preview.example/", "selector": "pr-42-k3" }],
                "services": [{ "baseline": "cart", "backend": "cart-pr-42" }], "problems": [] }))
            .unwrap()
        };
        let at = |origin: &str, baseline: &str| addresses(&preview(baseline), &[origin.to_owned()], &Texts::default());
        let expected = PreviewAddress {
            title: "shop/pr-42: cart by cart-pr-42".to_owned(),
            origin: "https://web--pr-42-k3.preview.example".to_owned(),
            baseline: "shop.example".to_owned(),
            selector: Some("pr-42-k3".to_owned()),
        };
        assert_eq!(at("https://shop.example:8443", "shop.example"), std::slice::from_ref(&expected));
        assert_eq!(at("https://other.example", "shop.example"), []);
        for address in ["http://[2001:db8::1]:8080", "http://[2001:db8::1]"] {
            let expected = PreviewAddress { baseline: "[2001:db8::1]".to_owned(), ..expected.clone() };
            assert_eq!(at(address, "[2001:db8::1]"), [expected], "{address}");
        }
        assert_eq!(at("http://[2001:db8::2]", "[2001:db8::1]"), []);
    }
}

//! Whose page sent a form.

use axum::http::{HeaderMap, Uri, header};

/// Whether a form was sent by a page of ours (CSRF): browsers say where a form is from, and no page can say otherwise.
/// What says nothing is no browser's, and no page's of ours.
pub(super) fn is_own(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let origin = text(header::ORIGIN.as_str()).and_then(|origin| origin.parse::<Uri>().ok());
    let authority = origin.as_ref().and_then(Uri::authority).map(ToString::to_string);
    authority.is_some() && authority.as_deref() == text(header::HOST.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_strangers_are_told_apart() {
        let own = |pairs: &[(&'static str, &str)]| {
            is_own(&pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect())
        };
        assert!(own(&[("sec-fetch-site", "same-origin")]));
        assert!(own(&[("origin", "http://localhost:8088"), ("host", "localhost:8088")]));
        assert!(!own(&[("sec-fetch-site", "same-site"), ("origin", "http://a"), ("host", "a")]));
        assert!(!own(&[("sec-fetch-site", "none")]));
        assert!(!own(&[("origin", "http://localhost:9999"), ("host", "localhost:8088")]));
        assert!(!own(&[("origin", "null"), ("host", "localhost")]));
        assert!(!own(&[("host", "localhost")]));
    }
}

//! Which tables a request sees where it may belong to a preview: what `select.lua` and `choose.lua` do at the gateway.

use nuncio_ir::{
    BAGGAGE_HEADER, BAGGAGE_MEMBER, CookieChoice, Model, NO_HOST, PREVIEW_HEADER, PreviewEntry, PreviewTrust,
    SELECTOR_MARK, Table,
};

/// The cookie that chooses a preview, and where links lead that set it.
const COOKIE: &str = "nuncio_preview";
const CHOICE: &str = "/.nuncio/preview";

/// What a request says of previews.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// The name of one, in a header.
    name: Option<String>,
    /// The same, in a cookie.
    cookie: Option<String>,
    /// The key of one, of a service.
    key: Option<String>,
    /// Whether cookies choose in this request.
    by_cookie: bool,
}

impl Said {
    /// Of a request with these headers for a host, by a way in.
    pub(super) fn of(headers: &[(String, String)], host: &str, is_secure: bool, entry: &PreviewEntry) -> Self {
        let header = |wanted: &str| {
            let mut values = headers.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value);
            values.next().filter(|value| !value.is_empty()).cloned()
        };
        let PreviewTrust::Public { by_header } = entry.trust else {
            let own = [PREVIEW_HEADER].into_iter().chain(entry.headers.iter().map(String::as_str));
            return Self { key: own.into_iter().find_map(header).or_else(|| in_baggage(headers)), ..Self::default() };
        };
        let may = entry.may_be_chosen_at(&host.to_ascii_lowercase());
        let by_cookie = match entry.by_cookie.filter(|_| may) {
            Some(CookieChoice::Secure) => is_secure,
            Some(CookieChoice::Any) => true,
            None => false,
        };
        let own = format!("{}{COOKIE}", if is_secure { "__Host-" } else { "" });
        let cookie = cookies(headers).find(|(name, value)| *name == own && !value.is_empty());
        Self {
            name: header(PREVIEW_HEADER).filter(|_| by_header && may),
            cookie: cookie.map(|(_, value)| value.to_owned()).filter(|_| by_cookie),
            key: None,
            by_cookie,
        }
    }
}

fn cookies(headers: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.iter().filter(|(name, _)| name == "cookie").flat_map(|(_, line)| line.split(';'));
    lines.filter_map(|pair| pair.trim().split_once('='))
}

/// The key in the baggage, of several the first.
fn in_baggage(headers: &[(String, String)]) -> Option<String> {
    let lines = headers.iter().filter(|(name, _)| name == BAGGAGE_HEADER);
    let mut members = lines.flat_map(|(_, line)| line.split(',')).filter_map(|member| member.split_once('='));
    let (_, value) = members.find(|(name, _)| name.trim() == BAGGAGE_MEMBER)?;
    value.split([';', ' ']).find(|part| !part.is_empty()).map(str::to_owned)
}

/// Where the routes of a request are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the table of a host, or behind it in that of the wildcards; each with the preview in its scope.
    Tables { host: String, preview: String, wild: Option<String>, by: Option<&'static str> },
    /// Nowhere: it is told that there is no such preview.
    Nobody,
    /// The gateway answers it itself: it chooses a preview.
    Choice,
}

/// Finds the place of a request. `is_taken` tells whether the table of its host has a route for it, where that does not look at
/// cookies.
pub(super) fn place(
    model: &Model,
    class: &str,
    (host, path): (&str, &str),
    said: &Said,
    is_taken: impl FnOnce() -> bool,
) -> Place {
    let table = |host: &str, preview: &str| table(model, class, host, preview);
    if let Some(key) = &said.key {
        return of_service(table(NO_HOST, key), host, key);
    }
    let looks = said.by_cookie && (table(host, "").is_some_and(|table| table.by_cookie.is_some()) || !is_taken());
    if looks && path == CHOICE {
        return Place::Choice;
    }
    let chosen = said.cookie.as_deref().filter(|_| looks).map(|name| (name, "a cookie"));
    let Some((name, by)) = said.name.as_deref().map(|name| (name, "a header")).or(chosen) else {
        return Place::Tables { host: host.to_owned(), preview: String::new(), wild: Some(String::new()), by: None };
    };
    let own = table(host, &format!("{SELECTOR_MARK}{name}")).and_then(|pointer| pointer.hosts.first());
    own.map_or(Place::Nobody, |own| Place::Tables {
        host: own.name.to_string(),
        preview: String::new(),
        wild: None,
        by: Some(by),
    })
}

/// Where a service is led that hands on a key: the mark of a preview is called as the hosts at which it has something of its own.
fn of_service(mark: Option<&Table>, host: &str, key: &str) -> Place {
    let Some(mark) = mark.and_then(|mark| mark.hosts.first()) else { return Place::Nobody };
    let has = |wanted: &str| mark.name.split(',').skip(1).any(|name| name == wanted);
    let (preview, wild) = match (has(host), has("*")) {
        (true, _) => (key, None),
        (false, true) => ("", Some(key.to_owned())),
        (false, false) => ("", Some(String::new())),
    };
    Place::Tables { host: host.to_owned(), preview: preview.to_owned(), wild, by: Some("the key of a service") }
}

/// The table with this scope.
pub(super) fn table<'a>(model: &'a Model, class: &str, host: &str, preview: &str) -> Option<&'a Table> {
    let is_it =
        |table: &&Table| *table.scope.host == *host && *table.scope.preview == *preview && *table.scope.class == *class;
    model.tables.values().map(|table| &**table).find(is_it)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(trust: PreviewTrust, by_cookie: Option<CookieChoice>, secure: bool, headers: &[(&str, &str)]) -> Said {
        let entry = PreviewEntry {
            domain: Some("preview.example".into()),
            hosts: vec!["shop.example".to_owned()],
            headers: vec!["x-branch".to_owned()],
            trust,
            by_cookie,
            probes: None,
        };
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(Said::of(&headers, "other.example", secure, &entry).name, None);
        Said::of(&headers, "shop.example", secure, &entry)
    }

    #[test]
    fn clients_say_names_and_services_keys() {
        let both = [("x-nuncio-preview", "n"), ("cookie", "a=1; nuncio_preview=c; __Host-nuncio_preview=s")];
        let public = |by_header, by_cookie, secure| {
            let said = said(PreviewTrust::Public { by_header }, by_cookie, secure, &both);
            assert_eq!(said.key, None);
            (said.name, said.cookie, said.by_cookie)
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(public(true, None, false), (text("n"), None, false));
        assert_eq!(public(false, Some(CookieChoice::Any), false), (None, text("c"), true));
        assert_eq!(public(false, Some(CookieChoice::Any), true), (None, text("s"), true));
        assert_eq!(public(false, Some(CookieChoice::Secure), false), (None, None, false));
        let internal = |headers: &[(&str, &str)]| said(PreviewTrust::Internal, None, false, headers).key;
        assert_eq!(internal(&[("baggage", "a=b, nuncio-preview = npk1 ;x,nuncio-preview=npk2")]), text("npk1"));
        assert_eq!(internal(&[("baggage", "nuncio-preview=npk1"), ("x-branch", "npk3")]), text("npk3"));
        assert_eq!(internal(&both[..1]), text("n"));
        assert_eq!(internal(&[("x-nuncio-preview", ""), ("baggage", "a=b")]), None);
    }
}

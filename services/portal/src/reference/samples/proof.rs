//! What a sample shows to be let through: a header each, whose value whoever sends it has in a variable. A login is a browser's,
//! and of no use here.

use serde::Serialize;

use crate::gateway::Credential;

/// A header that shows something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Shown {
    #[serde(rename = "name")]
    pub(super) header: String,
    /// What stands before the value: `Bearer `.
    #[serde(skip)]
    pub(super) before: String,
    #[serde(skip)]
    pub(crate) variable: String,
    /// Both, for a shell.
    shown: String,
}

/// How a program gets through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Proof {
    /// With nothing.
    #[default]
    Nothing,
    /// With these headers, which are of these credentials.
    Headers(Vec<Shown>, Vec<Credential>),
    /// Not at all: a browser may.
    Browser,
}

impl Proof {
    /// Where any of these sets lets a request through: tokens go before keys, but for keys that readers have at hand.
    pub(crate) fn of(demands: &[Vec<Credential>], has_own_keys: bool) -> Self {
        if demands.is_empty() || demands.iter().any(Vec::is_empty) {
            return Self::Nothing;
        }
        let headers = |demand: &Vec<Credential>| {
            let shown = demand.iter().map(of_credential).collect::<Option<Vec<_>>>()?.concat();
            Some((demand.iter().map(|it| rank(it, has_own_keys)).max()?, shown, demand.clone()))
        };
        let best = demands.iter().filter_map(headers).min_by_key(|(rank, ..)| *rank);
        best.map_or(Self::Browser, |(_, shown, demand)| Self::Headers(shown, demand))
    }

    /// The headers.
    pub(crate) fn headers(&self) -> &[Shown] {
        match self {
            Self::Headers(shown, _) => shown,
            Self::Nothing | Self::Browser => &[],
        }
    }
}

fn rank(credential: &Credential, has_own_keys: bool) -> u8 {
    match credential {
        Credential::Key { .. } if has_own_keys => 0,
        Credential::Token { .. } => 1,
        Credential::Key { .. } => 2,
        _ => 3,
    }
}

fn of_credential(credential: &Credential) -> Option<Vec<Shown>> {
    match credential {
        Credential::Token { .. } => Some(vec![Shown::new("Authorization", "Bearer ", "TOKEN")]),
        Credential::Key { places } => places.iter().find_map(|place| key(place)).map(|shown| vec![shown]),
        Credential::Password => Some(vec![Shown::new("Authorization", "Basic ", "NAME_AND_PASSWORD")]),
        Credential::Headers { names } => {
            let variable =
                |name: &String| name.to_uppercase().replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
            Some(names.iter().map(|name| Shown::new(name, "", &variable(name))).collect())
        }
        Credential::Login { .. } | Credential::Other => None,
    }
}

/// In a place as the controller calls it; nothing where that is no header.
fn key(place: &str) -> Option<Shown> {
    const VARIABLE: &str = "API_KEY";
    if let Some(cookie) = place.strip_prefix("cookie ") {
        return Some(Shown::new("Cookie", &format!("{cookie}="), VARIABLE));
    }
    let header = place.strip_prefix("header ")?;
    Some(match header.split_once(": ") {
        Some((header, scheme)) => Shown::new(header, &format!("{scheme} "), VARIABLE),
        None => Shown::new(header, "", VARIABLE),
    })
}

impl Shown {
    fn new(header: &str, before: &str, variable: &str) -> Self {
        let shown = format!("{before}${variable}");
        Self { header: header.to_owned(), before: before.to_owned(), variable: variable.to_owned(), shown }
    }

    /// For a shell, in which no letter of it but the variable means anything.
    pub(super) fn in_shell(&self) -> String {
        let plain = |text: &str| text.replace(['"', '\\', '$', '`', '!'], "");
        format!("\"{}: {}${}\"", plain(&self.header), plain(&self.before), self.variable)
    }

    /// The value in a language that reads the variable so, and puts texts together so.
    pub(super) fn written(&self, joined: &str, variable: &str) -> String {
        match self.before.as_str() {
            "" => variable.to_owned(),
            before => format!("{}{joined}{variable}", super::json(before)),
        }
    }

    /// The header where a key stands by itself.
    pub(crate) fn key_header(&self) -> Option<&str> {
        (self.variable == "API_KEY" && self.before.is_empty()).then_some(&self.header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(demands: &[Vec<Credential>]) -> Vec<String> {
        Proof::of(demands, false).headers().iter().map(Shown::in_shell).collect()
    }

    #[test]
    fn what_a_program_can_show_is_shown_tokens_first() {
        let login = || Credential::Login { provider: "https://idp.example".into(), scopes: Vec::new() };
        let token = || Credential::Token { issuer: None, scopes: Vec::new() };
        let key = |place: &str| Credential::Key { places: vec![place.to_owned()] };
        let in_header = || key("header X-Key");
        assert_eq!(Proof::of(&[], true), Proof::Nothing);
        assert_eq!(Proof::of(&[vec![login()], vec![]], true), Proof::Nothing, "who shows nothing passes, too");
        assert_eq!(Proof::of(&[vec![login()], vec![login(), token()]], true), Proof::Browser);
        assert_eq!(Proof::of(&[vec![key("query parameter key")]], true), Proof::Browser);
        assert_eq!(told(&[vec![login()], vec![in_header()], vec![token()]]), ["\"Authorization: Bearer $TOKEN\""]);
        let own = Proof::of(&[vec![token()], vec![in_header()]], true);
        assert_eq!(own.headers()[0].in_shell(), "\"X-Key: $API_KEY\"", "a key that is at hand goes first");
        assert_eq!(told(&[vec![login()], vec![in_header()]]), ["\"X-Key: $API_KEY\""]);
        assert_eq!(told(&[vec![token(), in_header()]]), ["\"Authorization: Bearer $TOKEN\"", "\"X-Key: $API_KEY\""]);
        assert_eq!(told(&[vec![key("header Authorization: Key")]]), ["\"Authorization: Key $API_KEY\""]);
        assert_eq!(told(&[vec![key("cookie `k\"$(x)")]]), ["\"Cookie: k(x)=$API_KEY\""]);
        let machine = Credential::Headers { names: vec!["X-Client-ID".into()] };
        assert_eq!(told(&[vec![machine]]), ["\"X-Client-ID: $X_CLIENT_ID\""]);
    }
}

//! Texts with Envoy's command operators: `%REQ(:path)%`.

use super::format_cel::kept_header;
use super::format_operators::{LENGTH, OPTIONAL, PLAIN, REQUIRED};
use super::header::is_assertion;
use super::value::is_token;
use crate::text::{closest, shorten};

/// Checks a text for command operators that Envoy does not know or that are not complete. `%%` is a percent sign.
pub(super) fn check(text: &str) -> Result<(), String> {
    let mut rest = text;
    while let Some(start) = rest.find('%') {
        rest = &rest[start + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            rest = after;
            continue;
        }
        let operator = Operator::read(rest).ok_or_else(|| lone_percent(rest))?;
        operator.check()?;
        rest = operator.rest;
    }
    Ok(())
}

/// Headers of requests that hold the key of a preview, or what lets somebody see it.
const WITH_KEYS: [&str; 5] = ["x-nuncio-preview", "x-nuncio-scope", "x-nuncio-select", "x-nuncio-share", "baggage"];

/// Checks that a text for logs shows neither a key of a preview, which `others` hold too, in lower case, nor the gateway's word. Of
/// operators that are complete.
pub(super) fn keeps_keys(text: &str, others: &[String]) -> Result<(), String> {
    let told = |header: String| format!("{header} {}, which is not to be in logs", held_in(&header));
    kept_in(text, |header| holds_key(header, others)).map_or(Ok(()), |header| Err(told(header)))
}

/// Whether a header of requests, in lower case, may hold what opens something: the key of a preview, which `others` hold too, or
/// the gateway's word on who it is.
#[must_use]
pub fn holds_key(header: &str, others: &[String]) -> bool {
    is_assertion(header) || holds_key_of_preview(header) || others.iter().any(|other| other == header)
}

/// Whether a header of requests, in lower case, may hold the key of a preview.
pub(super) fn holds_key_of_preview(header: &str) -> bool {
    WITH_KEYS.contains(&header)
}

/// What such a header holds.
#[must_use]
pub fn held_in(header: &str) -> &'static str {
    if is_assertion(header) {
        "is the gateway's signed word on who a request is from"
    } else {
        "may hold the key of a preview"
    }
}

/// The first header of those that are kept, in lower case, that a text shows.
pub(super) fn kept_in(text: &str, is_kept: impl Fn(&str) -> bool) -> Option<String> {
    let mut rest = text;
    while let Some(start) = rest.find('%') {
        rest = &rest[start + 1..];
        let Some(Operator { name, parameters, rest: after, .. }) = Operator::read(rest) else {
            rest = rest.strip_prefix('%').unwrap_or(rest);
            continue;
        };
        let parameters = parameters.unwrap_or_default();
        let shown = match name {
            "REQ" | "REQUEST_HEADER" | "STREAM_INFO_REQ" => {
                parameters.split('?').map(str::to_ascii_lowercase).find(|name| is_kept(name))
            }
            "CEL" => kept_header(parameters, &is_kept),
            _ => None,
        };
        if shown.is_some() {
            return shown;
        }
        rest = after;
    }
    None
}

fn lone_percent(after: &str) -> String {
    let near = shorten(&after.chars().take(12).collect::<String>());
    format!(
        "a lone % before \"{near}\": write %% for a percent sign, or %OPERATOR% for one of Envoy's command operators"
    )
}

/// `NAME%`, `NAME(parameters)%`, `NAME:12%` or `NAME(parameters):12%`.
struct Operator<'a> {
    name: &'a str,
    parameters: Option<&'a str>,
    length: bool,
    rest: &'a str,
}

impl<'a> Operator<'a> {
    /// Reads what follows a percent sign.
    fn read(text: &'a str) -> Option<Self> {
        let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let (name, after) = text.split_at(text.find(|c| !is_name(c))?);
        if name.is_empty() {
            return None;
        }
        if let Some((length, rest)) = Self::tail(after) {
            return Some(Self { name, parameters: None, length, rest });
        }
        // The parameters end at the first parenthesis after which the operator can end.
        let inside = after.strip_prefix('(')?;
        inside.match_indices(')').find_map(|(end, _)| {
            let (length, rest) = Self::tail(&inside[end + 1..])?;
            let parameters = Some(&inside[..end]).filter(|parameters| !parameters.is_empty());
            Some(Self { name, parameters, length, rest })
        })
    }

    /// Reads the end, `%` or `:12%`: whether there is a length, and what follows.
    fn tail(text: &'a str) -> Option<(bool, &'a str)> {
        if let Some(rest) = text.strip_prefix('%') {
            return Some((false, rest));
        }
        let (digits, rest) = text.strip_prefix(':')?.split_once('%')?;
        let number = !digits.is_empty() && digits.len() < 10 && digits.bytes().all(|b| b.is_ascii_digit());
        number.then_some((true, rest))
    }

    fn check(&self) -> Result<(), String> {
        let name = self.name;
        let (plain, optional, required) = (PLAIN.contains(&name), OPTIONAL.contains(&name), REQUIRED.contains(&name));
        if !plain && !optional && !required {
            let known: Vec<_> = [PLAIN, OPTIONAL, REQUIRED].concat();
            let meant = closest(name, &known).map(|meant| format!(": did you mean %{meant}%?")).unwrap_or_default();
            return Err(format!("Envoy has no command operator %{}%{meant}", shorten(name)));
        }
        match self.parameters {
            None if required => return Err(format!("%{name}(…)% needs parameters")),
            Some(_) if plain => return Err(format!("%{name}% takes no parameters")),
            Some(parameters) if of_header(name) => header(name, parameters)?,
            _ => {}
        }
        if self.length && !LENGTH.contains(&name) {
            return Err(format!("%{name}% takes no length"));
        }
        Ok(())
    }
}

fn of_header(name: &str) -> bool {
    matches!(name, "REQ" | "RESP" | "TRAILER" | "REQUEST_HEADER" | "RESPONSE_HEADER" | "RESPONSE_TRAILER")
}

/// `header` or `header?alternative`.
fn header(name: &str, parameters: &str) -> Result<(), String> {
    let (main, alternative) = match parameters.split_once('?') {
        Some((main, alternative)) => (main, Some(alternative)),
        None => (parameters, None),
    };
    let is_name = |header: &str| is_token(header.strip_prefix(':').unwrap_or(header));
    if is_name(main) && alternative.is_none_or(|alternative| alternative.is_empty() || is_name(alternative)) {
        return Ok(());
    }
    Err(format!("%{name}({})% names no header", shorten(parameters)))
}

#[cfg(test)]
mod tests {
    use super::{check, keeps_keys};

    #[test]
    fn logs_show_no_keys() {
        for text in [
            "%REQ(baggage)%",
            "a %REQ(x?X-Nuncio-Preview):5% b",
            "%%%REQUEST_HEADER(BAGGAGE)%",
            "%CEL(request.headers['baggage'])%",
            "%CEL(string(request.headers)):9%",
            "%REQ(X-Nuncio-Assertion)%",
            "%REQ(x?x-nuncio-assertion):9%",
            "%CEL(request.headers['x-nuncio-assertion'])%",
        ] {
            assert!(keeps_keys(text, &[]).is_err(), "{text}");
        }
        let why = keeps_keys("%REQ(x-nuncio-assertion)%", &[]).unwrap_err();
        assert!(why.contains("word on who a request is from"), "{why}");
        let good = [
            "%REQ(x-request-id)%",
            "100%% baggage",
            "%RESP(baggage)%",
            "%%REQ(baggage)%%",
            "%REQ(X-Branch)%",
            "%CEL(request.headers['x-branch'])%",
        ];
        for text in good {
            assert_eq!(keeps_keys(text, &[]), Ok(()), "{text}");
        }
        for text in &good[4..] {
            assert!(keeps_keys(text, &["x-branch".to_owned()]).is_err(), "{text}");
        }
    }

    #[test]
    fn operators_are_checked() {
        let good = [
            "",
            "plain",
            "100%%",
            "%%%%",
            "%PROTOCOL%",
            "a %REQ(:METHOD)% b",
            "[%REQ(x-in)%]",
            "%REQ(A?B):10%",
            "%START_TIME(%Y-%m-%d)%",
            "%START_TIME(%s.%3f)%",
            "%DYNAMIC_METADATA(com.x:key)%",
            "%PATH%",
            "%PATH:5%",
            "%RESPONSE_CODE%%%",
            "%PROTOCOL()%",
            "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
            "%CEL(f(x))%",
        ];
        for text in good {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        let bad = [
            ("100%", "lone %"),
            ("% x %", "lone %"),
            ("%a%", "lone %"),
            ("%PROTOCOL", "lone %"),
            ("%%%", "lone %"),
            ("%REQ(x%", "lone %"),
            ("%NO_SUCH_THING%", "no command operator"),
            ("%PROTOCAL%", "did you mean %PROTOCOL%?"),
            ("%REQ%", "needs parameters"),
            ("%REQ()%", "needs parameters"),
            ("%REQ(a?b?c)%", "names no header"),
            ("%REQ(a b)%", "names no header"),
            ("%PROTOCOL(x)%", "takes no parameters"),
            ("%PROTOCOL:3%", "takes no length"),
            ("%UPSTREAM_METADATA(a):3%", "takes no length"),
        ];
        for (text, message) in bad {
            let error = check(text).unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}

//! Whether a route takes a request, and why not.

use nuncio_ir::{HeaderMatch, PathMatch, QueryMatch, Route, ValueMatch};

use super::request::Request;
use crate::view::{header_text, query_text};

/// Whether something takes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    Yes,
    /// Not, for this reason.
    No(String),
    /// Only Envoy knows: the reason.
    Unknown(String),
}

impl Fit {
    fn of(fits: bool, reason: impl FnOnce() -> String) -> Self {
        if fits { Self::Yes } else { Self::No(reason()) }
    }

    /// What does not fit outweighs what cannot be told.
    fn and(self, other: impl FnOnce() -> Self) -> Self {
        match (self, other) {
            (Self::Yes, other) => other(),
            (no @ Self::No(_), _) => no,
            (unknown, other) => match other() {
                no @ Self::No(_) => no,
                _ => unknown,
            },
        }
    }
}

/// Whether the route takes the request.
pub(super) fn fit(route: &Route, request: &Request) -> Fit {
    let matches = &route.matches;
    let of_path = PathTest::of(&matches.path).fit(&request.path);
    let headers = matches.headers.iter().fold(of_path, |fit, wanted| fit.and(|| header(wanted, request)));
    matches.query.iter().fold(headers, |fit, wanted| fit.and(|| query(wanted, request)))
}

/// What a route asks of a request whose method and path it takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Open {
    /// Headers and parameters, in words.
    pub(super) conditions: Vec<String>,
    /// Why only Envoy knows whether it takes it.
    pub(super) doubt: Option<String>,
}

impl Open {
    /// Whether it takes every request of that method and path.
    pub(super) fn takes_all(&self) -> bool {
        self.conditions.is_empty() && self.doubt.is_none()
    }
}

/// What the route asks of a request besides what is known of it already; `None` where that does not fit. Whatever headers it
/// may have are not known, but for those that the gateway sets itself.
pub(super) fn open(route: &Route, path: &PathTest<'_>, request: &Request) -> Option<Open> {
    let mut open = Open::default();
    let mut take = |fit: Fit| match fit {
        Fit::Yes => Some(()),
        Fit::No(_) => None,
        Fit::Unknown(reason) => {
            open.doubt = Some(reason);
            Some(())
        }
    };
    take(path.fit(&request.path))?;
    let (known, asked): (Vec<_>, Vec<_>) =
        route.matches.headers.iter().partition(|wanted| request.header(&wanted.name).is_some());
    known.into_iter().try_for_each(|wanted| take(header(wanted, request)))?;
    open.conditions.extend(asked.into_iter().map(header_text));
    open.conditions.extend(route.matches.query.iter().map(query_text));
    Some(open)
}

/// A condition on the path, ready to be tried on many.
#[derive(Clone, Debug)]
pub(crate) struct PathTest<'r> {
    wanted: &'r PathMatch,
    /// That of an expression, if it can be tried here at all.
    regex: Option<regex::Regex>,
}

impl<'r> PathTest<'r> {
    pub(crate) fn of(wanted: &'r PathMatch) -> Self {
        Self::with(wanted, |regex| compiled(regex).ok())
    }

    /// With what makes expressions ready.
    pub(crate) fn with(wanted: &'r PathMatch, compile: impl FnOnce(&'r str) -> Option<regex::Regex>) -> Self {
        let regex = match wanted {
            PathMatch::Regex(regex) => compile(regex),
            _ => None,
        };
        Self { wanted, regex }
    }

    pub(super) fn fit(&self, path: &str) -> Fit {
        match (self.takes(path), self.wanted) {
            (None, PathMatch::Regex(regex)) => untried(regex),
            (fits, _) => Fit::of(fits == Some(true), || format!("the path {path} does not fit")),
        }
    }

    /// Whether it takes a path, if that can be told.
    pub(crate) fn takes(&self, path: &str) -> Option<bool> {
        Some(match self.wanted {
            PathMatch::Prefix { value, case_sensitive: true } => path.starts_with(value.as_str()),
            PathMatch::Prefix { value, case_sensitive: false } => {
                path.get(..value.len()).is_some_and(|start| start.eq_ignore_ascii_case(value))
            }
            PathMatch::Exact { value, case_sensitive: true } => path == value,
            PathMatch::Exact { value, case_sensitive: false } => path.eq_ignore_ascii_case(value),
            PathMatch::Segments(value) => {
                path.strip_prefix(value.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            PathMatch::Regex(_) => self.regex.as_ref()?.is_match(path),
        })
    }
}

fn header(wanted: &HeaderMatch, request: &Request) -> Fit {
    let values = request.headers.iter().filter(|(name, _)| *name == wanted.name).map(|(_, value)| value);
    let mut first = None;
    let mut fits = false;
    for value in values {
        first.get_or_insert(value);
        match value_fits(&wanted.value, value) {
            Ok(this) => fits |= this,
            Err(unknown) => return unknown,
        }
    }
    let name = wanted.name.trim_start_matches(':');
    match first {
        None => Fit::No(format!("the header {name} is missing")),
        Some(value) => Fit::of(fits != wanted.invert, || is(name, value)),
    }
}

/// What a header says, in the user's words.
fn is(name: &str, value: &str) -> String {
    match (name, value) {
        ("x-forwarded-proto", "https") => "the request is secure".to_owned(),
        ("x-forwarded-proto", _) => "the request is not secure".to_owned(),
        ("method" | "authority", _) => format!("the {name} is {value}"),
        _ => format!("the header {name} is {value:?}"),
    }
}

fn query(wanted: &QueryMatch, request: &Request) -> Fit {
    let name = &wanted.name;
    match request.query.iter().find(|(other, _)| other == name) {
        None => Fit::No(format!("the query parameter {name} is missing")),
        Some((_, value)) => match value_fits(&wanted.value, value) {
            Ok(fits) => Fit::of(fits, || format!("the query parameter {name} is {value:?}")),
            Err(unknown) => unknown,
        },
    }
}

pub(crate) fn value_fits(wanted: &ValueMatch, value: &str) -> Result<bool, Fit> {
    let fold = |text: &str, ignore: bool| if ignore { text.to_ascii_lowercase() } else { text.to_owned() };
    Ok(match wanted {
        ValueMatch::Exact(text) => value == text,
        ValueMatch::Prefix { value: text, ignore_case } => {
            fold(value, *ignore_case).starts_with(&fold(text, *ignore_case))
        }
        ValueMatch::Suffix { value: text, ignore_case } => {
            fold(value, *ignore_case).ends_with(&fold(text, *ignore_case))
        }
        ValueMatch::Contains(text) => value.contains(&**text),
        ValueMatch::Regex(regex) => whole(regex, value)?,
        ValueMatch::Present => true,
    })
}

/// Whether the expression matches all of the text. Envoy's RE2 takes some that cannot be tried here.
fn whole(regex: &str, text: &str) -> Result<bool, Fit> {
    compiled(regex).map(|compiled| compiled.is_match(text)).map_err(|_| untried(regex))
}

/// An expression for whole texts, if it is one of those that can be tried here.
pub(crate) fn compiled(regex: &str) -> Result<regex::Regex, regex::Error> {
    regex::Regex::new(&format!("^(?:{regex})$"))
}

fn untried(regex: &str) -> Fit {
    Fit::Unknown(format!("cannot tell: only Envoy can try the expression {regex}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_tried_is_said() {
        assert_eq!(whole("/a.", "/ab"), Ok(true));
        assert_eq!(whole("/a", "/ab"), Ok(false));
        assert!(matches!(whole(r"/\C", "/x"), Err(Fit::Unknown(reason)) if reason.starts_with("cannot tell: ")));
        let (no, unknown) = (|| Fit::No("no".into()), || Fit::Unknown("?".into()));
        assert_eq!(unknown().and(no), no());
        assert_eq!(unknown().and(|| Fit::Yes), unknown());
        assert_eq!(Fit::Yes.and(unknown), unknown());
    }
}

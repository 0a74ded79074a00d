//! Log lines on standard error, for people or for programs.

use std::fmt;
use std::io::IsTerminal;
use std::str::FromStr;

use tracing::Subscriber;
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, fmt as format};

use crate::Error;

/// Libraries whose `info` is noise to an operator. A directive of the same target in the filter wins. `notify` warns of each
/// directory that is gone before its watch is taken away, and hands on whatever matters.
const QUIET: &str =
    "h2=warn,hyper=warn,hyper_util=warn,tonic=warn,tower=warn,notify=error,opentelemetry=warn,rustls=warn";

/// The shape of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// One readable line, coloured on a terminal.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// A log format that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a log format: use text or json")]
pub struct UnknownLogFormat(String);

impl FromStr for LogFormat {
    type Err = UnknownLogFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(UnknownLogFormat(other.to_owned())),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// The layer that writes logs.
pub(crate) fn layer<S>(log_format: LogFormat, filter: &str) -> Result<Box<dyn Layer<S> + Send + Sync>, Error>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let filter = parse(filter)?;
    let lines = format::layer().with_writer(std::io::stderr);
    Ok(match log_format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).with_filter(filter).boxed(),
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(true).with_span_list(false).with_filter(filter).boxed()
        }
    })
}

/// Directives of `filter` come after those of [`QUIET`], so that they replace them.
fn parse(filter: &str) -> Result<EnvFilter, Error> {
    let filter = if filter.trim().is_empty() { "info" } else { filter };
    let wrong = |reason: String| Error::Filter { filter: filter.to_owned(), reason };
    // A bare word is a level or a mistake, though the filter would take it for a module to log everything of.
    let bare_word = |part: &str| !part.contains(['=', '[', ':']) && part.parse::<LevelFilter>().is_err();
    if let Some(word) = filter.split(',').map(str::trim).find(|part| bare_word(part)) {
        return Err(wrong(format!("{word:?} is not one of off, error, warn, info, debug, trace")));
    }
    EnvFilter::builder().parse(format!("{QUIET},{filter}")).map_err(|error| wrong(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_levels_or_directives() {
        assert!(["info", "", "debug,h2=debug", "nuncio_xds::machine=trace,warn"].into_iter().all(|f| parse(f).is_ok()));
        assert!(["loud", "info,loud", "nuncio=loud"].into_iter().all(|f| parse(f).is_err()));
    }

    #[test]
    fn what_is_asked_for_replaces_what_is_quiet() {
        let filter = parse("info,h2=debug").unwrap().to_string();
        assert!(
            filter.contains("h2=debug") && !filter.contains("h2=warn") && filter.contains("tonic=warn"),
            "{filter}"
        );
    }

    #[test]
    fn formats_are_read_as_they_are_shown() {
        for format in [LogFormat::Text, LogFormat::Json] {
            assert_eq!(format.to_string().parse::<LogFormat>().unwrap(), format);
        }
        assert!("xml".parse::<LogFormat>().is_err());
    }
}

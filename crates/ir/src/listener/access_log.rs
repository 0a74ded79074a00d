//! Access logs of listeners.

/// Access log of a listener.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccessLog {
    /// File written to.
    pub path: String,
    /// Format of a line.
    pub format: AccessLogFormat,
}

/// Format of an access log line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AccessLogFormat {
    /// Nuncio's own text format.
    DefaultText,
    /// Nuncio's own JSON object.
    DefaultJson,
    /// A format string.
    Text(String),
    /// A JSON object a line, sorted by key; values are format strings.
    Json {
        /// Key and value.
        fields: Vec<(String, JsonLogValue)>,
    },
}

/// A value of a JSON access log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum JsonLogValue {
    /// A format string. Alone in a value (`%RESPONSE_CODE%`), an operator keeps its type.
    Text(String),
    /// An object.
    Object(Vec<(String, JsonLogValue)>),
}

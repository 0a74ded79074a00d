//! `/stats`: all counters as one JSON object.

use super::registry::Registry;

/// The counters as Go's `expvar` shows them: one object, a number for each name.
pub fn expvar(registry: &Registry) -> String {
    serde_json::to_string_pretty(&registry.counters()).unwrap_or_default()
}

//! Headers between the gateway and the services that decide about requests.

/// What a service that is asked by HTTP is sent of every request.
pub const REQUEST_HEADERS: [&str; 8] = [
    "authorization",
    "cookie",
    "from",
    "proxy-authorization",
    "user-agent",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];

/// What is passed on of each of its answers.
pub const RESPONSE_HEADERS: [&str; 5] =
    ["authorization", "location", "proxy-authenticate", "set-cookie", "www-authenticate"];

/// Carries the signed assertion of who a request is from. A client's own is always removed.
pub const ASSERTION_HEADER: &str = "x-nuncio-assertion";

/// Whether clients send a header of this name, in lower case, with every right: it says nothing of who they are that
/// anybody would have to believe, or is checked by whoever it is for.
#[must_use]
pub fn is_clients_own(name: &str) -> bool {
    #[rustfmt::skip]
    const NAMES: [&str; 33] = [
        "b3", "baggage", "cache-control", "connection", "date", "dnt", "expect", "forwarded", "host", "keep-alive",
        "origin", "pragma", "priority", "range", "referer", "te", "traceparent", "tracestate", "trailer",
        "transfer-encoding", "upgrade", "upgrade-insecure-requests", "via", "warning", "x-forwarded-by",
        "x-forwarded-client-cert", "x-forwarded-port", "x-forwarded-prefix", "x-forwarded-scheme", "x-forwarded-server",
        "x-real-ip", "x-request-id", "x-requested-with",
    ];
    let of_requests = |name: &str| NAMES.contains(&name) || REQUEST_HEADERS.contains(&name);
    const PREFIXES: [&str; 8] = ["accept", "access-control-", "content-", "grpc-", "if-", "sec-", "x-b3-", "x-ot-"];
    of_requests(name) || RESPONSE_HEADERS.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_is_asked_is_sent_what_clients_send_and_no_word_of_who_they_are() {
        for name in REQUEST_HEADERS.into_iter().chain(["accept", "content-type", "x-request-id"]) {
            assert!(is_clients_own(name), "{name}");
        }
        for name in ["x-user", "x-forwarded-groups", "x-forwarded-user", ASSERTION_HEADER] {
            assert!(!is_clients_own(name), "{name}");
        }
    }
}

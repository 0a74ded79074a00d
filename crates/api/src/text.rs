//! Helps for messages.

/// The word that may have been meant: the closest one, if it is close.
pub fn closest<'w>(word: &str, words: &[&'w str]) -> Option<&'w str> {
    near(word, words).into_iter().min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// The word that was evidently meant by a value, to be told: none where others are as near, but for one that is as long, or where
/// it has other numbers, which are no slip of the pen.
pub(crate) fn suggestion(word: &str, words: &[&'static str]) -> Option<&'static str> {
    let near = near(word, words);
    let least = near.iter().map(|(distance, _)| *distance).min()?;
    let nearest: Vec<_> = near.into_iter().filter(|(distance, _)| *distance == least).map(|(_, near)| near).collect();
    let as_long: Vec<_> = nearest.iter().copied().filter(|near| near.len() == word.len()).collect();
    let meant = match (&nearest[..], &as_long[..]) {
        ([only], _) | (_, [only]) => *only,
        _ => return None,
    };
    let without_digits = |word: &str| plain(word).replace(|c: char| c.is_ascii_digit(), "");
    let is_number = plain(word) != plain(meant) && without_digits(word) == without_digits(meant);
    (!is_number).then_some(meant)
}

/// The words that are close, each with its distance.
fn near<'w>(word: &str, words: &[&'w str]) -> Vec<(usize, &'w str)> {
    // A long word has no chance, and would take long.
    if word.len() > 64 {
        return Vec::new();
    }
    let given = plain(word);
    let allowed = match given.len() {
        0..=2 => 0,
        3..=5 => 1,
        6..=10 => 2,
        _ => 3,
    };
    words
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&given, &plain(candidate)), *candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .collect()
}

/// A word as it is compared with others.
pub(crate) fn plain(word: &str) -> String {
    word.to_ascii_lowercase().replace(['-', '_', ' '], "")
}

/// Whether a header's name is spelled as Envoy's `proper_case_words` does it: a capital at the beginning and behind whatever is no
/// letter or digit, and nowhere else.
pub(crate) fn is_proper_case(name: &str) -> bool {
    let before = std::iter::once(b'-').chain(name.bytes());
    name.bytes().zip(before).all(|(b, before)| {
        let begins = !before.is_ascii_alphanumeric();
        if begins { !b.is_ascii_lowercase() } else { !b.is_ascii_uppercase() }
    })
}

/// The host without a port. Brackets of an IPv6 address stay.
#[must_use]
pub fn without_port(host: &str) -> &str {
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) && (!name.contains(':') || name.ends_with(']')) => name,
        _ => host,
    }
}

/// `a, b or c`.
pub(crate) fn one_of(words: &[&str]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [word] => (*word).to_owned(),
        [words @ .., last] => format!("{} or {last}", words.join(", ")),
    }
}

/// Text that is short enough to stand in a message, on one line.
pub(crate) fn shorten(text: &str) -> String {
    const LENGTH: usize = 60;
    let mut short: String = text.chars().take(LENGTH).flat_map(char::escape_debug).collect();
    if text.chars().nth(LENGTH).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::{closest, is_proper_case, one_of, shorten, suggestion, without_port};

    #[test]
    fn a_slip_of_the_pen_is_understood() {
        let words = ["timeout_ms", "prefix", "mappingSelector", "host", "add_request_headers"];
        let table = [
            ("timeout", Some("timeout_ms")),
            ("timeoutms", Some("timeout_ms")),
            ("timout_ms", Some("timeout_ms")),
            ("perfix", Some("prefix")),
            ("mapping_selector", Some("mappingSelector")),
            ("hots", Some("host")),
            ("add_request_header", Some("add_request_headers")),
            ("no_such_field", None),
            ("h", None),
        ];
        for (word, meant) in table {
            assert_eq!(closest(word, &words), meant, "{word}");
        }
    }

    #[test]
    fn a_value_is_suggested_where_no_other_is_as_near() {
        let protocols = ["HTTP", "HTTPS", "HTTPPROXY", "HTTPSPROXY", "TCP", "TLS"];
        let versions = ["v1.0", "v1.1", "v1.2", "v1.3"];
        let levels = ["BEST", "COMPRESSION_LEVEL_1", "COMPRESSION_LEVEL_9"];
        let table: [(&str, &[&'static str], Option<&str>); 14] = [
            ("HTTPZ", &protocols, Some("HTTPS")),
            ("HTTTP", &protocols, Some("HTTP")),
            ("HTP", &protocols, Some("HTTP")),
            ("https", &protocols, Some("HTTPS")),
            ("HTTPS_PROXY", &protocols, Some("HTTPSPROXY")),
            ("TSL", &protocols, Some("TLS")),
            ("QUIC", &protocols, None),
            ("v1.4", &versions, None),
            ("v1.10", &versions, None),
            ("1.2", &versions, Some("v1.2")),
            ("COMPRESSION_LEVEL_10", &levels, None),
            ("COMPRESION_LEVEL_9", &levels, Some("COMPRESSION_LEVEL_9")),
            ("retriable-5xx", &["gateway-error", "retriable-4xx"], None),
            ("", &protocols, None),
        ];
        for (word, words, meant) in table {
            assert_eq!(suggestion(word, words), meant, "{word}");
        }
    }

    #[test]
    fn proper_case_is_told_from_others() {
        for name in ["X-Request-Id", "Te", "Foo$B#$Are", "X-2x", "X--Y", "1"] {
            assert!(is_proper_case(name), "{name}");
        }
        for name in ["x-request-id", "X-Request-ID", "TE", "X-my-Header", "X-2X"] {
            assert!(!is_proper_case(name), "{name}");
        }
    }

    #[test]
    fn a_port_is_told_from_an_address() {
        let table =
            [("a:80", "a"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]"), ("::1", "::1"), ("a:", "a:"), ("*:8", "*")];
        for (host, name) in table {
            assert_eq!(without_port(host), name);
        }
    }

    #[test]
    fn words_are_listed_and_text_is_cut() {
        assert_eq!(one_of(&["a", "b", "c"]), "a, b or c");
        assert_eq!(shorten("a\nb"), "a\\nb");
        assert_eq!(shorten(&"x".repeat(80)).chars().count(), 61);
    }
}

//! Names as statsd takes them.

/// `name` without what statsd gives a meaning to: `:` and `|`, and the dots of IPv4 addresses, become `_`
/// (envoyproxy/ratelimit, `utils.SanitizeStatName`).
pub(super) fn sanitize(name: &str) -> String {
    let mut bytes = name.replace([':', '|'], "_").into_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match ipv4_length(&bytes[at..]) {
            Some(length) => {
                bytes[at..at + length].iter_mut().filter(|byte| **byte == b'.').for_each(|dot| *dot = b'_');
                at += length;
            }
            None => at += 1,
        }
    }
    // Only ASCII was replaced by ASCII.
    String::from_utf8(bytes).unwrap_or_default()
}

/// Length of `\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}` at the front.
fn ipv4_length(bytes: &[u8]) -> Option<usize> {
    let mut length = 0;
    for group in 0..4 {
        if group > 0 {
            (bytes.get(length) == Some(&b'.')).then_some(())?;
            length += 1;
        }
        let digits = bytes[length..].iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
        (digits > 0).then_some(())?;
        length += digits;
    }
    Some(length)
}

#[cfg(test)]
mod tests {
    use super::sanitize;

    #[test]
    fn dots_of_addresses_are_replaced_and_others_stay() {
        assert_eq!(sanitize("d.k_10.0.0.1.n"), "d.k_10_0_0_1.n");
        assert_eq!(sanitize("d.k_a:b|c"), "d.k_a_b_c");
        assert_eq!(sanitize("d.1.2.3"), "d.1.2.3");
        assert_eq!(sanitize("d.k_1234.1.1.1é"), "d.k_1234_1_1_1é");
    }
}

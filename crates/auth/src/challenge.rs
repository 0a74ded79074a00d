//! What a refusal says that would do: the value of `WWW-Authenticate`.

/// A challenge (RFC 9110, section 11.6.1).
#[must_use]
pub fn challenge(scheme: &str, parameters: &[(&str, &str)]) -> String {
    let written: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}=\"{}\"", quoted(value))).collect();
    format!("{scheme} {}", written.join(", "))
}

/// For a quoted string: nothing that could end it.
fn quoted(text: &str) -> String {
    text.chars().map(|c| if c == '"' || c == '\\' || c.is_control() || !c.is_ascii() { '\'' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_value_before_its_end() {
        let written = challenge("Bearer", &[("realm", "a\"b\r\\é"), ("error", "invalid_token")]);
        assert_eq!(written, r#"Bearer realm="a'b'''", error="invalid_token""#);
    }
}

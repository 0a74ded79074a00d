//! Regular expressions that are looked for in headers.

use regex::Regex;

/// An expression that does not compile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the expression does not compile: {0}")]
pub struct InvalidRegex(String);

/// Compiles an expression.
///
/// # Errors
/// When it is none, or would be too large.
pub fn regex(pattern: &str) -> Result<Regex, InvalidRegex> {
    Regex::new(pattern).map_err(|error| {
        // The last line says why; those above it show where.
        let shown = error.to_string();
        let why = shown.lines().last().unwrap_or_default().trim();
        InvalidRegex(why.strip_prefix("error: ").unwrap_or(why).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::regex;

    #[test]
    fn what_is_wrong_fits_on_one_line() {
        assert!(regex("^text/(html|plain)").unwrap().is_match("text/html"));
        assert_eq!(regex("(a").unwrap_err().to_string(), "the expression does not compile: unclosed group");
        assert!(!regex("a{1000}{1000}{1000}").unwrap_err().to_string().contains('\n'));
    }
}

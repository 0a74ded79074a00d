//! Errors in whole: the outermost alone often says no more than "client error".

use std::error::Error;

/// An error down to its cause, which says the most; what wrappers repeat is told once.
#[must_use]
pub fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let told = cause.to_string();
        if !text.contains(&told) {
            text = format!("{text}: {told}");
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn what_is_repeated_is_told_once() {
        let inner = io::Error::other("connection refused");
        let outer = io::Error::other(io::Error::other(inner));
        assert_eq!(causes(&outer), "connection refused");
        #[derive(Debug)]
        struct Failed(io::Error);
        impl std::fmt::Display for Failed {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("error sending request")
            }
        }
        impl Error for Failed {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&self.0)
            }
        }
        assert_eq!(causes(&Failed(outer)), "error sending request: connection refused");
    }
}

//! Words in names: `priceCents`, `price_cents` and `/price/{cents}` have the same.

/// The words of a text, in lower case.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for run in text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty()) {
        parts(run).for_each(|part| words.push(part.to_lowercase()));
    }
    words
}

/// A text with the words of its names beside them: either may be asked for.
pub(super) fn spread(text: &str) -> String {
    let runs = text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty());
    let spread = runs.flat_map(|run| {
        let parts: Vec<_> = parts(run).collect();
        let whole = (parts.len() > 1).then_some(run);
        parts.into_iter().chain(whole)
    });
    spread.collect::<Vec<_>>().join(" ")
}

/// The parts of a name in camel case.
fn parts(run: &str) -> impl Iterator<Item = &str> {
    let bounds = run
        .char_indices()
        .zip(run.chars().skip(1))
        .filter_map(|((at, c), next)| (c.is_lowercase() && next.is_uppercase()).then_some(at + c.len_utf8()));
    let bounds: Vec<usize> = std::iter::once(0).chain(bounds).chain([run.len()]).collect();
    (1..bounds.len()).map(move |end| &run[bounds[end - 1]..bounds[end]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        assert_eq!(words("priceCents price_cents /price/{cents}"), ["price", "cents"].repeat(3));
        assert_eq!(words("HTTPServer ÄpfelÖl"), ["httpserver", "äpfel", "öl"]);
        assert_eq!(spread("putCartLine /x"), "put Cart Line putCartLine x");
    }
}

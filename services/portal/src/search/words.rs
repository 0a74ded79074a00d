//! Words in names: `priceCents`, `price_cents` and `/price/{cents}` have the same.

/// The longest word, in bytes: the index has no longer ones.
const MAX_WORD: usize = 39;

/// The words of a text, in lower case.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for run in text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty()) {
        parts(run).for_each(|part| words.push(cut(&part.to_lowercase()).to_owned()));
    }
    words
}

/// A text with the words of its names beside them: either may be asked for.
pub(super) fn spread(text: &str) -> String {
    let runs = text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty());
    let spread = runs.flat_map(|run| {
        let parts: Vec<_> = parts(run).collect();
        let whole = (parts.len() > 1).then_some(run);
        parts.into_iter().chain(whole).map(cut)
    });
    spread.collect::<Vec<_>>().join(" ")
}

/// The beginning of a word that is too long.
fn cut(word: &str) -> &str {
    &word[..word.floor_char_boundary(MAX_WORD)]
}

/// Where in a text something begins with one of these words: parts of names, and names as a whole. They do not overlap, and are
/// in order.
pub(super) fn hits(text: &str, words: &[String]) -> Vec<Hit> {
    let lower = text.to_lowercase();
    if !words.iter().any(|word| lower.contains(word.as_str())) {
        return Vec::new();
    }
    let mut hits = Vec::new();
    let start = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
    for run in text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty()) {
        let before = hits.len();
        hits.extend(parts(run).filter_map(|part| Hit::of(part, start(part), words)));
        if hits.len() == before {
            hits.extend(Hit::of(run, start(run), words));
        }
    }
    hits
}

/// A part of a text that begins with a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// In bytes, the end not in it.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Which of the words.
    pub(super) word: usize,
    /// It is that word, and no longer one.
    pub(super) is_whole: bool,
}

impl Hit {
    fn of(part: &str, start: usize, words: &[String]) -> Option<Self> {
        let lower = part.to_lowercase();
        let is_whole = |word: &&String| **word == lower;
        let whole = words.iter().position(|word| is_whole(&word));
        let word = whole.or_else(|| words.iter().position(|word| lower.starts_with(word.as_str())))?;
        Some(Self { start, end: start + part.len(), word, is_whole: whole.is_some() })
    }
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
        let (long, wide) = ("a".repeat(100), "ä".repeat(100));
        assert_eq!((spread(&long), words(&long)), ("a".repeat(39), vec!["a".repeat(39)]));
        assert_eq!((spread(&wide), words(&wide)), ("ä".repeat(19), vec!["ä".repeat(19)]));
    }

    #[test]
    fn words_are_found_where_a_part_begins_with_them() {
        let found = |text: &str, question: &str| {
            let hits = hits(text, &words(question));
            hits.into_iter().map(|hit| text[hit.start..hit.end].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(found("priceCents or price_cents", "price"), ["price", "price"]);
        assert_eq!(found("priceCents", "pricece"), ["priceCents"]);
        assert_eq!(found("the unit price: cents", "cents pri"), ["price", "cents"]);
        assert_eq!(found("ÄPFEL, apfelmus", "äpfel"), ["ÄPFEL"]);
        assert_eq!(found("subprice", "price"), Vec::<String>::new(), "in the middle of a word it is another");
    }
}

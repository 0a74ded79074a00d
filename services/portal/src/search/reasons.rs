//! Why something was found: what of it has the words of the question.

use serde::Serialize;
use utoipa::ToSchema;

use super::words::{Hit, hits};

/// The most reasons that are told of one thing.
const MOST: usize = 3;
/// A longer text is told in part, in bytes: as much before the first word that was found, and as much in all.
const BEFORE: usize = 60;
const EXCERPT: usize = 180;

/// What of a thing is looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Part {
    Parameter,
    Property,
    Tag,
    /// What it is called besides: in its manifest, in its document.
    Name,
    /// Its description, or what a page says.
    Text,
}

impl Part {
    const ALL: [Self; 5] = [Self::Parameter, Self::Property, Self::Tag, Self::Name, Self::Text];

    /// The name of the text that says it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Parameter => "found_parameter",
            Self::Property => "found_property",
            Self::Tag => "found_tag",
            Self::Name => "found_name",
            Self::Text => "found_text",
        }
    }

    /// One as the index keeps it.
    pub(super) fn kept(self, said: &str) -> String {
        let letter = Self::ALL.iter().zip('a'..).find(|(part, _)| **part == self).map_or('a', |(_, letter)| letter);
        format!("{letter}{said}")
    }

    /// What was kept so.
    pub(super) fn read(kept: &str) -> Option<(Self, &str)> {
        let (first, said) = kept.split_at_checked(1)?;
        Self::ALL.into_iter().zip('a'..).find(|(_, letter)| first.starts_with(*letter)).map(|(part, _)| (part, said))
    }
}

/// A text, in pieces.
pub(crate) type Marked = Vec<Piece>;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) text: String,
    /// It has a word of the question.
    pub(crate) is_hit: bool,
}

/// Why something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) part: Part,
    pub(crate) text: Marked,
}

impl Reason {
    /// The text without marks.
    pub(crate) fn plain(&self) -> String {
        self.text.iter().map(|piece| piece.text.as_str()).collect()
    }
}

/// What of `said` has the words that are not in `shown`, which is told anyhow: the least of it that has as many as can be.
pub(super) fn reasons(words: &[String], shown: &[&str], said: &[(Part, &str)]) -> Vec<Reason> {
    let mut open = vec![true; words.len()];
    let mut close = |hits: &[Hit]| hits.iter().for_each(|hit| open[hit.word] = false);
    shown.iter().for_each(|text| close(&hits(text, words)));
    let found: Vec<_> = said.iter().map(|(part, text)| (*part, *text, hits(text, words))).collect();
    let mut reasons = Vec::new();
    while reasons.len() < MOST && open.contains(&true) {
        let worth = |hits: &[Hit]| {
            let new = |whole: bool| {
                let words = hits.iter().filter(|hit| open[hit.word] && (hit.is_whole || !whole)).map(|hit| hit.word);
                words.collect::<std::collections::BTreeSet<_>>().len()
            };
            (new(false), new(true))
        };
        // Of equal ones the first: what is before the others says more.
        let best = found.iter().rev().max_by_key(|(_, _, hits)| worth(hits)).filter(|(_, _, hits)| worth(hits).0 > 0);
        let Some((part, text, hits)) = best else { break };
        reasons.push(Reason { part: *part, text: excerpt(text, hits) });
        hits.iter().for_each(|hit| open[hit.word] = false);
    }
    reasons
}

/// A text whose words of the question are marked.
pub(super) fn marked(text: &str, words: &[String]) -> Marked {
    pieces(text, &hits(text, words), 0..text.len())
}

/// A long text around the first word that was found.
fn excerpt(text: &str, hits: &[Hit]) -> Marked {
    let first = hits.first().map_or(0, |hit| hit.start);
    if text.len() <= EXCERPT {
        return pieces(text, hits, 0..text.len());
    }
    let start = text.floor_char_boundary(first.saturating_sub(BEFORE));
    let blank = text[start..first].char_indices().find(|(_, c)| c.is_whitespace());
    let start = blank.filter(|_| start > 0).map_or(start, |(at, c)| start + at + c.len_utf8());
    let end = text.floor_char_boundary(start + EXCERPT);
    let blank = text[first..end].rfind(char::is_whitespace).filter(|_| end < text.len());
    let end = blank.map_or(end, |at| first + at);
    let mut all = pieces(text, hits, start..end);
    let around = |text: &str| Piece { text: text.to_owned(), is_hit: false };
    if start > 0 {
        all.insert(0, around("… "));
    }
    if end < text.len() {
        all.push(around(" …"));
    }
    all
}

fn pieces(text: &str, hits: &[Hit], range: std::ops::Range<usize>) -> Marked {
    let mut pieces = Vec::new();
    let mut push = |range: std::ops::Range<usize>, is_hit| {
        if !range.is_empty() {
            pieces.push(Piece { text: text[range].to_owned(), is_hit });
        }
    };
    let (mut at, mut marked) = (range.start, range.start);
    for hit in hits.iter().filter(|hit| hit.start >= range.start && hit.end <= range.end) {
        // What is within a name belongs to it.
        let between = &text[at..hit.start];
        if at == marked || between.len() > 1 || between.starts_with(char::is_whitespace) {
            push(marked..at, true);
            push(at..hit.start, false);
            marked = hit.start;
        }
        at = hit.end;
    }
    push(marked..at, true);
    push(at..range.end, false);
    pieces
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    /// With brackets around what was found.
    fn shown(text: &[Piece]) -> String {
        text.iter().map(|piece| if piece.is_hit { format!("[{}]", piece.text) } else { piece.text.clone() }).collect()
    }

    fn told(question: &str, shown_anyhow: &[&str], said: &[(Part, &str)]) -> Vec<String> {
        let reasons = reasons(&words(question), shown_anyhow, said);
        reasons.iter().map(|reason| format!("{:?} {}", reason.part, shown(&reason.text))).collect()
    }

    #[test]
    fn what_has_the_most_words_is_the_reason() {
        let said = [
            (Part::Parameter, "price_limit"),
            (Part::Property, "priceCents"),
            (Part::Text, "What a line costs: the price in cents."),
        ];
        assert_eq!(told("price cents", &[], &said), ["Property [priceCents]"]);
        assert_eq!(told("limit cents", &[], &said), ["Parameter price_[limit]", "Property price[Cents]"]);
        assert_eq!(told("price", &[], &said), ["Parameter [price]_limit"], "of equal ones the first");
        assert_eq!(
            told("price costs", &["The price list"], &said),
            ["Text What a line [costs]: the [price] in cents."]
        );
        assert_eq!(told("price", &["The price list"], &said), Vec::<String>::new(), "that is seen");
        assert_eq!(told("zebra", &[], &said), Vec::<String>::new());
        let names = [(Part::Property, "price_cents"), (Part::Text, "price cents, price: cents")];
        assert_eq!(told("price cents", &[], &names[..1]), ["Property [price_cents]"]);
        assert_eq!(told("price cents", &[], &names[1..]), ["Text [price] [cents], [price]: [cents]"]);
    }

    #[test]
    fn whole_words_go_before_beginnings() {
        let said = [(Part::Property, "lines"), (Part::Property, "line")];
        assert_eq!(told("line", &[], &said), ["Property [line]"]);
    }

    #[test]
    fn a_long_text_is_told_around_what_was_found() {
        let text = format!("{}a zebra €{}", "ä word ".repeat(40), " and more".repeat(40));
        let told = told("zebra", &[], &[(Part::Text, &text)]);
        assert!(
            told[0].starts_with("Text … ") && told[0].contains("a [zebra] € and") && told[0].ends_with(" …"),
            "{told:?}"
        );
        assert!(told[0].len() < EXCERPT + 40, "{told:?}");
        // Without a blank anywhere it is cut where letters end.
        let text = format!("zebra{}", "€".repeat(400));
        assert!(self::told("zebra€", &[], &[(Part::Text, &text)]).len() <= 1);
    }

    #[test]
    fn what_is_kept_is_read() {
        for part in Part::ALL {
            assert_eq!(Part::read(&part.kept("é x")), Some((part, "é x")));
        }
        assert_eq!((Part::read(""), Part::read("é")), (None, None));
    }
}

//! The orders in which labels follow each other in what is asked about limits.

use std::collections::BTreeMap;

use nuncio_ir::RateLabel;

use super::{Made, made};

/// How many labels of a descriptor are looked at: patterns have fewer.
const MOST_LABELS: usize = 64;

/// The labels of a pattern, in order: any of each item.
type Pattern<'a> = &'a [BTreeMap<String, String>];

/// All descriptors.
#[derive(Debug, Default)]
pub(super) struct Ways(Node);

impl Ways {
    /// Notes a descriptor; true where none was like it.
    pub(super) fn add(&mut self, labels: &[RateLabel]) -> bool {
        self.0.add(labels, MOST_LABELS)
    }

    /// Forgets one that was noted; true where none is like it any more.
    pub(super) fn remove(&mut self, labels: &[RateLabel]) -> bool {
        self.0.remove(labels, MOST_LABELS)
    }

    /// Whether a descriptor may begin with what a pattern takes.
    pub(super) fn meet(&self, pattern: Pattern<'_>) -> bool {
        self.0.meets(&[0], pattern)
    }
}

/// Descriptors by their labels, from the first on.
#[derive(Debug, Default)]
struct Node {
    /// How many begin so.
    count: usize,
    /// How many of these go on beyond what is looked at.
    cut: usize,
    next: BTreeMap<Made, Self>,
    /// By labels that a request may lack: what follows one may also stand in its place.
    optional: BTreeMap<Made, Self>,
}

impl Node {
    fn add(&mut self, labels: &[RateLabel], left: usize) -> bool {
        let Some((label, rest)) = labels.split_first() else { return false };
        if left == 0 {
            self.cut += 1;
            return self.cut == 1;
        }
        let node = self.side(label).entry(made(label)).or_default();
        node.count += 1;
        node.add(rest, left - 1) | (node.count == 1)
    }

    fn remove(&mut self, labels: &[RateLabel], left: usize) -> bool {
        let Some((label, rest)) = labels.split_first() else { return false };
        if left == 0 {
            self.cut -= 1;
            return self.cut == 0;
        }
        let (side, key) = (self.side(label), made(label));
        let Some(node) = side.get_mut(&key) else { return false };
        node.count -= 1;
        let (was_last, is_last) = (node.remove(rest, left - 1), node.count == 0);
        if is_last {
            side.remove(&key);
        }
        was_last || is_last
    }

    fn side(&mut self, label: &RateLabel) -> &mut BTreeMap<Made, Self> {
        match label {
            RateLabel::Header { optional: true, .. } => &mut self.optional,
            _ => &mut self.next,
        }
    }

    /// Whether one that goes on from here can begin with what a pattern takes, of which so much may have been met already.
    fn meets(&self, met: &[usize], pattern: Pattern<'_>) -> bool {
        if self.cut > 0 || met.contains(&pattern.len()) {
            return true;
        }
        // Each way on once, with all that may have been met then: there are as many ways to leave labels out as there are sets.
        let mut onward: BTreeMap<(bool, &Made), (&Self, Vec<usize>)> = BTreeMap::new();
        for (is_optional, side) in [(false, &self.next), (true, &self.optional)] {
            for at in met {
                for (label, node) in taken(side, &pattern[*at]) {
                    onward.entry((is_optional, label)).or_insert_with(|| (node, Vec::new())).1.push(at + 1);
                }
            }
        }
        for (label, node) in &self.optional {
            onward.entry((true, label)).or_insert_with(|| (node, Vec::new())).1.extend(met);
        }
        onward.into_values().any(|(node, mut met)| {
            met.sort_unstable();
            met.dedup();
            node.meets(&met, pattern)
        })
    }
}

/// What follows with a label that an item of a pattern takes.
fn taken<'w>(
    side: &'w BTreeMap<Made, Node>,
    item: &BTreeMap<String, String>,
) -> impl Iterator<Item = (&'w Made, &'w Node)> {
    item.iter().flat_map(move |(key, value)| {
        let any = (key.clone(), None);
        let (all, one) = match value.as_str() {
            "" | "*" => (Some(side.range(any..)), [None, None]),
            value => (None, [side.get_key_value(&any), side.get_key_value(&(key.clone(), Some(value.to_owned())))]),
        };
        let all = all.into_iter().flatten().take_while(move |((first, _), _)| first == key);
        all.chain(one.into_iter().flatten())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(key: &str, value: &str) -> RateLabel {
        RateLabel::Text { key: key.to_owned(), value: value.to_owned() }
    }

    fn header(key: &str, optional: bool) -> RateLabel {
        RateLabel::Header { key: key.to_owned(), name: key.to_owned(), optional }
    }

    fn pattern(items: &[&[(&str, &str)]]) -> Vec<BTreeMap<String, String>> {
        let item = |labels: &&[(&str, &str)]| {
            labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        items.iter().map(item).collect()
    }

    #[test]
    fn a_pattern_is_met_by_what_begins_as_it_does() {
        let mut ways = Ways::default();
        ways.add(&[text("site", "a"), header("user", true), header("method", false)]);
        ways.add(&[RateLabel::RemoteAddress]);
        for (items, expected) in [
            (&[&[("site", "a")][..]][..], true),
            (&[&[("site", "b")]], false),
            (&[&[("site", "*")], &[("user", "ann")]], true),
            (&[&[("site", "")], &[("method", "GET")]], true),
            (&[&[("site", "a")], &[("user", "")], &[("method", "")]], true),
            (&[&[("site", "a")], &[("method", "")], &[("user", "")]], false),
            (&[&[("user", "ann")]], false),
            (&[&[("user", ""), ("remote_address", "10.0.0.1")]], true),
            (&[&[("remote_address", "")], &[("method", "")]], false),
        ] {
            assert_eq!(ways.meet(&pattern(items)), expected, "{items:?}");
        }
    }

    #[test]
    fn a_label_that_is_left_out_may_be_the_one_that_fits_later() {
        let mut ways = Ways::default();
        ways.add(&[header("a", true), header("a", false), header("b", false)]);
        assert!(ways.meet(&pattern(&[&[("a", "")], &[("b", "")]])));
        assert!(ways.meet(&pattern(&[&[("a", "")], &[("a", "")], &[("b", "")]])));
        // As many ways to leave some out as there are sets of them, and none that fits.
        ways.add(&vec![header("c", true); 32]);
        let many: Vec<_> = std::iter::repeat_n(&[("c", "")][..], 31).chain([&[("d", "")][..]]).collect();
        assert!(!ways.meet(&pattern(&many)));
    }

    #[test]
    fn of_one_that_is_very_long_nothing_is_said() {
        let (mut ways, long) = (Ways::default(), vec![header("a", true); 100_000]);
        assert!(ways.add(&long) && !ways.add(&long));
        assert!(ways.meet(&pattern(&[&[("b", "")]])));
        assert!(!ways.remove(&long) && ways.remove(&long));
        assert!(!ways.meet(&pattern(&[&[("b", "")]])));
    }

    #[test]
    fn what_several_make_is_there_as_long_as_one_is() {
        let (short, long) = ([text("a", "b")], [text("a", "b"), header("c", false)]);
        let mut ways = Ways::default();
        assert!(ways.add(&short) && ways.add(&long) && !ways.add(&short));
        assert!(!ways.remove(&short));
        assert!(ways.remove(&long), "nothing is as long any more");
        assert!(ways.remove(&short) && !ways.meet(&pattern(&[&[("a", "b")]])));
    }
}

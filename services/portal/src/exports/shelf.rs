//! Texts that were made once, within bounds.

use std::collections::VecDeque;

use bytes::Bytes;

/// The most bytes of texts.
const MAX_BYTES: usize = 64 << 20;
/// The most texts that are known by their tags; these are small.
const MAX_KNOWN: usize = 2000;

/// Texts by what they were made of, the one asked for last first. Where there is no room for a text, its tag is still known.
#[derive(Debug)]
pub(super) struct Shelf<K> {
    all: VecDeque<Kept<K>>,
    max_bytes: usize,
    max_known: usize,
}

#[derive(Debug)]
struct Kept<K> {
    of: K,
    tag: String,
    text: Option<Bytes>,
}

impl<K> Default for Shelf<K> {
    fn default() -> Self {
        Self { all: VecDeque::new(), max_bytes: MAX_BYTES, max_known: MAX_KNOWN }
    }
}

impl<K: PartialEq> Shelf<K> {
    /// The tag of what is made of this, and the text if it is still here.
    pub(super) fn get(&mut self, of: &K) -> Option<(String, Option<Bytes>)> {
        let place = self.all.iter().position(|kept| kept.of == *of)?;
        let kept = self.all.remove(place)?;
        let found = (kept.tag.clone(), kept.text.clone());
        self.all.push_front(kept);
        Some(found)
    }

    /// Keeps a text, for as long as there is room.
    pub(super) fn put(&mut self, of: K, tag: String, text: Bytes) {
        self.all.retain(|kept| kept.of != of);
        self.all.push_front(Kept { of, tag, text: Some(text) });
        self.all.truncate(self.max_known);
        let mut bytes = 0;
        for kept in &mut self.all {
            let size = kept.text.as_ref().map_or(0, Bytes::len);
            match bytes + size > self.max_bytes {
                true => kept.text = None,
                false => bytes += size,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_asked_for_goes_first_and_its_tag_last() {
        let mut shelf = Shelf { max_bytes: 10, max_known: 3, ..Shelf::default() };
        let put = |shelf: &mut Shelf<&str>, of, text: &'static [u8]| {
            shelf.put(of, of.to_uppercase(), Bytes::from_static(text));
        };
        put(&mut shelf, "a", b"1234");
        put(&mut shelf, "b", b"1234");
        assert!(shelf.get(&"a").is_some(), "it is the newest now");
        put(&mut shelf, "c", b"1234");
        assert_eq!(shelf.get(&"b"), Some(("B".to_owned(), None)));
        assert_eq!(shelf.get(&"a"), Some(("A".to_owned(), Some(Bytes::from_static(b"1234")))));
        put(&mut shelf, "d", b"12345678901");
        assert_eq!(shelf.get(&"d"), Some(("D".to_owned(), None)), "it is too large for all of the room");
        assert_eq!(shelf.get(&"c"), None, "nothing is known of the oldest");
        put(&mut shelf, "a", b"1");
        assert_eq!(shelf.get(&"a"), Some(("A".to_owned(), Some(Bytes::from_static(b"1")))));
    }
}

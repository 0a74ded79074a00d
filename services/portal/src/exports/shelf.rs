//! Texts that were made once, within bounds.

use std::collections::VecDeque;

use bytes::Bytes;

/// The most bytes of texts, and of what they are known by.
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
    /// Bytes of what it was made of, and the tag.
    weight: usize,
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

    /// Keeps a text, for as long as there is room. `weight` is about how many bytes it takes to know what it is of.
    pub(super) fn put(&mut self, of: K, weight: usize, tag: String, text: Bytes) {
        self.all.retain(|kept| kept.of != of);
        let weight = weight + tag.len() + size_of::<Kept<K>>();
        self.all.push_front(Kept { of, weight, tag, text: Some(text) });
        self.all.truncate(self.max_known);
        let mut room = self.max_bytes;
        self.all.retain_mut(|kept| {
            let Some(rest) = room.checked_sub(kept.weight) else { return false };
            room = rest;
            let size = kept.text.as_ref().map_or(0, Bytes::len);
            match room.checked_sub(size) {
                Some(rest) => room = rest,
                None => kept.text = None,
            }
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_asked_for_goes_first_and_its_tag_last() {
        let each = 1 + size_of::<Kept<&str>>();
        let mut shelf = Shelf { max_bytes: 10 + 3 * each, max_known: 3, ..Shelf::default() };
        let put = |shelf: &mut Shelf<&str>, of: &'static str, text: &'static [u8]| {
            shelf.put(of, 0, of.to_uppercase(), Bytes::from_static(text));
        };
        put(&mut shelf, "a", b"1234");
        put(&mut shelf, "b", b"1234");
        assert!(shelf.get(&"a").is_some(), "it is the newest now");
        put(&mut shelf, "c", b"1234");
        assert_eq!(shelf.get(&"b"), Some(("B".to_owned(), None)));
        assert_eq!(shelf.get(&"a"), Some(("A".to_owned(), Some(Bytes::from_static(b"1234")))));
        put(&mut shelf, "d", &[b'1'; 1000]);
        assert_eq!(shelf.get(&"d"), Some(("D".to_owned(), None)), "it is too large for all of the room");
        assert_eq!(shelf.get(&"c"), None, "nothing is known of the oldest");
        put(&mut shelf, "a", b"1");
        assert_eq!(shelf.get(&"a"), Some(("A".to_owned(), Some(Bytes::from_static(b"1")))));
    }

    #[test]
    fn what_texts_are_known_by_takes_room_too() {
        let each = 1 + size_of::<Kept<&str>>();
        let mut shelf = Shelf { max_bytes: 2 * (each + 100), max_known: 9, ..Shelf::default() };
        for of in ["a", "b", "c"] {
            shelf.put(of, 100, of.to_owned(), Bytes::new());
        }
        assert!(shelf.get(&"b").is_some() && shelf.get(&"c").is_some());
        assert_eq!(shelf.get(&"a"), None, "there is no room to know it by");
    }
}

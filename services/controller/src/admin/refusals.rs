//! Lines of the log on who was refused. Anybody can have them written, as often as he likes: so each minute has room for a few, and
//! the first of a later one says how many there were besides.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many lines there are in a minute.
const MOST: u32 = 60;
const MINUTE: Duration = Duration::from_secs(60);

/// What was told lately.
#[derive(Debug)]
struct Told {
    since: Option<Instant>,
    lines: u32,
    /// Those for which there was no room.
    untold: u64,
}

static TOLD: Mutex<Told> = Mutex::new(Told::NOTHING);

/// Warns, if there is room for it.
pub(super) fn warn(text: fmt::Arguments<'_>) {
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    match told.another(Instant::now()) {
        None => {}
        Some(0) => tracing::warn!("{text}"),
        Some(untold) => tracing::warn!("{text} (and {untold} like it that are not told)"),
    }
}

impl Told {
    const NOTHING: Self = Self { since: None, lines: 0, untold: 0 };

    /// Whether there is room for another line: how many had none before it.
    fn another(&mut self, now: Instant) -> Option<u64> {
        if self.since.is_none_or(|since| now.duration_since(since) >= MINUTE) {
            (self.since, self.lines) = (Some(now), 0);
        }
        if self.lines == MOST {
            self.untold += 1;
            return None;
        }
        self.lines += 1;
        Some(std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_room_for_a_few_and_what_had_none_is_counted() {
        let (mut told, begun) = (Told::NOTHING, Instant::now());
        let lines = (0..1_000).filter(|_| told.another(begun).is_some()).count();
        assert_eq!(lines, 60);
        assert_eq!(told.another(begun + MINUTE / 2), None);
        assert_eq!(told.another(begun + MINUTE), Some(941));
        assert_eq!(told.another(begun + MINUTE), Some(0));
    }
}

//! Whatever the bytes, the parser comes to an end, without a panic and in bounded memory.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::alloc::System;
use std::time::{Duration, Instant};

use arbitrary::Unstructured;
use nuncio_api::{Defaults, Text, locate, parse};
use nuncio_fuzz::{run, text};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes allocated over all for each byte of text, and for none. An object with an empty spec is its dearest.
const PER_BYTE: usize = 2_048;
const AT_LEAST: usize = 4 << 20;

/// What is not a hang, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn parser() {
    run(|bytes| {
        let text = text(&mut Unstructured::new(bytes)).unwrap();
        let (region, begun) = (Region::new(ALLOCATOR), Instant::now());
        let parsed = parse(&text, &"fuzz.yaml".into(), &Defaults::default());
        let allocated = region.change().bytes_allocated;
        let shown = || String::from_utf8_lossy(&text);
        assert!(begun.elapsed() < PATIENCE, "{:?} for {}", begun.elapsed(), shown());
        assert!(allocated < AT_LEAST + PER_BYTE * text.len(), "{allocated} bytes allocated for {}", shown());
        for object in &parsed.objects {
            assert!(object.location.line >= 1, "{:?} is nowhere in {}", object.id, shown());
        }
        // Whatever was read is found again.
        let wanted: Vec<_> = parsed.objects.iter().map(|object| (&object.id, &object.location, "spec.tls")).collect();
        let found = locate(&text, &"fuzz.yaml".into(), &Defaults::default(), &wanted);
        let lines = Text::new(&text);
        for (object, place) in parsed.objects.iter().zip(found) {
            let place = place.unwrap_or_else(|| panic!("{:?} is not found again in {}", object.id, shown()));
            let snippet = lines.snippet(&place);
            assert!(snippet.is_empty() || snippet.ends_with('^'), "{snippet} of {}", shown());
        }
    });
}

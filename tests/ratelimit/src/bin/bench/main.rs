//! What a decision costs, beside envoyproxy/ratelimit, in one run: both take turns on the same cores, each with a Redis of its own.
//!
//! Tells which goals were missed, and fails for none.
//! usage: `bench-ratelimit [seconds for each measurement]`

mod cases;
mod measure;
mod place;
mod rules;
mod table;

use std::time::Duration;

use anyhow::Context;
use nuncio_ratelimit_tests::Which;
use nuncio_test_support::number;

use crate::cases::{CASES, Load};
use crate::measure::{Measured, STREAMS, Side};
use crate::place::Place;
use crate::table::Column;

/// Each measurement is taken in parts, ours and the original's by turns.
const ROUNDS: u32 = 2;

fn main() -> anyhow::Result<()> {
    let seconds = std::env::args().nth(1).map_or(Ok(5.0), |text| text.parse()).context("expected seconds")?;
    let place = Place::of_this_machine()?;
    place.pin_load()?;
    println!("{place}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(bench(place, Duration::from_secs_f64(seconds)))
}

async fn bench(place: Place, length: Duration) -> anyhow::Result<()> {
    let sides = [Side::start(Which::Ours, place).await?, Side::start(Which::Original, place).await?];
    let saturated = [1, 2, 8].map(|connections| Load::Saturated { connections });
    compare(&format!("saturated, {STREAMS} calls a connection"), &table::SATURATED, &saturated, &sides, length).await?;
    let fixed = [2_000, 6_000].map(|rate| Load::Fixed { rate });
    compare("at a fixed rate", &table::FIXED, &fixed, &sides, length).await?;
    let [ours, original] = sides.each_ref().map(|side| number(side.memory()));
    println!("\nmemory: {ours} MB, original {original} MB");
    drop(sides);
    rules::bench().await
}

/// All cases under each of these loads.
async fn compare(
    title: &str,
    columns: &[Column],
    loads: &[Load],
    [ours, original]: &[Side; 2],
    length: Duration,
) -> anyhow::Result<()> {
    table::head(title, columns);
    for case in CASES {
        for load in loads {
            let (mut of_ours, mut of_original) = (Measured::default(), Measured::default());
            for _ in 0..ROUNDS {
                ours.run(case, *load, length / ROUNDS, &mut of_ours).await?;
                original.run(case, *load, length / ROUNDS, &mut of_original).await?;
            }
            table::row(case, *load, columns, &of_ours, &of_original);
        }
    }
    Ok(())
}

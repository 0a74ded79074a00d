//! Weights, and the shares that they come to.

use nuncio_api::Problem;

/// Weights beyond this say nothing more, and sums of many must stay numbers.
const MAX_WEIGHT: u32 = 1_000_000;

/// A weight as it counts.
pub(crate) fn weight(written: i64) -> u32 {
    u32::try_from(written.max(0)).unwrap_or(MAX_WEIGHT).min(MAX_WEIGHT)
}

/// Shares in proportion. Members without a weight share what those with one leave of 100; where the
/// weights do not make 100, they are proportions; where all are zero, nobody has a share.
pub(crate) fn shares(weights: &[Option<u32>]) -> Vec<u32> {
    let given = weights.iter().flatten().fold(0_u32, |sum, weight| sum.saturating_add(*weight));
    let without = u32::try_from(weights.iter().filter(|weight| weight.is_none()).count()).unwrap_or(u32::MAX);
    let rest = 100_u32.saturating_sub(given);
    // Scaled by the number of members without a weight, so that the rest divides evenly.
    let scale = without.max(1);
    reduce(weights.iter().map(|weight| weight.map_or(rest, |weight| weight.saturating_mul(scale))).collect())
}

/// Divides by the greatest common divisor, so that equal proportions are equal models.
fn reduce(shares: Vec<u32>) -> Vec<u32> {
    let divisor = shares.iter().copied().fold(0, gcd).max(1);
    shares.into_iter().map(|share| share / divisor).collect()
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// What is said to those of which none has a weight.
pub(crate) fn no_share(what: &str) -> Problem {
    let message =
        format!("takes nothing, and nor does any other with the same conditions, as every weight is 0: {what}");
    Problem::warning("NoShare", "spec.weight", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_in_proportion() {
        for (weights, expected) in [
            (&[Some(0)][..], &[0][..]),
            (&[Some(10), None], &[1, 9]),
            (&[Some(100), None], &[1, 0]),
            (&[Some(10), Some(20)], &[1, 2]),
            (&[Some(60), Some(60)], &[1, 1]),
            (&[Some(101), None], &[1, 0]),
            (&[Some(10), None, None], &[2, 9, 9]),
            (&[None, None, None], &[1, 1, 1]),
            (&[Some(0), None], &[0, 1]),
            (&[Some(0), Some(0)], &[0, 0]),
        ] {
            assert_eq!(shares(weights), expected, "{weights:?}");
        }
    }
}

//! How hits are divided among a limit's counters (envoyproxy/ratelimit, `base_limiter.go`).

use crate::algorithm::Algorithm;
use crate::config::Limit;
use crate::plan::Item;
use crate::stats::{RuleStats, add};

/// Counts an item whose counter is known. Refunds count nowhere.
pub(crate) fn count(limit: &Limit<'_>, item: &Item<'_>, near_limit_ratio: f32) {
    if item.refund.is_some() {
        return;
    }
    let stats = limit.stats();
    if item.over_locally {
        add(&stats.over_limit, item.hits);
        add(&stats.over_limit_with_local_cache, item.hits);
        if limit.shadow_mode() {
            add(&stats.shadow_mode, item.hits);
        }
        return;
    }
    // Where less was charged than asked for, this wraps as it does in the original, and then counts as all.
    let before = item.after.wrapping_sub(item.hits);
    let near = near_threshold(item.capacity, near_limit_ratio);
    if item.is_over() {
        over(limit, stats, item, before, near);
    } else {
        within(stats, item, before, near);
    }
}

/// From which count on hits are near the limit. Single precision, as in the original.
fn near_threshold(limit: u64, ratio: f32) -> u64 {
    // A float to an integer rounds towards zero, which is down.
    (limit as f32 * ratio) as u64
}

fn over(limit: &Limit<'_>, stats: &RuleStats, item: &Item<'_>, before: u64, near: u64) {
    let threshold = item.capacity;
    let refused_whole = limit.algorithm() != Algorithm::FixedWindow;
    let beyond = if before >= threshold || refused_whole {
        item.hits
    } else {
        add(&stats.near_limit, threshold - near.max(before).min(threshold));
        item.after - threshold
    };
    add(&stats.over_limit, beyond);
    if limit.shadow_mode() {
        add(&stats.shadow_mode, beyond);
    }
}

fn within(stats: &RuleStats, item: &Item<'_>, before: u64, near: u64) {
    if item.after > near {
        add(&stats.near_limit, if before >= near { item.hits } else { item.after - near });
    }
    add(&stats.within_limit, item.hits);
}

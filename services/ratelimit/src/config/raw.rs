//! The configuration as written, before it is checked.

use envoy_types::pb::google::protobuf::Struct;

use super::edge::Edge;

/// One file, or one `RateLimitConfig` of xDS.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RawRoot {
    /// The domain that the descriptors are for.
    pub domain: String,
    /// What to answer when the counters cannot be had; empty for what the service is set to.
    pub store_failure: String,
    /// The first level.
    pub descriptors: Vec<RawDescriptor>,
}

/// A descriptor with all below it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RawDescriptor {
    /// Line in the file, from 1; 0 for xDS.
    pub line: usize,
    /// Key of the entry.
    pub key: String,
    /// Value of the entry; empty stands for any.
    pub value: String,
    /// The limit, if this descriptor has one.
    pub rate_limit: Option<RawLimit>,
    /// The next level.
    pub descriptors: Vec<RawDescriptor>,
    /// Count, but never answer that the limit is reached.
    pub shadow_mode: bool,
    /// The limit counts among quotas: over only when all of a request's quotas are.
    pub quota_mode: bool,
    /// Metrics carry every key and value of the request.
    pub detailed_metric: bool,
    /// Metrics carry this level's value of the request.
    pub value_to_metric: bool,
    /// All values that a glob matches share one counter.
    pub share_threshold: bool,
    /// As that of the domain, for this descriptor and all below it.
    pub store_failure: String,
    /// The limit holds for descriptors that go on as well, unless there is one for more of them. Only over xDS.
    pub prefix: bool,
    /// The rule is one of an edge gateway. Only over xDS.
    pub edge: Option<Box<Edge>>,
    /// What replies carry as dynamic metadata while the limit is not reached.
    pub metadata: Option<Box<Struct>>,
}

/// `rate_limit`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawLimit {
    /// How many in a unit; none where nobody said, which is taken as 0.
    pub requests_per_unit: Option<u32>,
    /// Name of the unit.
    pub unit: String,
    /// No limit at all.
    pub unlimited: bool,
    /// A name for `replaces`.
    pub name: String,
    /// Names of limits that this one replaces.
    pub replaces: Vec<String>,
    /// How hits are counted; empty for `fixed_window`.
    pub algorithm: String,
    /// With `gcra`: how many hits may come at once.
    pub burst: Option<u32>,
    /// With `sliding_window`: in how many parts hits are counted.
    pub sub_windows: Option<u32>,
    /// How many hits a replica may take at once to answer from.
    pub lease: Option<u32>,
}

impl RawLimit {
    /// How many in a unit.
    pub(super) fn count(&self) -> u32 {
        self.requests_per_unit.unwrap_or_default()
    }
}

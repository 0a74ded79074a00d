//! What the requests of a Mapping are held to: its labels, as the rate limit service is to see them.

use std::time::Duration;

use nuncio_api::{Label, LabelName, LocalRateLimit, Mapping, ModuleConfig, Problem, held_in, holds_key};
use nuncio_ir::{RateLabel, TokenBucket};

use crate::context::Context;
use crate::limit_service::domain_of;

/// What stands for the value of a header that is told nobody.
const WITHHELD: &str = "-";

/// The Mapping's groups of labels in the domain that is asked about, each behind the Module's; of a Mapping without any
/// labels the Module's alone, if its default domain is asked about. `None` where there are none.
pub(crate) fn descriptors(
    mapping: &Mapping,
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Vec<Vec<RateLabel>>> {
    let Some(domain) = context.label_domain else {
        problems.extend(mapping.labels.as_ref().map(|_| no_service()));
        return None;
    };
    let groups = mapping.labels.as_ref().and_then(|labels| labels.get(domain));
    if let (Some(labels), None) = (&mapping.labels, groups) {
        problems.push(other_domains(labels.keys(), domain));
    }
    let has_labels = mapping.labels.as_ref().is_some_and(|labels| !labels.is_empty());
    let own: Vec<_> = groups.into_iter().flatten().flat_map(|group| group.values()).collect();
    let defaults = default_labels(context.module, domain);
    let descriptors = match &own[..] {
        [] => {
            let is_default = !has_labels && domain == domain_of(None, context.module);
            if is_default { vec![defaults] } else { Vec::new() }
        }
        own => own.iter().map(|group| defaults.iter().cloned().chain(group.iter().map(label)).collect()).collect(),
    };
    let descriptors = descriptors.into_iter().map(|labels| without_keys(labels, context, problems));
    let descriptors: Vec<_> = descriptors.filter(|labels| !labels.is_empty()).collect();
    (!descriptors.is_empty()).then_some(descriptors)
}

fn default_labels(module: &ModuleConfig, domain: &str) -> Vec<RateLabel> {
    module.default_labels.get(domain).into_iter().flat_map(|labels| &labels.defaults).map(label).collect()
}

/// The labels of a group without the value of any header which holds the key of a preview, or the gateway's word: who counts is not told it. Where the
/// group would not count without the header all requests have the same there, so that they are held to the limit together.
fn without_keys(labels: Vec<RateLabel>, context: &Context<'_>, problems: &mut Vec<Problem>) -> Vec<RateLabel> {
    let mut kept = Vec::new();
    for label in labels {
        match label {
            RateLabel::Header { key, name, optional } if holds_key(&name, &context.previews.headers) => {
                let counted = if optional { "it counts as one that is not there" } else { "all requests count as one" };
                let message = format!("the header {name} {}: {counted}", held_in(&name));
                let problem = Problem::error("InvalidFormat", "spec.labels", message);
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
                kept.extend((!optional).then(|| RateLabel::Text { key, value: WITHHELD.to_owned() }));
            }
            label => kept.push(label),
        }
    }
    kept
}

fn label(label: &Label) -> RateLabel {
    match label {
        Label::SourceCluster(LabelName { .. }) => RateLabel::SourceCluster,
        Label::DestinationCluster(LabelName { .. }) => RateLabel::DestinationCluster,
        Label::RemoteAddress(LabelName { .. }) => RateLabel::RemoteAddress,
        Label::RequestHeaders(header) => RateLabel::Header {
            key: header.key.clone(),
            name: header.header_name.to_ascii_lowercase(),
            optional: header.omit_if_not_present.unwrap_or(false),
        },
        Label::GenericKey(generic) => RateLabel::Text {
            key: generic.key.clone().filter(|key| !key.is_empty()).unwrap_or_else(|| "generic_key".to_owned()),
            value: generic.value.clone(),
        },
    }
}

fn no_service() -> Problem {
    let message =
        "there is nobody to ask about limits: no RateLimitService, and no RateLimit for a service of one's own";
    Problem::warning("NoRateLimitService", "spec.labels", message)
}

fn other_domains<'a>(domains: impl Iterator<Item = &'a String>, asked: &str) -> Problem {
    let domains: Vec<_> = domains.map(|domain| format!("`{domain}`")).collect();
    let message = format!("the labels are of {}, and limits are asked about in `{asked}`", domains.join(" and "));
    Problem::warning("OtherLabelDomain", "spec.labels", message)
}

/// A limit that Envoy keeps by itself. It fills steadily: a third of a minute brings a third of its requests.
pub(crate) fn bucket(limit: &LocalRateLimit) -> Option<TokenBucket> {
    let (rate, unit) = (limit.rate?, limit.unit()?);
    Some(TokenBucket { size: limit.burst.unwrap_or(rate), tokens: rate, interval: Duration::from_secs(unit.seconds()) })
}

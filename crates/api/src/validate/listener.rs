//! Listeners.

use super::{invalid, missing, no_effect, value};
use crate::parse::Issues;
use crate::yaml::Path;
use crate::{Listener, ProtocolLayer};

/// Checks a Listener.
pub(crate) fn listener(listener: &mut Listener, path: &Path<'_>, issues: &mut Issues<'_>) {
    listener.stats_prefix.take_if(|prefix| prefix.is_empty());
    value::port(listener.port, &path.key("port"), issues);
    if listener.security_model.is_none() {
        missing(&path.key("securityModel"), issues);
    }
    if listener.host_binding.is_none() {
        missing(&path.key("hostBinding"), issues);
    }
    match (listener.protocol, listener.protocol_stack.as_slice()) {
        (None, []) => issues.error(&path.key("protocol"), "MissingField", "protocol or protocolStack is required"),
        (_, []) => {}
        (protocol, layers) => {
            if protocol.is_some() {
                no_effect(&path.key("protocol"), "protocolStack is used instead", issues);
            }
            stack(layers, &path.key("protocolStack"), issues);
        }
    }
    if listener.http2_max_concurrent_streams.is_some_and(|streams| streams == 0 || streams > i32::MAX as u32) {
        // RFC 9113, section 6.5.2, and Envoy's bounds.
        invalid(&path.key("http2MaxConcurrentStreams"), "expected a number from 1 to 2147483647", issues);
    }
}

/// The last layer carries bytes, no other does, and none is there twice.
fn stack(layers: &[ProtocolLayer], path: &Path<'_>, issues: &mut Issues<'_>) {
    let transport = |layer: &ProtocolLayer| matches!(layer, ProtocolLayer::Tcp | ProtocolLayer::Udp);
    let (last, above) = match layers.split_last() {
        Some((last, above)) => (last, above),
        None => return,
    };
    if !transport(last) || above.iter().any(transport) {
        invalid(path, "the last layer, and no other, must be TCP or UDP", issues);
    }
    if above.iter().enumerate().any(|(index, layer)| above[..index].contains(layer)) {
        invalid(path, "a layer is there twice", issues);
    }
    if *last == ProtocolLayer::Udp && !above.contains(&ProtocolLayer::Http) {
        invalid(path, "UDP needs HTTP above it", issues);
    }
}

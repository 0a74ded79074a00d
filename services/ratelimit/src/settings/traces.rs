//! Traces, as the original's variables want them.

use nuncio_telemetry::{TraceProtocol, Traces};

use super::{Environment, SettingError};

/// `TRACING_*`; none unless they are enabled.
pub(super) fn read(env: &Environment<'_>) -> Result<Option<Traces>, SettingError> {
    if !env.flag("TRACING_ENABLED", false)? {
        return Ok(None);
    }
    let protocol =
        env.parsed("TRACING_EXPORTER_PROTOCOL", TraceProtocol::Http, "expected http or grpc", |value| match value {
            "http" => Some(TraceProtocol::Http),
            "grpc" => Some(TraceProtocol::Grpc),
            _ => None,
        })?;
    Ok(Some(Traces {
        protocol: Some(protocol),
        share: Some(env.share("TRACING_SAMPLING_RATE", 1.0)?),
        attributes: vec![
            ("service.name", env.text("TRACING_SERVICE_NAME", "RateLimit")),
            ("service.namespace", env.text("TRACING_SERVICE_NAMESPACE", "")),
            ("service.instance.id", env.text("TRACING_SERVICE_INSTANCE_ID", &random_id())),
        ],
    }))
}

/// A random UUID (RFC 9562, version 4).
fn random_id() -> String {
    let random = fastrand::u128(..);
    let (version, variant) = (4 << 76, 0b10 << 62);
    let bits = random & !(0xf << 76) & !(0b11 << 62) | version | variant;
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traces(variables: &[(&str, &str)]) -> Result<Option<Traces>, SettingError> {
        read(&Environment::of(variables))
    }

    #[test]
    fn the_defaults_are_the_originals() {
        assert!(traces(&[("TRACING_SERVICE_NAME", "limits")]).unwrap().is_none());
        let traces = traces(&[("TRACING_ENABLED", "true")]).unwrap().unwrap();
        assert_eq!((traces.protocol, traces.share), (Some(TraceProtocol::Http), Some(1.0)));
        let [(_, name), (_, namespace), (_, id)] = &traces.attributes[..] else { panic!("{traces:?}") };
        assert_eq!((name.as_str(), namespace.as_str()), ("RateLimit", ""));
        let parts: Vec<&str> = id.split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert!(parts[2].starts_with('4') && parts[3].starts_with(['8', '9', 'a', 'b']), "{id}");
    }

    #[test]
    fn mistakes_are_named() {
        for (name, value) in [("TRACING_EXPORTER_PROTOCOL", "udp"), ("TRACING_SAMPLING_RATE", "half")] {
            let error = traces(&[("TRACING_ENABLED", "true"), (name, value)]).unwrap_err();
            assert!(error.to_string().starts_with(&format!("{name}={value:?}: ")), "{error}");
        }
    }
}

//! Transport sockets for TLS.

use envoy_types::pb::envoy::config::core::v3::{TransportSocket, transport_socket};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CommonTlsContext, DownstreamTlsContext, SdsSecretConfig, TlsParameters, UpstreamTlsContext,
    common_tls_context::ValidationContextType, tls_parameters::TlsProtocol,
};
use nuncio_ir::{DownstreamTls, Protocol, SecretName, TlsSettings, TlsVersion, UpstreamTls};
use prost::{Message, Name};

use crate::proto;

/// TLS that ends at the gateway. A client that shows a bad certificate is always refused; one that
/// shows none only where a certificate is required.
pub(crate) fn downstream(tls: &DownstreamTls) -> TransportSocket {
    let common = CommonTlsContext {
        tls_params: parameters(&tls.settings, None),
        tls_certificate_sds_secret_configs: vec![sds(&tls.certificate)],
        alpn_protocols: tls.settings.alpn.clone(),
        validation_context_type: tls.client.as_ref().map(|client| validation(&client.authorities)),
        ..Default::default()
    };
    socket(&DownstreamTlsContext {
        common_tls_context: Some(common),
        require_client_certificate: tls.client.as_ref().map(|client| proto::boolean(client.required)),
        ..Default::default()
    })
}

/// TLS towards an upstream that speaks `protocol`.
pub(crate) fn upstream(tls: &UpstreamTls, protocol: Protocol) -> TransportSocket {
    let mut alpn = tls.settings.alpn.clone();
    if alpn.is_empty() && protocol == Protocol::Http2 {
        alpn.push("h2".to_owned());
    }
    let common = CommonTlsContext {
        // Envoy's own default stops clients at TLS 1.2, which upstreams of today may refuse.
        tls_params: parameters(&tls.settings, Some(TlsVersion::V1_3)),
        tls_certificate_sds_secret_configs: tls.certificate.iter().map(sds).collect(),
        alpn_protocols: alpn,
        validation_context_type: tls.authorities.as_ref().map(validation),
        ..Default::default()
    };
    socket(&UpstreamTlsContext {
        common_tls_context: Some(common),
        sni: tls.sni.clone().unwrap_or_default(),
        ..Default::default()
    })
}

fn socket<M: Message + Name>(context: &M) -> TransportSocket {
    TransportSocket {
        name: "envoy.transport_sockets.tls".to_owned(),
        config_type: Some(transport_socket::ConfigType::TypedConfig(proto::any(context))),
    }
}

fn validation(authorities: &SecretName) -> ValidationContextType {
    ValidationContextType::ValidationContextSdsSecretConfig(sds(authorities))
}

fn sds(name: &SecretName) -> SdsSecretConfig {
    SdsSecretConfig { name: name.to_string(), sds_config: Some(proto::ads()) }
}

fn parameters(settings: &TlsSettings, default_max: Option<TlsVersion>) -> Option<TlsParameters> {
    let parameters = TlsParameters {
        tls_minimum_protocol_version: version(settings.min_version),
        tls_maximum_protocol_version: version(settings.max_version.or(default_max)),
        cipher_suites: settings.cipher_suites.clone(),
        ecdh_curves: settings.ecdh_curves.clone(),
        ..Default::default()
    };
    (parameters != TlsParameters::default()).then_some(parameters)
}

fn version(version: Option<TlsVersion>) -> i32 {
    let version = match version {
        None => TlsProtocol::TlsAuto,
        Some(TlsVersion::V1_0) => TlsProtocol::TlSv10,
        Some(TlsVersion::V1_1) => TlsProtocol::TlSv11,
        Some(TlsVersion::V1_2) => TlsProtocol::TlSv12,
        Some(TlsVersion::V1_3) => TlsProtocol::TlSv13,
    };
    version as i32
}

//! The JSON schemas that custom resource definitions are made of.

use nuncio_api::{Host, Listener, Mapping, Module, RateLimit, RateLimitService, TcpMapping, TlsContext};
use schemars::{Schema, schema_for};

#[test]
fn every_field_is_described() {
    let schemas: [(&str, Schema); 8] = [
        ("Mapping", schema_for!(Mapping)),
        ("TCPMapping", schema_for!(TcpMapping)),
        ("Host", schema_for!(Host)),
        ("Listener", schema_for!(Listener)),
        ("Module", schema_for!(Module)),
        ("TLSContext", schema_for!(TlsContext)),
        ("RateLimitService", schema_for!(RateLimitService)),
        ("RateLimit", schema_for!(RateLimit)),
    ];
    for (kind, schema) in schemas {
        let schema = schema.to_value();
        let mut structs = vec![&schema];
        structs.extend(schema["$defs"].as_object().into_iter().flat_map(|defs| defs.values()));
        for properties in structs.into_iter().filter_map(|schema| schema["properties"].as_object()) {
            for (name, property) in properties {
                assert!(property["description"].is_string(), "{kind}: {name} {property}");
            }
        }
    }
}

#[test]
fn fields_have_the_names_of_the_original() {
    let mapping = schema_for!(Mapping).to_value();
    let host = schema_for!(Host).to_value();
    for (schema, names) in [
        (&mapping, ["prefix", "timeout_ms", "add_request_headers", "v2ExplicitTLS", "regex_query_parameters"]),
        (&host, ["mappingSelector", "tlsSecret", "requestPolicy", "acmeProvider", "ambassador_id"]),
    ] {
        for name in names {
            assert!(schema["properties"][name].is_object(), "{name}");
        }
    }
}

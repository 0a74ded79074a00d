//! Puts what a controller would serve into the place that names it.

use serde_json::{Map, Value, json};

pub(super) fn settle_endpoints(cluster: &mut Value, endpoints: &[Value]) {
    if cluster.as_object_mut().unwrap().remove("edsClusterConfig").is_some() {
        cluster["type"] = json!("STATIC");
        let assignment = endpoints.iter().find(|endpoints| endpoints["clusterName"] == cluster["name"]);
        cluster["loadAssignment"] = assignment.unwrap().clone();
    }
}

pub(super) fn settle_routes(value: &mut Value, scopes: &[Value]) {
    visit(value, &mut |object| {
        if let Some(scoped) = object.get_mut("scopedRoutes").and_then(Value::as_object_mut) {
            scoped.retain(|key, _| key == "name" || key == "scopeKeyBuilder");
            scoped.insert("scopedRouteConfigurationsList".to_owned(), json!({"scopedRouteConfigurations": scopes}));
        }
    });
}

/// A slot that nothing fills is left out.
pub(super) fn settle_extensions(value: &mut Value, extensions: &[Value]) {
    visit(value, &mut |object| {
        if let Some(filters) = object.get_mut("httpFilters").and_then(Value::as_array_mut) {
            filters.retain_mut(|filter| {
                let filter = filter.as_object_mut().unwrap();
                if filter.remove("configDiscovery").is_none() {
                    return true;
                }
                let config = extensions.iter().find(|extension| extension["name"] == filter["name"]);
                config.is_some_and(|config| {
                    filter.insert("typedConfig".to_owned(), config["typedConfig"].clone());
                    true
                })
            });
        }
    });
}

/// Without a source, a secret is looked for among the static ones.
pub(super) fn forget_sds(value: &mut Value) {
    visit(value, &mut |object| {
        object.remove("sdsConfig");
    });
}

fn visit(value: &mut Value, each: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            each(object);
            object.values_mut().for_each(|value| visit(value, each));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| visit(value, each)),
        _ => {}
    }
}

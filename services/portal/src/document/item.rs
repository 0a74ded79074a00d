//! Operations within a path item: those of usual methods have keys of their own, others stand together under one.

use serde_json::{Map, Value, json};

use super::{METHODS, MORE_OPERATIONS};

/// Takes the operations out of a path item, each with its method as the item has it.
pub(crate) fn take_operations(item: &mut Map<String, Value>) -> Vec<(String, Map<String, Value>)> {
    let known = METHODS.iter().filter_map(|method| Some(((*method).to_owned(), item.remove(*method)?)));
    let mut all: Vec<_> = known.collect();
    if let Some(Value::Object(more)) = item.remove(MORE_OPERATIONS) {
        all.extend(more);
    }
    let operation = |(method, operation): (String, Value)| match operation {
        Value::Object(operation) => Some((method, operation)),
        _ => None,
    };
    all.into_iter().filter_map(operation).collect()
}

/// The operation of a method in a path item.
pub(crate) fn operation_of<'i>(item: &'i mut Value, method: &str) -> Option<&'i mut Map<String, Value>> {
    let known = method.to_ascii_lowercase();
    if METHODS.contains(&known.as_str()) {
        return item.get_mut(&known)?.as_object_mut();
    }
    let more = item.get_mut(MORE_OPERATIONS)?.as_object_mut()?.iter_mut();
    let mut of_method = more.filter(|(other, _)| other.eq_ignore_ascii_case(method));
    of_method.next()?.1.as_object_mut()
}

/// All operations of a path item.
pub(crate) fn operations_of(item: &mut Value) -> Vec<&mut Map<String, Value>> {
    let mut all = Vec::new();
    for (key, value) in item.as_object_mut().into_iter().flatten() {
        match key.as_str() {
            MORE_OPERATIONS => all.extend(value.as_object_mut().into_iter().flat_map(Map::values_mut)),
            key if METHODS.contains(&key) => all.push(value),
            _ => {}
        }
    }
    all.into_iter().filter_map(Value::as_object_mut).collect()
}

/// Puts an operation into a path item; gives it back where there is one of its method already.
pub(crate) fn put_operation(
    item: &mut Value,
    method: &str,
    operation: Map<String, Value>,
) -> Result<(), Map<String, Value>> {
    if operation_of(item, method).is_some() {
        return Err(operation);
    }
    let known = method.to_ascii_lowercase();
    if METHODS.contains(&known.as_str()) {
        item[known] = Value::Object(operation);
    } else {
        if item.get(MORE_OPERATIONS).is_none() {
            item[MORE_OPERATIONS] = json!({});
        }
        item[MORE_OPERATIONS][method] = Value::Object(operation);
    }
    Ok(())
}

/// Takes the operation of a method out of a path item.
pub(crate) fn remove_operation(item: &mut Value, method: &str) {
    let Some(item) = item.as_object_mut() else { return };
    let known = method.to_ascii_lowercase();
    if METHODS.contains(&known.as_str()) {
        item.remove(&known);
    } else if let Some(more) = item.get_mut(MORE_OPERATIONS).and_then(Value::as_object_mut) {
        more.retain(|other, _| !other.eq_ignore_ascii_case(method));
        if more.is_empty() {
            item.remove(MORE_OPERATIONS);
        }
    }
}

/// Whether a path item has any operation.
pub(crate) fn has_operations(item: &Value) -> bool {
    METHODS.iter().any(|method| item.get(*method).is_some()) || item.get(MORE_OPERATIONS).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_put_where_their_methods_belong() {
        let mut item = json!({ "summary": "s" });
        let operation = |id: &str| json!({ "operationId": id }).as_object().unwrap().clone();
        put_operation(&mut item, "GET", operation("a")).unwrap();
        put_operation(&mut item, "COPY", operation("b")).unwrap();
        assert!(put_operation(&mut item, "get", operation("c")).is_err());
        let expected = json!({ "summary": "s", "get": { "operationId": "a" }, "additionalOperations": { "COPY": { "operationId": "b" } } });
        assert_eq!(item, expected);
        assert_eq!(operation_of(&mut item, "copy").unwrap()["operationId"], "b");
        assert_eq!(operations_of(&mut item).len(), 2);
        let mut other = item.as_object().unwrap().clone();
        let taken: Vec<_> = take_operations(&mut other).into_iter().map(|(method, _)| method).collect();
        assert_eq!(
            (taken, Value::Object(other)),
            (vec!["get".to_owned(), "COPY".to_owned()], json!({ "summary": "s" }))
        );
        remove_operation(&mut item, "COPY");
        assert!(has_operations(&item));
        remove_operation(&mut item, "GET");
        assert_eq!(item, json!({ "summary": "s" }));
        assert!(!has_operations(&item));
    }
}

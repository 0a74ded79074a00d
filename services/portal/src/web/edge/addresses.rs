//! Routes at several addresses of an API, as one list.

use crate::gateway::{ToldOperation, ToldRoute};

/// A route, and the addresses at which requests may get it: none where at all of them.
pub(super) type Met = (ToldRoute, Vec<usize>);

/// What is told of an operation at each address. What the first does not have stands before the last of the list, which is what
/// the usual request gets there.
pub(super) fn joined(of_each: &[ToldOperation]) -> Vec<Met> {
    let mut all: Vec<Met> = Vec::new();
    for (address, told) in of_each.iter().enumerate() {
        for route in &told.routes {
            match all.iter_mut().find(|(known, _)| known == route) {
                Some((_, at)) if at.last() == Some(&address) => {}
                Some((_, at)) => at.push(address),
                None if address == 0 => all.push((route.clone(), vec![address])),
                None => all.insert(all.len().saturating_sub(1), (route.clone(), vec![address])),
            }
        }
    }
    all.iter_mut().filter(|(_, at)| at.len() == of_each.len()).for_each(|(_, at)| at.clear());
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(routes: &[&str]) -> ToldOperation {
        let route = |name: &&str| {
            json!({ "origin": [{ "kind": "Mapping", "namespace": "shop", "name": name }], "conditions": [], "doubt": null,
                "action": "forward", "status": null, "credentials": [], "limits": [], "is_limited_elsewhere": false,
                "timeout_ms": 0, "idle_timeout_ms": null, "retry": null, "clusters": [] })
        };
        let routes: Vec<_> = routes.iter().map(route).collect();
        serde_json::from_value(json!({ "routes": routes, "otherwise": null })).unwrap()
    }

    #[test]
    fn what_not_all_addresses_have_says_which() {
        let joined = |of_each: &[ToldOperation]| -> Vec<(String, Vec<usize>)> {
            joined(of_each).into_iter().map(|(route, at)| (route.origin[0].name.clone(), at)).collect()
        };
        let named = |name: &str, at: &[usize]| (name.to_owned(), at.to_vec());
        assert_eq!(joined(&[told(&["a", "b"]), told(&["a", "b"])]), [named("a", &[]), named("b", &[])]);
        let apart = joined(&[told(&["a", "b"]), told(&["c", "b"]), told(&["a"])]);
        assert_eq!(apart, [named("a", &[0, 2]), named("c", &[1]), named("b", &[0, 1])]);
        assert_eq!(joined(&[told(&[]), told(&["a"])]), [named("a", &[1])]);
        assert_eq!(joined(&[]), []);
    }
}

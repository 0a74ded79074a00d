//! The API server itself.

use super::Check;
use super::ask::Api;
use crate::source::kubernetes::AccessError;

const SECTION: &str = "Kubernetes API";

/// The oldest minor version of Kubernetes 1 that is tested against what the chart needs.
const OLDEST: u32 = 30;

pub(super) fn no_way(error: &AccessError) -> Check {
    let hint = "name a kubeconfig with --kubeconfig or KUBECONFIG, and a context of it with --context";
    Check::failed(SECTION, "there is a way to the API server", error.to_string(), hint)
}

pub(super) async fn checks(api: &Api, server: &str) -> Vec<Check> {
    let answers = format!("the API server {server} answers");
    let version = match api.get("/version").await {
        Ok(version) => version,
        Err(refusal) => {
            let hint = "is it running, is the address right, and are the credentials still good? kubectl get --raw /version asks the same";
            return vec![Check::failed(SECTION, answers, refusal.message, hint)];
        }
    };
    vec![Check::ok(SECTION, answers), version_check(version["gitVersion"].as_str().unwrap_or_default())]
}

/// Versions are `v1.36.3`, with whatever a vendor adds.
fn version_check(version: &str) -> Check {
    let check = format!("its version is 1.{OLDEST} or newer");
    let mut numbers = version.trim_start_matches('v').split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(1)), Some(Ok(minor))) if minor < OLDEST => {
            Check::warning(SECTION, check, format!("it is {version}"), "update the cluster: older ones are not tested")
        }
        (Some(Ok(_)), Some(Ok(_))) => Check::ok(SECTION, check).with(version),
        _ => Check::skipped(SECTION, check, format!("it says \"{version}\", which is not understood")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    #[test]
    fn versions_are_compared() {
        let outcome = |version| version_check(version).outcome;
        assert_eq!(outcome("v1.36.3"), Outcome::Ok);
        assert_eq!(outcome("v1.30.0-eks-1234"), Outcome::Ok);
        assert_eq!(outcome("v1.29.9"), Outcome::Warning);
        assert_eq!(outcome("v2.0.0"), Outcome::Ok);
        assert_eq!(outcome("new"), Outcome::Skipped);
    }
}

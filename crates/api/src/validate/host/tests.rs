use std::sync::Arc;

use crate::{Defaults, parse};

/// What is said of the `acmeProvider` of a Host with this spec.
fn told(spec: &str) -> String {
    let text = format!("apiVersion: getambassador.io/v3alpha1\nkind: Host\nmetadata: {{name: h}}\nspec: {spec}\n");
    let object = parse(text.as_bytes(), &Arc::from("a.yaml"), &Defaults::default()).objects.remove(0);
    object.problems.into_iter().map(|(problem, _)| format!("{}: {}", problem.field, problem.message)).collect()
}

#[test]
fn of_a_certificate_that_nobody_fetches_it_is_told_what_comes_of_that() {
    let provider = "hostname: a.example, acmeProvider: {email: e}";
    let redirects = told(&format!("{{{provider}}}"));
    assert!(
        redirects.starts_with("spec.acmeProvider: accepted, not yet effective: no certificate is fetched or renewed")
    );
    assert!(redirects.contains("redirected to HTTPS") && redirects.contains("cert-manager"), "{redirects}");
    let routes = told(&format!("{{{provider}, requestPolicy: {{insecure: {{action: Route}}}}}}"));
    assert!(routes.contains("without tlsSecret") && !routes.contains("redirected"), "{routes}");
    let with_secret = told(&format!("{{{provider}, tlsSecret: {{name: cert}}}}"));
    assert!(with_secret.contains("write the Secret cert") && !with_secret.contains("without"), "{with_secret}");
    assert_eq!(told("{hostname: a.example, acmeProvider: {authority: None}}"), "");
}

//! Whether the gateway may do what it has to: asked of the API server, permission by permission.

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::ask::{Api, Refusal};
use super::{Check, ClusterQuestions, Outcome};
use crate::rbac::{DEFINITIONS, Feature, Names, RULES, Rule, Scope, TOMBSTONES};
use crate::source::kubernetes::resources::watched;

const SECTION: &str = "Permissions";

/// Questions at the same time.
const AT_ONCE: usize = 8;

/// One permission.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Right {
    verb: &'static str,
    group: &'static str,
    /// With a subresource behind a slash.
    resource: String,
    /// In one namespace, or in all.
    namespace: Option<String>,
    name: Option<String>,
}

pub(super) async fn checks(api: &Api, questions: &ClusterQuestions, webhook: bool) -> Vec<Check> {
    let rules = RULES.iter().filter(|rule| is_needed(rule, questions, webhook));
    let mut checks = vec![asker(api, questions).await];
    for rule in rules {
        checks.push(check(api, questions, rule).await);
    }
    checks
}

fn is_needed(rule: &Rule, questions: &ClusterQuestions, webhook: bool) -> bool {
    let of_feature = match rule.feature {
        Feature::Gateway => true,
        Feature::Status => questions.statuses,
        Feature::Election => questions.statuses || webhook || questions.previews,
        Feature::Webhook => webhook,
        Feature::Edits => questions.edits,
        Feature::Previews => questions.previews,
        // The portal has another account than the one that asks here.
        Feature::Keys => false,
    };
    let configured = rule.names != Names::WebhookConfiguration || questions.webhook_configuration.is_some();
    of_feature && configured && !(questions.selection.namespace.is_some() && rule.scope == Scope::Cluster)
}

/// Says whose permissions are looked at.
async fn asker(api: &Api, questions: &ClusterQuestions) -> Check {
    if let Some((namespace, name)) = &questions.account {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}");
        let check = format!("the ServiceAccount {namespace}/{name} is there");
        return match api.get(&path).await {
            Ok(_) => Check::ok(SECTION, check),
            Err(refusal) if refusal.is_missing() => {
                let hint =
                    "name the gateway's own with --service-account (kubectl get pod -o yaml: serviceAccountName)";
                Check::failed(SECTION, check, "it is not", hint)
            }
            Err(refusal) => Check::skipped(SECTION, check, refusal.message),
        };
    }
    let review = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
    let check = "whose permissions these are is known";
    match api.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", &review).await {
        Ok(answer) => {
            let user = answer.pointer("/status/userInfo/username").and_then(Value::as_str).unwrap_or_default();
            let own = "your own: for those of a gateway that runs as another, --service-account NAME";
            let gateway = user.starts_with("system:serviceaccount:");
            Check::ok(SECTION, check).with(if gateway { user.to_owned() } else { format!("{user}, {own}") })
        }
        Err(refusal) => Check::skipped(SECTION, check, refusal.message),
    }
}

async fn check(api: &Api, questions: &ClusterQuestions, rule: &Rule) -> Check {
    let check = format!("it may {}", rule.purpose);
    let asked = stream::iter(rights(rule, questions)).map(|right| async move {
        let answer = is_allowed(api, questions, &right).await;
        (right, answer)
    });
    let answers: Vec<_> = asked.buffered(AT_ONCE).collect().await;
    if let Some((_, Err(refusal))) = answers.iter().find(|(_, answer)| answer.is_err()) {
        return Check::skipped(SECTION, check, format!("the API server does not say: {}", refusal.message));
    }
    let missing: Vec<_> = answers.iter().filter(|(_, answer)| *answer == Ok(false)).map(|(right, _)| right).collect();
    if missing.is_empty() {
        return Check::ok(SECTION, check);
    }
    let found = missing.iter().map(|right| format!("not allowed: {}", words(right))).collect();
    let role = if missing.iter().all(|right| right.namespace.is_some()) { "a Role" } else { "a ClusterRole" };
    let hint = format!("let {role} that is bound to it grant that (the chart does, with rbac.create)");
    Check { outcome: Outcome::Failed, found, hint: Some(hint), ..Check::ok(SECTION, check) }
}

/// What a rule stands for, one by one. A role may list kinds where the rule says all.
fn rights(rule: &Rule, questions: &ClusterQuestions) -> Vec<Right> {
    let resources: Vec<String> = match rule.resources {
        ["*"] => {
            let kinds = watched(true).into_iter().filter(|api| api.group == rule.group);
            kinds.map(|api| api.plural.to_owned()).collect()
        }
        resources => resources.iter().map(|resource| (*resource).to_owned()).collect(),
    };
    let names: Vec<Option<String>> = match rule.names {
        Names::Any => vec![None],
        Names::WebhookSecret => vec![Some(questions.webhook_service.clone())],
        Names::WebhookConfiguration => vec![questions.webhook_configuration.clone()],
        Names::KeysSecret => Vec::new(),
        Names::Tombstones => vec![Some(TOMBSTONES.to_owned())],
        Names::Definitions => DEFINITIONS.iter().map(|name| Some((*name).to_owned())).collect(),
    };
    let own = rule.scope == Scope::Own || (rule.scope == Scope::Watched && questions.selection.namespace.is_some());
    let namespace = own.then(|| questions.namespace.clone());
    let mut rights = Vec::new();
    for (resource, name) in resources.iter().flat_map(|resource| names.iter().map(move |name| (resource, name))) {
        rights.extend(rule.verbs.iter().map(|verb| Right {
            verb,
            group: rule.group,
            resource: resource.clone(),
            namespace: namespace.clone(),
            name: name.clone(),
        }));
    }
    rights
}

async fn is_allowed(api: &Api, questions: &ClusterQuestions, right: &Right) -> Result<bool, Refusal> {
    let (resource, subresource) = right.resource.split_once('/').unwrap_or((&right.resource, ""));
    let attributes = json!({
        "verb": right.verb,
        "group": right.group,
        "resource": resource,
        "subresource": subresource,
        "namespace": right.namespace.as_deref().unwrap_or_default(),
        "name": right.name.as_deref().unwrap_or_default(),
    });
    let mut spec = json!({ "resourceAttributes": attributes });
    let kind = match &questions.account {
        None => "SelfSubjectAccessReview",
        Some((namespace, name)) => {
            spec["user"] = json!(format!("system:serviceaccount:{namespace}:{name}"));
            let groups = ["system:authenticated", "system:serviceaccounts"].map(ToOwned::to_owned);
            spec["groups"] = json!([groups.as_slice(), &[format!("system:serviceaccounts:{namespace}")]].concat());
            "SubjectAccessReview"
        }
    };
    let path = format!("/apis/authorization.k8s.io/v1/{}s", kind.to_lowercase());
    let review = json!({ "apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec });
    let answer = api.post(&path, &review).await?;
    Ok(answer.pointer("/status/allowed") == Some(&json!(true)))
}

/// `list secrets in the namespace nuncio`.
fn words(right: &Right) -> String {
    let Right { verb, group, resource, namespace, name } = right;
    let group = if group.is_empty() { String::new() } else { format!(" ({group})") };
    let name = name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    let place =
        namespace.as_ref().map_or_else(|| "in the whole cluster".to_owned(), |it| format!("in the namespace {it}"));
    format!("{verb} {resource}{name}{group} {place}")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::source::kubernetes::Selection;

    pub(in crate::doctor) fn questions(single_namespace: bool) -> ClusterQuestions {
        ClusterQuestions {
            access: crate::ClusterAccess::default(),
            namespace: "edge".to_owned(),
            selection: Selection { namespace: single_namespace.then(|| "edge".to_owned()), ..Selection::default() },
            ambassador_id: "default".to_owned(),
            account: None,
            webhook_service: "nuncio-webhook".to_owned(),
            webhook_configuration: None,
            edits: false,
            previews: false,
            statuses: true,
            mapping_statuses: true,
        }
    }

    #[test]
    fn a_gateway_of_one_namespace_needs_nothing_outside_of_it() {
        let questions = questions(true);
        let needed = RULES.iter().filter(|rule| is_needed(rule, &questions, false));
        let rights: Vec<_> = needed.flat_map(|rule| rights(rule, &questions)).collect();
        assert!(rights.len() > 20 && rights.iter().all(|right| right.namespace.as_deref() == Some("edge")));
        assert!(rights.iter().any(|right| words(right) == "list mappings (getambassador.io) in the namespace edge"));
    }

    #[test]
    fn permissions_for_one_object_name_it() {
        let questions = questions(false);
        let secret = RULES.iter().find(|rule| rule.names == Names::WebhookSecret).unwrap();
        assert!(is_needed(secret, &questions, true) && !is_needed(secret, &questions, false));
        let words: Vec<_> = rights(secret, &questions).iter().map(words).collect();
        assert_eq!(words[3], "update secrets nuncio-webhook in the namespace edge");
    }
}

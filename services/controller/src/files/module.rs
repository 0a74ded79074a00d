//! What of a Module stays as it was last good: each setting by itself.

use nuncio_api::{IpAccess, Location, Module, ModuleConfig, Object, Problem, Severity, Spec};

use super::STAYS;

/// The two that say who may come in. They exclude each other, so that one of them says nothing without the other.
const ACCESS: [&str; 2] = ["ip_allow", "ip_deny"];
/// Defaults that are something else than nothing.
const DEFAULTS: [(&str, &str); 12] = [
    ("cluster_request_timeout_ms", "3000"),
    ("default_label_domain", "ambassador"),
    ("enable_http10", "false"),
    ("enable_ipv4", "true"),
    ("enable_ipv6", "false"),
    ("forward_client_cert_details", "SANITIZE"),
    ("headers_with_underscores_action", "REJECT_REQUEST"),
    ("listener_request_timeout_ms", "300000"),
    ("merge_slashes", "true"),
    ("resolver", "kubernetes-service"),
    ("server_name", "envoy"),
    ("use_remote_address", "true"),
];

/// Said of access lists of which none was good.
const NOBODY: &str = "; nobody is let in until it is valid";
/// Ends what is said of a setting that never was good.
const UNTIL: &str = " is in force until it is valid";

/// Gives each setting that cannot be read what it was last good, and says what is in force in its place. `before` is the object
/// as it was; where there was none, a gateway that is `running` has the defaults in force.
pub(super) fn keep_good(
    new: &mut Module,
    problems: &mut [(Problem, Location)],
    before: Option<&Object>,
    running: bool,
) {
    let defaults = ModuleConfig::default();
    let good = match before.map(|before| &before.spec) {
        Some(Spec::Module(good)) => Some(&good.config),
        Some(_) => None,
        None => running.then_some(&defaults),
    };
    if let Some(good) = good
        && problems.iter().any(|(problem, _)| problem.reason == "LostSettings")
    {
        let ModuleConfig { ip_allow, ip_deny, .. } = std::mem::replace(&mut new.config, good.clone());
        (new.config.ip_allow, new.config.ip_deny) = (ip_allow, ip_deny);
    }
    let never_was_good = |key: &str| {
        let mut earlier = before.iter().flat_map(|before| &before.problems);
        earlier.any(|(problem, _)| problem.message.ends_with(UNTIL) && setting(problem) == Some(key))
    };
    let lists = [&new.config.ip_allow, &new.config.ip_deny];
    let closes = lists.contains(&&Some(IpAccess::Unreadable));
    for (problem, _) in problems.iter_mut().filter(|(problem, _)| problem.severity == Severity::Error) {
        let Some(key) = setting(problem) else { continue };
        let is_unknown = problem.reason == "UnknownField";
        let is_access = closes && (is_unknown || ACCESS.contains(&key));
        if is_unknown && !is_access {
            continue;
        }
        let meanwhile = match good.filter(|_| is_access || !never_was_good(key)) {
            Some(good) if is_access && has_lists(good) => {
                ACCESS.iter().for_each(|key| new.config.take(key, good));
                STAYS.to_owned()
            }
            _ if is_access => NOBODY.to_owned(),
            Some(good) => {
                new.config.take(key, good);
                STAYS.to_owned()
            }
            None => {
                let value = DEFAULTS.iter().find(|(name, _)| *name == key).map(|(_, value)| format!(" ({value})"));
                format!("; the default{}{UNTIL}", value.unwrap_or_default())
            }
        };
        problem.message.push_str(&meanwhile);
    }
}

/// Whether it says who may come in. Where nobody was shut out, a list that cannot be read is a guard that is meant to begin.
fn has_lists(good: &ModuleConfig) -> bool {
    let lists = [&good.ip_allow, &good.ip_deny];
    lists.iter().any(|list| list.is_some()) && !lists.contains(&&Some(IpAccess::Unreadable))
}

/// The setting that a problem is of.
fn setting(problem: &Problem) -> Option<&str> {
    let field = problem.field.strip_prefix("spec.config.").or_else(|| problem.field.strip_prefix("spec."))?;
    field.split(['.', '[']).next()
}

#[cfg(test)]
mod tests {
    use nuncio_api::{Defaults, Kind, ObjectId};

    use super::super::Files;
    use super::*;
    use crate::source::{Content, FileChange};

    /// Settings, each with a slip of the pen and what is in force at the start instead.
    const SLIPS: [(&str, &str, &str); 8] = [
        ("cluster_request_timeout_ms: 10000", "10s", "the default (3000) is in force"),
        (
            "default_labels: {ambassador: {defaults: [remote_address]}}",
            "{ambassador: {defaults: [{remote_addr}]}}",
            "the default is in force",
        ),
        ("headers_with_underscores_action: ALLOW", "ALOW", "the default (REJECT_REQUEST) is in force"),
        ("enable_http10: true", "yess", "the default (false) is in force"),
        (
            "defaults: {httpmapping: {add_response_headers: {strict-transport-security: {value: max-age=1}}}}",
            "{httpmapping: {add_response_headers: {strict-transport-security: {valu: max-age=1}}}}",
            "the default is in force",
        ),
        ("ip_deny: [{peer: 203.0.113.0/24}]", "[{peer: 203.0.113.0/244}]", "nobody is let in"),
        ("ip_allow: [{peer: 127.0.0.1}]", "[{peer: 127.0.0.1}, {peer: everyone}]", "nobody is let in"),
        ("lua_scripts: 'local a = 1'", "[a]", "the default is in force"),
    ];

    fn read(files: &mut Files, name: &str, config: &str) {
        let text = format!(
            "apiVersion: getambassador.io/v3alpha1\nkind: Module\nmetadata: {{name: ambassador}}\nspec:\n  config: {{{config}}}\n"
        );
        files.apply(vec![FileChange { file: name.into(), content: Content::Bytes(text.into_bytes()) }]);
    }

    fn config(files: &Files) -> ModuleConfig {
        match &files.object(&ObjectId::new(Kind::Module, "default", "ambassador")).unwrap().spec {
            Spec::Module(module) => module.config.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// What is wrong with it.
    fn messages(files: &Files) -> Vec<String> {
        let found = files.problems_of(&ObjectId::new(Kind::Module, "default", "ambassador"));
        let errors = found.into_iter().filter(|it| it.problem.severity == Severity::Error);
        errors.map(|it| it.problem.message).collect()
    }

    #[test]
    fn a_setting_that_cannot_be_read_stays_as_it_was_last_good() {
        for (good, slip, at_start) in SLIPS {
            let bad = format!("{}: {slip}", good.split_once(": ").unwrap().0);
            let mut files = Files::new(Defaults::default());
            read(&mut files, "a.yaml", good);
            let before = config(&files);
            assert_eq!(messages(&files), [""; 0], "{good}");
            // However often it changes, and whatever else does.
            for server in ["one", "two"] {
                read(&mut files, "a.yaml", &format!("{bad}, server_name: {server}"));
                let expected = ModuleConfig { server_name: Some(server.to_owned()), ..before.clone() };
                assert_eq!(config(&files), expected, "{bad}");
                let told = messages(&files);
                assert!(!told.is_empty() && told.iter().all(|told| told.ends_with(STAYS)), "{told:?}");
            }
            // As well where it comes in another file.
            read(&mut files, "b.yaml", &bad);
            assert_eq!(config(&files), before, "{bad} in another file");
            read(&mut files, "b.yaml", "");
            assert_eq!(config(&files), ModuleConfig::default(), "what is taken out is out");

            let mut fresh = Files::new(Defaults::default());
            read(&mut fresh, "a.yaml", &bad);
            for server in ["", ", server_name: one"] {
                let told = messages(&fresh);
                assert!(!told.is_empty() && told.iter().all(|told| told.contains(at_start)), "{told:?}");
                assert_ne!(config(&fresh), before);
                read(&mut fresh, "a.yaml", &format!("{bad}{server}"));
            }
            read(&mut fresh, "a.yaml", good);
            assert_eq!((config(&fresh), messages(&fresh)), (before, Vec::new()));
        }
    }

    /// Modules whose settings stand where none are read.
    const LOST: [&str; 4] = [
        "spec:\n  confg: {server_name: edge}\n",
        "spec:\n  config:\n  server_name: edge\n",
        "sepc:\n  config: {server_name: edge}\n",
        "config: {server_name: edge}\n",
    ];
    const HEAD: &str = "apiVersion: getambassador.io/v3alpha1\nkind: Module\nmetadata: {name: ambassador}\n";

    #[test]
    fn settings_that_stand_where_none_are_read_stay_as_they_were() {
        for lost in LOST {
            let change =
                || FileChange { file: "a.yaml".into(), content: Content::Bytes(format!("{HEAD}{lost}").into_bytes()) };
            let mut files = Files::new(Defaults::default());
            read(&mut files, "a.yaml", "enable_http10: true, ip_deny: [{peer: 203.0.113.0/24}]");
            let before = config(&files);
            files.apply(vec![change()]);
            assert_eq!(config(&files), before, "{lost}");
            assert!(matches!(&messages(&files)[..], [told] if told.ends_with(STAYS)), "{:?}", messages(&files));

            let mut fresh = Files::new(Defaults::default());
            fresh.apply(vec![change()]);
            let told = messages(&fresh);
            assert!(matches!(&told[..], [told] if !told.contains("in force")), "the world says what is: {told:?}");
        }
    }

    #[test]
    fn settings_beside_an_access_list_that_lost_their_level_stay_as_they_were() {
        let lost = format!("{HEAD}spec:\n  ip_deny: [{{peer: 203.0.113.9}}]\n  enable_http10: true\n");
        let change = || FileChange { file: "a.yaml".into(), content: Content::Bytes(lost.clone().into_bytes()) };
        for (good, lists) in [("enable_http10: true", false), ("server_name: a, ip_deny: [{peer: 203.0.113.9}]", true)]
        {
            let mut files = Files::new(Defaults::default());
            read(&mut files, "a.yaml", good);
            let before = config(&files);
            files.apply(vec![change()]);
            let ip_deny = if lists { before.ip_deny.clone() } else { Some(IpAccess::Unreadable) };
            assert_eq!(config(&files), ModuleConfig { ip_deny, ..before }, "{good}");
        }
        let mut fresh = Files::new(Defaults::default());
        fresh.apply(vec![change()]);
        assert_eq!(config(&fresh).ip_deny, Some(IpAccess::Unreadable), "at the start nobody is let in");
    }

    #[test]
    fn of_two_access_lists_that_which_was_good_stays_alone() {
        let (deny, allow) = ("ip_deny: [{peer: 203.0.113.0/24}]", "ip_allow: [{peer: 127.0.0.1}]");
        for bad in [format!("{deny}, {allow}"), allow.replace("127", "everyone"), allow.replace("allow", "alow")] {
            let mut files = Files::new(Defaults::default());
            read(&mut files, "a.yaml", deny);
            let before = config(&files);
            read(&mut files, "a.yaml", &bad);
            assert_eq!(config(&files), before, "{bad}");
            assert!(messages(&files)[0].ends_with(STAYS), "{:?}", messages(&files));
        }
    }

    #[test]
    fn a_module_that_comes_later_changes_nothing_by_what_cannot_be_read_but_a_guard() {
        for (good, slip, _) in SLIPS {
            let mut files = Files::new(Defaults::default());
            files.apply(Vec::new());
            let key = good.split_once(": ").unwrap().0;
            read(&mut files, "a.yaml", &format!("{key}: {slip}"));
            let closes = ACCESS.contains(&key);
            assert_eq!(config(&files) == ModuleConfig::default(), !closes, "{slip}");
            assert!(messages(&files)[0].ends_with(if closes { NOBODY } else { STAYS }), "{:?}", messages(&files));
        }
    }
}

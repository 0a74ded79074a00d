//! What a form offers: what the policy lets somebody make, and nothing that it would refuse.

use serde_json::Value;

use super::fields::{Fault, Fields};
use crate::previews::rights::Rights;
use crate::texts::Texts;

/// For how long, where no policy says anything of that.
const USUAL: u64 = 72 * 3600;
/// What a name is made of.
const NAME: &str = "[a-z0-9]([a-z0-9\\-]*[a-z0-9])?";

/// A field of a form.
#[derive(Debug, Default)]
pub(in crate::previews) struct Input<'a> {
    pub(in crate::previews) name: &'static str,
    /// The text that says what it is.
    pub(in crate::previews) label: &'static str,
    pub(in crate::previews) value: &'a str,
    pub(in crate::previews) is_required: bool,
    pub(in crate::previews) pattern: &'static str,
    /// One of these, where there are any.
    pub(in crate::previews) choices: Vec<&'a str>,
    /// What may be typed among other things.
    pub(in crate::previews) known: Vec<&'a str>,
    /// What would be taken.
    pub(in crate::previews) example: String,
    pub(in crate::previews) hint: String,
    /// What is wrong with it.
    pub(in crate::previews) fault: Option<&'a str>,
    /// A class of the style sheet.
    pub(in crate::previews) class: &'static str,
}

impl Input<'_> {
    /// Whether there is more to say than what it is called.
    pub(in crate::previews) fn is_told(&self) -> bool {
        self.fault.is_some() || !self.hint.is_empty()
    }
}

/// The fields by which somebody says which preview it is to be.
pub(in crate::previews) fn naming<'a>(
    fields: &'a Fields,
    rights: &'a Rights,
    fault: Option<&'a Fault>,
) -> Vec<Input<'a>> {
    let name = Input { is_required: true, pattern: NAME, ..input("name", "previews_name", &fields.name, fault) };
    let (all, named): (Vec<_>, Vec<_>) =
        rights.namespaces.iter().map(|room| &*room.namespace).partition(|name| *name == "*");
    let namespace = input("namespace", "previews_namespace", &fields.namespace, fault);
    let example = named.first().copied().unwrap_or("default").to_owned();
    vec![name, chosen(Input { example, ..namespace }, named, all.is_empty())]
}

/// The fields that say what it is.
pub(in crate::previews) fn saying<'a>(
    texts: &Texts,
    fields: &'a Fields,
    rights: &'a Rights,
    fault: Option<&'a Fault>,
) -> Vec<Input<'a>> {
    let text = |name: &'static str, label: &'static str, value: &'a str| input(name, label, value, fault);
    let service = |name: &'static str, label: &'static str, value: &'a str, example: &str| Input {
        is_required: true,
        example: example.to_owned(),
        ..text(name, label, value)
    };
    let mut all = vec![
        service("baseline", "previews_baseline", &fields.baseline, "cart"),
        service("backend", "previews_backend", &fields.backend, "cart-fix-tax"),
        host(texts, text("host", "previews_host", &fields.host), rights),
    ];
    let modes = rights.access.iter().map(String::as_str).collect();
    all.push(chosen(text("access", "previews_access", &fields.access), modes, true));
    all.push(time(texts, text("ttl", "previews_ttl", &fields.ttl), rights));
    let groups = Input { class: "for-members", ..text("groups", "previews_groups", &fields.groups) };
    let owner = Input { class: "for-owner", ..text("owner", "previews_owner", &fields.owner) };
    let of_modes = [("Members", groups), ("Owner", owner)].into_iter();
    let is_offered = |mode: &str| fields.access == mode || rights.access.iter().any(|it| it == mode);
    all.extend(of_modes.filter(|(mode, _)| is_offered(mode)).map(|(_, input)| input));
    all
}

/// What a manifest looks like that the policy would take, for who writes his first, or that of one of this name.
pub(in crate::previews) fn manifest(rights: &Rights, namespace: &str, name: &str) -> String {
    let usual = rights.namespaces.iter().map(|room| &*room.namespace).find(|name| *name != "*");
    let namespace = scalar(if namespace.is_empty() { usual.unwrap_or("default") } else { namespace });
    let name = scalar(if name.is_empty() { "cart-fix-tax" } else { name });
    let host = host_like(rights);
    let access = match rights.access.first().map_or("Authenticated", String::as_str) {
        "Members" => "{mode: Members, groups: [team-cart]}".to_owned(),
        "Owner" => "{mode: Owner, owner: ann}".to_owned(),
        mode => format!("{{mode: {mode}}}"),
    };
    format!(
        "\
apiVersion: nuncio.dev/v1alpha1
kind: Preview
metadata:
  name: {name}
  namespace: {namespace}
spec:
  services:
  - baseline: cart
    backend: cart-fix-tax
  entrypoints:
  - {{name: web, host: {host}}}
  access: {access}
"
    )
}

/// A text as it stands in a manifest: in quotes where it would be read as something else.
fn scalar(text: &str) -> String {
    let is_plain = serde_saphyr::from_str::<Value>(text).is_ok_and(|read| read == text);
    if is_plain { text.to_owned() } else { Value::from(text).to_string() }
}

fn input<'a>(name: &'static str, label: &'static str, value: &'a str, fault: Option<&'a Fault>) -> Input<'a> {
    Input { name, label, value, fault: fault.and_then(|fault| fault.with(name)), ..Input::default() }
}

/// A field of which these values are known, and no others where `only` they are. What it says already is offered in any case.
fn chosen<'a>(input: Input<'a>, known: Vec<&'a str>, only: bool) -> Input<'a> {
    if !only || known.is_empty() {
        return Input { known, ..input };
    }
    let own = Some(input.value).filter(|own| !own.is_empty() && !known.contains(own));
    Input { choices: known.into_iter().chain(own).collect(), ..input }
}

fn host<'a>(texts: &Texts, input: Input<'a>, rights: &'a Rights) -> Input<'a> {
    let (globs, names): (Vec<&str>, Vec<&str>) =
        rights.hosts.iter().map(String::as_str).partition(|host| host.contains('*'));
    let hint = match globs.is_empty() {
        true => String::new(),
        false => texts.with("previews_host_like", "hosts", &rights.hosts.join(", ")),
    };
    chosen(Input { is_required: true, example: host_like(rights), hint, ..input }, names, globs.is_empty())
}

/// For how long it is shown: at most, and where nothing is typed.
fn time<'a>(texts: &Texts, input: Input<'a>, rights: &Rights) -> Input<'a> {
    let most = rights.max_ttl.map(|most| texts.with("previews_ttl_most", "most", &length(most)));
    let usual = [rights.ttl, rights.max_ttl].into_iter().flatten().min();
    let empty = match usual {
        Some(usual) => texts.with("previews_ttl_usual", "usual", &length(usual)),
        None => texts.text("previews_ttl_endless").to_owned(),
    };
    // Of what he may whom nobody knows nothing is said.
    let is_known = rights.why.is_empty();
    let hint = most.into_iter().chain(is_known.then_some(empty)).collect::<Vec<_>>().join(" ");
    Input { example: length(usual.unwrap_or(USUAL)), hint, ..input }
}

/// A host that the policy takes.
fn host_like(rights: &Rights) -> String {
    let Some(host) = rights.hosts.iter().find(|host| !host.contains('*')).or_else(|| rights.hosts.first()) else {
        return "shop.example.com".to_owned();
    };
    match host.strip_prefix('*') {
        Some("") => "shop.example.com".to_owned(),
        Some(rest) => format!("shop{rest}"),
        None => host.replace('*', "example"),
    }
}

/// As one writes it: `72h`.
pub(super) fn length(seconds: u64) -> String {
    match seconds {
        _ if seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        _ if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::previews::rights::Room;

    fn rights(namespaces: &[&str], hosts: &[&str], access: &[&str]) -> Rights {
        let texts = |all: &[&str]| all.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let room = |name: &&str| Room { namespace: (*name).to_owned(), repository: None, room: None };
        Rights {
            namespaces: namespaces.iter().map(room).collect(),
            hosts: texts(hosts),
            access: texts(access),
            ..Rights::default()
        }
    }

    fn find<'i, 'a>(inputs: &'i [Input<'a>], name: &str) -> &'i Input<'a> {
        inputs.iter().find(|input| input.name == name).unwrap()
    }

    #[test]
    fn what_the_policy_names_is_chosen_and_what_it_describes_is_typed() {
        let (fields, texts) = (Fields::default(), Texts::default());
        let narrow = rights(&["shop", "web"], &["shop.example"], &["Public"]);
        let (named, said) = (naming(&fields, &narrow, None), saying(&texts, &fields, &narrow, None));
        assert_eq!(find(&named, "namespace").choices, ["shop", "web"]);
        assert_eq!(
            (&*find(&said, "host").choices, &*find(&said, "access").choices),
            (&["shop.example"][..], &["Public"][..])
        );
        assert!(said.iter().all(|input| !["groups", "owner"].contains(&input.name)), "nobody needs them: {said:?}");

        let wide = rights(&["*"], &["*.example", "shop.test"], &["Members", "Owner"]);
        let (named, said) = (naming(&fields, &wide, None), saying(&texts, &fields, &wide, None));
        assert!(find(&named, "namespace").choices.is_empty());
        let host = find(&said, "host");
        assert_eq!((&*host.known, host.choices.len(), &*host.example), (&["shop.test"][..], 0, "shop.test"));
        assert!(host.hint.contains("*.example, shop.test"), "{}", host.hint);
        assert_eq!((find(&said, "groups").class, find(&said, "owner").class), ("for-members", "for-owner"));
    }

    #[test]
    fn what_it_says_already_is_offered_whatever_the_policy_says_now() {
        let fields = Fields { access: "Members".to_owned(), host: "old.example".to_owned(), ..Fields::default() };
        let rights = rights(&["shop"], &["shop.example"], &["Public"]);
        let said = saying(&Texts::default(), &fields, &rights, None);
        assert_eq!(find(&said, "access").choices, ["Public", "Members"]);
        assert_eq!(find(&said, "host").choices, ["shop.example", "old.example"]);
        find(&said, "groups");
    }

    #[test]
    fn examples_are_such_as_would_be_taken() {
        for (hosts, expected) in [
            (&["*"][..], "shop.example.com"),
            (&["*.example"][..], "shop.example"),
            (&["shop.*"][..], "shop.example"),
            (&["*.example", "a.test"][..], "a.test"),
        ] {
            assert_eq!(host_like(&rights(&["*"], hosts, &[])), expected, "{hosts:?}");
        }
        let short = Rights { max_ttl: Some(5400), ..rights(&["web"], &["a.test"], &["Owner"]) };
        let (texts, fields) = (Texts::default(), Fields::default());
        let said = saying(&texts, &fields, &short, None);
        let ttl = find(&said, "ttl");
        assert_eq!((&*ttl.example, ttl.hint.contains("90m")), ("90m", true));
        let usual = Rights { ttl: Some(7200), max_ttl: None, ..short.clone() };
        assert_eq!(find(&saying(&texts, &fields, &usual, None), "ttl").example, "2h");
        assert!(ttl.hint.ends_with("end after 90m."), "{}", ttl.hint);
        for (ttl, max_ttl, told) in [
            (Some(7200), None, "Left empty, the PreviewPolicy has it end after 2h."),
            (Some(7200), Some(10_800), "At most 3h. Left empty, the PreviewPolicy has it end after 2h."),
            (None, None, "Left empty, the PreviewPolicy sets it no end."),
        ] {
            let rights = Rights { ttl, max_ttl, ..short.clone() };
            assert_eq!(find(&saying(&texts, &fields, &rights, None), "ttl").hint, told);
        }
        let unknown = Rights { why: "log in".to_owned(), ..Rights::default() };
        assert_eq!(find(&saying(&texts, &fields, &unknown, None), "ttl").hint, "");
        let example = manifest(&short, "", "");
        for part in ["name: cart-fix-tax\n", "namespace: web", "host: a.test", "{mode: Owner, owner: ann}"] {
            assert!(example.contains(part), "{part}: {example}");
        }
        for name in ["fix-tax", "42", "true", "null", "1e3", "a: b", "a\nspec: {}", "- a", "a #b"] {
            let read: Value = serde_saphyr::from_str(&manifest(&short, "shop", name)).unwrap();
            assert_eq!(read["metadata"], json!({ "name": name, "namespace": "shop" }), "{name}");
        }
        assert_eq!([length(30), length(60), length(259_200)], ["30s", "1m", "72h"]);
    }
}

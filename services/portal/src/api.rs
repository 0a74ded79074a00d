//! APIs: what the gateway serves, as it is shown.

mod id;
mod unsaid;

use std::collections::BTreeMap;
use std::time::Duration;

pub(crate) use self::id::ApiId;
use self::id::told_apart;
use self::unsaid::{by_hand, probed};
use crate::fetch::{DocumentUrl, Service, Target};
use crate::gateway::{PortalSpec, ServedApi, Upstream};
use crate::mount::{Mount, NotComputable};

/// An API with a document, or one that should have one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Api {
    pub(crate) id: ApiId,
    /// The Mapping.
    pub(crate) served: ServedApi,
    /// Where clients reach it.
    pub(crate) mount: Result<Mount, NotComputable>,
    /// Where its document is, or why nobody knows.
    pub(crate) target: Result<Target, String>,
    pub(crate) timeout: Option<Duration>,
    /// Nobody says that it has a document: it is asked whether it has.
    pub(crate) is_probed: bool,
    /// Its document keeps the servers that it names.
    pub(crate) keeps_servers: bool,
    /// What else leads to the same service.
    pub(crate) beside: Vec<ServedApi>,
}

impl Api {
    /// What it is called where its document says nothing.
    pub(crate) fn given_name(&self) -> &str {
        self.display_name().unwrap_or(&self.id.name)
    }

    /// All ways to its service.
    pub(crate) fn routes(&self) -> impl Iterator<Item = &ServedApi> {
        let own = Some(&self.served).filter(|served| !served.is_by_hand());
        own.into_iter().chain(&self.beside)
    }

    /// With those alone of the ways beside it.
    pub(crate) fn only(&self, wanted: impl Fn(&ServedApi) -> bool) -> Self {
        let beside = self.beside.iter().filter(|served| wanted(served)).cloned().collect();
        Self { beside, ..self.clone() }
    }

    /// Whether all is the same but where the endpoints of services are: whoever reads of it does not see them.
    pub(crate) fn reads_like(&self, other: &Self) -> bool {
        let read = |api: &Self| {
            let without = |served: &ServedApi| {
                let upstream = Upstream { endpoints: Vec::new(), ..served.upstream.clone() };
                ServedApi { upstream, ..served.clone() }
            };
            let beside = api.beside.iter().map(without).collect();
            // The endpoints are part of the target, too, which follows from the rest.
            let target = api.target.as_ref().map(|_| ()).map_err(Clone::clone);
            (target, Self { served: without(&api.served), target: Err(String::new()), beside, ..api.clone() })
        };
        self == other || read(self) == read(other)
    }

    /// What its Mapping calls it.
    pub(crate) fn display_name(&self) -> Option<&str> {
        self.served.docs.as_ref()?.display_name.as_deref()
    }
}

/// A service that the gateway serves and whose document nobody names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Undocumented {
    pub(crate) service: String,
    pub(crate) routes: Vec<ServedApi>,
}

impl Undocumented {
    /// That of an API without a document.
    pub(crate) fn of(api: &Api) -> Self {
        Self { service: api.served.upstream.service.clone(), routes: api.routes().cloned().collect() }
    }

    /// With those alone of its routes.
    pub(crate) fn only(&self, wanted: impl Fn(&ServedApi) -> bool) -> Self {
        let routes = self.routes.iter().filter(|served| wanted(served)).cloned().collect();
        Self { routes, ..self.clone() }
    }
}

/// Everything that is served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) apis: Vec<Api>,
    pub(crate) undocumented: Vec<Undocumented>,
}

impl Served {
    /// Sorts what the gateway tells. `published` gives the public number of a listener's port; with `probes`, services are
    /// asked of whose document nobody says anything.
    pub(crate) fn of(told: Vec<ServedApi>, portal: &PortalSpec, published: &[(u16, u16)], probes: bool) -> Self {
        let by_hand: Vec<_> = portal.docs.iter().map(|docs| by_hand(docs, portal, &told, published)).collect();
        let is_shown = |served: &ServedApi| served.selected && !served.docs.as_ref().is_some_and(|docs| docs.ignored);
        let (with, without): (Vec<_>, Vec<_>) = told.into_iter().filter(is_shown).partition(names_document);
        let mut apis: Vec<Api> = with.into_iter().map(|served| api(served, published)).collect();
        let mut rest: BTreeMap<String, Vec<ServedApi>> = BTreeMap::new();
        for served in without {
            let service = served.upstream.service.clone();
            let mut of_service = apis.iter_mut().filter(|api| api.served.upstream.service == service).peekable();
            if of_service.peek().is_none() {
                rest.entry(service).or_default().push(served);
            } else {
                of_service.for_each(|api| api.beside.push(served.clone()));
            }
        }
        let mut undocumented = Vec::new();
        for (service, routes) in rest {
            match probes {
                true => apis.extend(probed(routes, published)),
                false => undocumented.push(Undocumented { service, routes }),
            }
        }
        apis.extend(by_hand);
        told_apart(&mut apis);
        if portal.preserve_servers {
            apis.iter_mut().for_each(|api| api.keeps_servers = true);
        }
        Self { apis, undocumented }
    }
}

/// The name by which clients ask for it, where there is one.
fn public_host(served: &ServedApi) -> Option<&str> {
    served.hosts.iter().map(|host| host.host.as_str()).find(|host| !host.contains('*'))
}

/// Whether somebody meant it to have a document.
fn names_document(served: &ServedApi) -> bool {
    served.docs.as_ref().is_some_and(|docs| docs.path.is_some() || docs.url.is_some() || docs.invalid.is_some())
}

fn api(served: ServedApi, published: &[(u16, u16)]) -> Api {
    Api {
        id: ApiId::of(&served),
        mount: Mount::of(&served, published),
        target: target(&served),
        timeout: served.docs.as_ref().and_then(|docs| docs.timeout_ms).map(Duration::from_millis),
        served,
        is_probed: false,
        keeps_servers: false,
        beside: Vec::new(),
    }
}

/// Where the document is. A URL at the service itself is a path of the service.
fn target(served: &ServedApi) -> Result<Target, String> {
    let docs = served.docs.as_ref().ok_or("nobody says where the document is")?;
    if let Some(invalid) = &docs.invalid {
        return Err(format!("spec.docs of the Mapping cannot be used: {invalid}"));
    }
    let public_host = public_host(served);
    let of_service = |path: &str| Target::Service(Service::new(&served.upstream, public_host, path));
    match (&docs.url, &docs.path) {
        (Some(url), _) => {
            let url = DocumentUrl::parse(url).map_err(|error| error.to_string())?;
            let own = url.host_and_port().is_some_and(|at| is_service(at, &served.namespace, served));
            Ok(if own { of_service(&url.path()) } else { Target::Url(url) })
        }
        (None, Some(path)) => Ok(of_service(path)),
        (None, None) => Err("spec.docs of the Mapping says neither path nor url".to_owned()),
    }
}

/// Whether a URL's host and port, as an object of this namespace says them, are those of a Mapping's service: as it is written
/// there, or as a cluster has it.
fn is_service((host, port): (&str, u16), namespace: &str, served: &ServedApi) -> bool {
    let Some((service, service_port)) = served.upstream.service.rsplit_once(':') else { return false };
    let full = |name: &str, namespace: &str| {
        let name = name.trim_start_matches('[').trim_end_matches(']');
        let name = name.strip_suffix(".svc.cluster.local").or(name.strip_suffix(".svc")).unwrap_or(name);
        if name.contains(['.', ':']) { name.to_owned() } else { format!("{name}.{namespace}") }
    };
    service_port == port.to_string() && full(host, namespace) == full(service, &served.namespace)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::unsaid::PLACES;
    use super::*;
    use crate::gateway::{Docs, Path, Rewrite, SpecId, StaticDocs};
    use crate::mount::tests::served;

    fn documented(docs: Docs) -> ServedApi {
        let mut served = served(Path::Prefix("/api/".into()), Some(Rewrite::Matched("/".into())));
        served.docs = Some(docs);
        served
    }

    fn url(url: &str) -> ServedApi {
        documented(Docs { url: Some(url.to_owned()), ..Docs::default() })
    }

    /// An API whose document is at its service.
    pub(crate) fn of_service() -> Api {
        api(documented(Docs { path: Some("/openapi.json".to_owned()), ..Docs::default() }), &[])
    }

    #[test]
    fn a_url_at_the_service_is_a_path_of_it() {
        for own in ["http://cart/openapi.json", "http://cart.shop/x?y", "http://cart.shop.svc.cluster.local:80/x"] {
            assert!(matches!(target(&url(own)), Ok(Target::Service(_))), "{own}");
        }
        for other in ["http://cart:81/x", "http://cart.other/x", "https://cart/x", "https://docs.example/x"] {
            assert!(matches!(target(&url(other)), Ok(Target::Url(_))), "{other}");
        }
    }

    #[test]
    fn endpoints_make_no_other_api_for_readers() {
        let at = |address: &str, prefix: &str| {
            let mut told = url("http://cart/openapi.json");
            told.path = Path::Prefix(prefix.to_owned());
            told.upstream.endpoints = serde_json::from_value(serde_json::json!([{ "address": address }])).unwrap();
            let beside = ServedApi { name: "beside".to_owned(), docs: None, ..told.clone() };
            Served::of(vec![told, beside], &PortalSpec::default(), &[], false).apis.remove(0)
        };
        let (one, other) = (at("127.0.0.1:1", "/api/"), at("127.0.0.1:2", "/api/"));
        assert!(one != other && one.reads_like(&other));
        assert!(!one.reads_like(&at("127.0.0.1:1", "/other/")));
    }

    #[test]
    fn what_cannot_be_fetched_says_why() {
        let invalid = documented(Docs { invalid: Some("path: is 3".to_owned()), ..Docs::default() });
        assert!(target(&invalid).unwrap_err().contains("path: is 3"));
        assert!(target(&url("http://")).is_err());
    }

    #[test]
    fn everything_served_is_somewhere_and_what_is_ignored_nowhere() {
        let plain = |name: &str, service: &str| {
            let mut served = served(Path::Prefix("/".into()), None);
            served.name = name.to_owned();
            served.upstream.service = service.to_owned();
            served
        };
        let told = vec![
            url("http://cart/openapi.json"),
            plain("cart-events", "cart:80"),
            plain("web", "web:80"),
            documented(Docs { ignored: true, path: Some("/x".into()), ..Docs::default() }),
        ];
        let Served { apis, undocumented } = Served::of(told.clone(), &PortalSpec::default(), &[], false);
        assert_eq!((apis.len(), apis[0].beside[0].name.as_str()), (1, "cart-events"));
        assert_eq!((undocumented.len(), undocumented[0].service.as_str()), (1, "web:80"));
        let Served { apis, undocumented } = Served::of(told, &PortalSpec::default(), &[], true);
        assert!(undocumented.is_empty() && apis[1].is_probed, "it is asked");
        assert!(matches!(&apis[1].target, Ok(Target::Probe(places)) if places.len() == PLACES.len()));
    }

    #[test]
    fn a_dev_portal_names_what_no_mapping_does_and_leaves_out_what_it_does_not_select() {
        let mut left_out = url("http://cart/openapi.json");
        left_out.selected = false;
        let docs = |service: &str, url: &str| StaticDocs {
            service: service.to_owned(),
            url: url.to_owned(),
            timeout_ms: Some(500),
        };
        let portal = PortalSpec {
            id: Some(SpecId { namespace: "team".into(), name: "main".into() }),
            docs: vec![docs("Partner", "https://docs.example/x"), docs("Carts", "http://cart.shop/v2.json")],
            preserve_servers: true,
            ..PortalSpec::default()
        };
        let Served { apis, undocumented } = Served::of(vec![left_out], &portal, &[], false);
        let [partner, carts] = &apis[..] else { panic!("{apis:?}") };
        assert!(undocumented.is_empty());
        assert_eq!((partner.id.to_string().as_str(), partner.given_name()), ("team/Partner@DevPortal", "Partner"));
        assert_eq!((partner.mount.as_ref().unwrap_err(), partner.routes().count()), (&NotComputable::NotRouted, 0));
        assert!(matches!(partner.target, Ok(Target::Url(_))) && partner.keeps_servers);
        assert_eq!(partner.timeout, Some(Duration::from_millis(500)));
        assert!(matches!(carts.target, Ok(Target::Service(_))), "it is at the service of a Mapping");
        assert!(carts.mount.is_ok() && carts.routes().count() == 1);
    }

    #[test]
    fn what_a_dev_portal_names_is_of_its_own_namespace_and_for_whom_every_mapping_of_it_is() {
        let of = |namespace: &str, name: &str, groups: Option<&[&str]>| {
            let mut served = url("http://cart/openapi.json");
            (served.namespace, served.name) = (namespace.to_owned(), name.to_owned());
            let visible_to = groups.map(|groups| groups.iter().map(|group| (*group).to_owned()).collect());
            served.docs.as_mut().unwrap().visible_to = visible_to;
            served
        };
        let told =
            vec![of("other", "a", None), of("shop", "b", Some(&["staff", "beta"])), of("shop", "c", Some(&["staff"]))];
        let named = |namespace: &str, url: &str| {
            let id = Some(SpecId { namespace: namespace.to_owned(), name: "main".into() });
            let docs = vec![StaticDocs { service: "Carts".into(), url: url.to_owned(), timeout_ms: None }];
            let portal = PortalSpec { id, docs, ..PortalSpec::default() };
            Served::of(told.clone(), &portal, &[], false).apis.pop().unwrap()
        };
        let carts = named("shop", "http://cart/openapi.json");
        assert_eq!((carts.served.namespace.as_str(), carts.served.name.as_str()), ("shop", "b"));
        assert_eq!(carts.served.visible_to(), Some(&["staff".to_owned()][..]), "nobody sees more than by any of them");
        assert_eq!(named("team", "http://cart.other/x").served.name, "a");
        assert!(matches!(named("team", "http://cart/x").target, Ok(Target::Url(_))), "there is none of that name");
    }
}

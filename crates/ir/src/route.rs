//! Routes: which requests go where, and what happens to them on the way.
//!
//! No object asks yet for what Gateway API can say further. Its place, when one does: edits to the response of one backend
//! alone beside [`Arm::request_headers`]; a share that is no whole percent in [`Mirror`], of which there may be several; the time
//! between tries in [`Retry`]; the time for one try without any other (`backendRequest`) beside [`Arm::timeout`].

mod action;
mod matches;
mod overlap;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use nuncio_api::{Kind, ObjectId};

pub use self::action::{
    Arm, Backend, Cors, Forward, HashPolicy, HostRewrite, Mirror, PathRewrite, Redirect, Respond, Retry, RouteAction,
    Told,
};
pub use self::matches::{HeaderMatch, PathMatch, QueryMatch, RouteMatch, ValueMatch};
use crate::auth::RuleSetId;
use crate::{ClusterName, CookieChoice, HeaderEdits, Limits, PreviewContext, PreviewWay, Routes};

/// Names a [`Table`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName(pub Arc<str>);

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The routes that requests with one scope key see: one `RouteConfiguration`, the unit of change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    /// Resource name of the table and of its scope.
    pub name: TableName,
    /// Finds the table.
    pub scope: Scope,
    /// One for an exact host; one for each pattern in the table of the wildcards.
    pub hosts: Vec<VirtualHost>,
    /// Of the preview whose routes it has.
    pub preview: Option<PreviewContext>,
    /// Of a preview that has ended: its URLs may be links still.
    pub has_ended: bool,
    /// Where a cookie leads its requests to a preview.
    pub by_cookie: Option<CookieChoice>,
    /// Clusters whose upstreams are not told keys of previews.
    pub strangers: BTreeSet<ClusterName>,
}

impl Table {
    /// Every cluster that a request through this table may be sent to, sorted, each once.
    #[must_use]
    pub fn clusters(&self) -> Vec<ClusterName> {
        let mut names: Vec<_> = self
            .hosts
            .iter()
            .flat_map(|host| &host.routes)
            .filter_map(|route| match &route.action {
                RouteAction::Forward(forward) => Some(forward),
                RouteAction::Redirect(_) | RouteAction::Respond(_) => None,
            })
            .flat_map(|forward| {
                let arms = forward.arms.iter().filter_map(|arm| match &arm.backend {
                    Backend::Cluster(name) => Some(name),
                    Backend::Invalid { .. } => None,
                });
                arms.chain(forward.mirrors.iter().map(|mirror| &mirror.cluster))
            })
            .cloned()
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Every set of rules that routes of this table name, sorted, each once.
    #[must_use]
    pub fn rule_sets(&self) -> Vec<RuleSetId> {
        let routes = self.hosts.iter().flat_map(|host| &host.routes);
        let mut sets: Vec<_> = routes.filter_map(|route| Some(route.rules.as_ref()?.set.clone())).collect();
        sets.sort_unstable();
        sets.dedup();
        sets
    }

    /// Under which name requests of one of its routes are counted. Those that a preview shares with the baseline are not: a
    /// thousand previews would take a thousand times the memory of the baseline's routes.
    #[must_use]
    pub fn counted<'r>(&self, route: &'r Route) -> Option<&'r str> {
        let counted = route.counted.as_deref()?;
        (self.preview.is_none() || PreviewWay::parse(counted).is_some()).then_some(counted)
    }

    /// What the names of those counts begin with in Envoy.
    #[must_use]
    pub fn counted_as(&self, host: &VirtualHost, route: &Route) -> Option<String> {
        Some(host.counted_under() + self.counted(route)?)
    }

    /// The objects that the table was made of, sorted, each once.
    #[must_use]
    pub fn origins(&self) -> Vec<ObjectId> {
        let mut origins: Vec<_> =
            self.hosts.iter().flat_map(|host| &host.routes).flat_map(|route| &route.origins).cloned().collect();
        origins.sort_unstable();
        origins.dedup();
        origins
    }
}

/// The key by which a request finds its [`Table`]: `host|preview`, and `|class` behind it where the
/// listener is not of the usual class.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    /// Lower-case host without port, `*` for the table of all wildcards, or [`crate::NO_HOST`].
    pub host: Arc<str>,
    /// Key of the preview, or its selector behind a [`crate::SELECTOR_MARK`]; empty where the host says it all.
    pub preview: Arc<str>,
    /// Which listeners see it: empty for the usual class (every Host, `securityModel: XFP`).
    pub class: Arc<str>,
}

impl Scope {
    /// Whether requests find it by their host alone.
    #[must_use]
    pub fn is_by_host(&self) -> bool {
        self.preview.is_empty()
    }
}

/// Without the key of a preview.
impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let preview = if self.is_by_host() { "" } else { "…" };
        write!(f, "Scope({}|{preview}|{})", self.host, self.class)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}", self.host, self.preview)?;
        if !self.class.is_empty() {
            write!(f, "|{}", self.class)?;
        }
        Ok(())
    }
}

/// Routes for a set of host names, tried in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VirtualHost {
    /// Name in statistics and logs.
    pub name: Arc<str>,
    /// Exact names, `*suffix`, `prefix*`, or `*`.
    pub domains: Vec<Arc<str>>,
    /// Tried in order.
    pub routes: Routes,
    /// A request that no route takes goes on to the table of the wildcards. Where `false`, the last
    /// route takes every request.
    pub falls_through: bool,
}

impl VirtualHost {
    /// The routes that readers know, in the order in which they are tried: without those that are the same as another.
    pub fn known_routes(&self) -> impl Iterator<Item = &Route> + Clone {
        self.routes.iter().filter(|route| !route.is_bearing())
    }

    /// What stands in Envoy before the names under which its routes are counted.
    #[must_use]
    pub fn counted_under(&self) -> String {
        format!("vhost.{}.route.", self.name)
    }
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// Never empty; unique in its virtual host.
    pub name: Arc<str>,
    /// Which requests it takes.
    pub matches: RouteMatch,
    /// What happens to them.
    pub action: RouteAction,
    /// Edits to the response, whoever gave it.
    pub response_headers: HeaderEdits,
    /// Cross-origin policy.
    pub cors: Option<Box<Cors>>,
    /// What its requests are held to.
    pub limits: Option<Box<Limits>>,
    /// Whether the AuthService is asked.
    pub auth: Check,
    /// The rules of FilterPolicies that its requests are held to.
    pub rules: Option<RuleCheck>,
    /// Under which name they are counted, besides those of their cluster.
    pub counted: Option<Arc<str>>,
    /// They go on without the cookies of logins. Who decides by rules takes them out, too.
    pub hides_logins: bool,
    /// The objects that asked for it; empty for what Nuncio adds by itself.
    pub origins: Vec<ObjectId>,
}

/// What ends the name of a route for those requests of another that bear a login.
const BEARING: &str = "#session";

impl Route {
    /// What the route for those of its requests is called that bear a login.
    #[must_use]
    pub fn bearing_name(&self) -> Arc<str> {
        format!("{}{BEARING}", self.name).into()
    }

    /// Whether it is the same as another route, for the requests of that one that bear a login. Whoever reads routes knows one.
    #[must_use]
    pub fn is_bearing(&self) -> bool {
        self.name.ends_with(BEARING)
    }

    /// What readers know it by.
    #[must_use]
    pub fn known_name(&self) -> &str {
        self.name.strip_suffix(BEARING).unwrap_or(&self.name)
    }

    /// Whether a preview has changed where its requests go.
    #[must_use]
    pub fn is_of_preview(&self) -> bool {
        self.origins.iter().any(|id| id.kind == Kind::Preview)
    }
}

/// Whether somebody is asked about the requests of a route before they go on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Check {
    /// Nobody is to be.
    #[default]
    Off,
    /// Somebody would be, but for these.
    Bypassed,
    /// They are asked about, and the one who is asked is told this.
    On(AuthContext),
}

/// How the service that decides by Filters is asked about the requests of a route.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RuleCheck {
    /// The rules that apply.
    pub set: RuleSetId,
    /// How much of the body it is sent; nothing where absent.
    pub body: Option<u32>,
}

/// What the one who is asked about a request is told of its route.
pub type AuthContext = Arc<BTreeMap<String, String>>;

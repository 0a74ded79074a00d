//! Previews, as the controller tells of them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::serving::Server;
use crate::access::Identity;
use crate::texts::Texts;
use crate::web::words::Moment;

/// A Preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Preview {
    /// Its namespace.
    pub(crate) namespace: String,
    /// Its name.
    pub(crate) name: String,
    /// Whether it can be read: of one that cannot, nothing is told but what is wrong.
    #[serde(default = "yes")]
    pub(crate) is_valid: bool,
    /// Who may see it: `Public`, `Authenticated`, `Members`, `Owner` or `ShareLink`.
    pub(crate) access: String,
    /// Who alone may see it, with `Owner`.
    pub(crate) owner: Option<String>,
    /// Where it can be seen; none while it cannot be.
    pub(crate) urls: Vec<Url>,
    /// What is replaced.
    pub(crate) services: Vec<Service>,
    /// When it ends, in seconds since 1970; none where it stays.
    pub(crate) expires_at: Option<u64>,
    /// Whether it is shown no more, because its time is over or somebody had it end.
    #[serde(default)]
    pub(crate) has_ended: bool,
    /// Until when the PreviewPolicy lets it be shown at most, in seconds since 1970; none where it says no time.
    #[serde(default)]
    pub(crate) latest: Option<u64>,
    /// Whether there may be links to it, whoever is let in now.
    #[serde(default)]
    pub(crate) has_links: bool,
    /// When somebody last asked for it, in seconds since 1970, as far as gateways tell.
    pub(crate) last_request: Option<u64>,
    /// What it is of, where that is known.
    pub(crate) source: Option<Source>,
    /// What is wrong with it.
    pub(crate) problems: Vec<Problem>,
    /// Whether who asks may change it.
    #[serde(default)]
    pub(crate) may_change: bool,
    /// Where it is written, for who may change it, if no request has made it: it is changed and taken away there alone.
    #[serde(default)]
    pub(crate) written_in: Option<String>,
}

/// What one is of which nothing else is said.
fn yes() -> bool {
    true
}

impl Service {
    /// Whether a process stands in that connects to the gateway.
    pub(super) fn is_tunnel(&self) -> bool {
        self.backend == TUNNEL
    }
}

/// How the controller calls who stands in by a connection to the gateway.
const TUNNEL: &str = "a tunnel";

impl Preview {
    /// Whether nobody stands in for the service at this place.
    pub(super) fn lacks(&self, at: usize) -> bool {
        let field = format!("spec.services[{at}].tunnel");
        self.problems.iter().any(|problem| problem.reason == "NoEndpoints" && problem.field == field)
    }

    /// Whether a text is in its name, or in what it is of or replaces.
    pub(super) fn fits(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        [self.name.as_str(), &self.replaces(&Texts::default()), &self.source_words()]
            .iter()
            .any(|it| it.to_lowercase().contains(&text))
    }

    /// Whether somebody has made it, or it is for him alone.
    pub(super) fn is_of(&self, Identity { subject, issuer, .. }: &Identity) -> bool {
        let is_author = |source: &Source| {
            let is_vouched = source.author_issuer.as_ref().is_none_or(|noted| noted == issuer);
            source.author.as_ref() == Some(subject) && is_vouched
        };
        self.source.as_ref().is_some_and(is_author) || self.owner.as_ref() == Some(subject)
    }

    /// Whether the PreviewPolicy lets it be shown from now on, where it has ended.
    pub(super) fn may_return(&self) -> bool {
        let now = u64::try_from(Timestamp::now().as_second()).unwrap_or_default();
        self.latest.is_none_or(|latest| now < latest)
    }

    /// Whether it is of a pull request.
    pub(super) fn is_of_pull_request(&self) -> bool {
        self.source.as_ref().is_some_and(|source| source.pull_request.is_some())
    }

    /// Whether who has a link to it is let in.
    pub(super) fn is_for_links(&self) -> bool {
        self.is_by_link() && !self.urls.is_empty()
    }

    /// Whether nobody else is let in where it is shown.
    pub(super) fn is_by_link(&self) -> bool {
        self.access == "ShareLink"
    }

    /// What is replaced, in words.
    pub(crate) fn replaces(&self, texts: &Texts) -> String {
        let words =
            |one: &Service| texts.fill("preview_instead", &[("baseline", &one.baseline), ("backend", &one.backend)]);
        let services = self.services.iter().map(words);
        services.collect::<Vec<_>>().join(", ")
    }

    /// When somebody last asked for it, in words.
    pub(super) fn asked(&self, texts: &Texts) -> Option<Moment> {
        moment(texts, self.last_request?)
    }

    /// When it ends, in words; none where it stays.
    pub(super) fn ends(&self, texts: &Texts) -> Option<Moment> {
        moment(texts, self.expires_at?)
    }

    /// What it is of: `acme/cart #42, fix/tax`.
    pub(super) fn source_words(&self) -> String {
        let Some(source) = &self.source else { return String::new() };
        let mut words = source.repository.clone();
        if let Some(number) = source.pull_request {
            words.push_str(&format!(" #{number}"));
        }
        if let Some(branch) = &source.branch {
            words.push_str(&format!(", {branch}"));
        }
        words
    }
}

/// A time in seconds since 1970, for pages.
pub(super) fn moment(texts: &Texts, seconds: u64) -> Option<Moment> {
    Some(Moment::new(texts, Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?))
}

/// Where a preview can be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PreviewUrl)]
pub(crate) struct Url {
    /// Name of the entrypoint.
    pub(crate) entrypoint: String,
    /// The host whose routes it has.
    pub(crate) baseline: String,
    /// Its URL.
    pub(crate) url: String,
    /// What `x-nuncio-preview` says at that host to get it there; none where no header chooses a preview.
    #[serde(default)]
    pub(crate) selector: Option<String>,
}

/// A service that is replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PreviewedService)]
pub(crate) struct Service {
    /// Whose requests go elsewhere.
    pub(crate) baseline: String,
    /// Who gets them.
    pub(crate) backend: String,
    /// Which of its requests are meant, where not all: `GET /cart/items*`.
    #[serde(default)]
    pub(crate) only: Option<String>,
    /// The Preview that says so, `NAMESPACE/NAME`, where it is one that is included.
    pub(crate) included: Option<String>,
    /// How many requests those got by this preview, as all gateways count them together.
    pub(crate) requests: Option<u64>,
    /// And how many the baseline got, because they were not there.
    pub(crate) fallbacks: Option<u64>,
    /// Who serves it by a connection to the gateway that was asked, for who may change the preview.
    #[serde(default)]
    pub(crate) served_by: Option<Server>,
}

/// What a preview is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PreviewSource)]
pub(crate) struct Source {
    /// `GitHub` or `GitLab`.
    pub(crate) provider: String,
    /// The repository: `acme/cart`.
    pub(crate) repository: String,
    /// The number of the pull request.
    pub(crate) pull_request: Option<u64>,
    /// Its branch.
    pub(crate) branch: Option<String>,
    /// The newest commit.
    pub(crate) commit: Option<String>,
    /// Who made it by a request.
    pub(crate) author: Option<String>,
    /// Who vouches for him.
    pub(crate) author_issuer: Option<String>,
}

/// What is wrong with a preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PreviewProblem)]
pub(crate) struct Problem {
    /// `error` or `warning`.
    pub(crate) severity: String,
    /// A stable word.
    pub(crate) reason: String,
    /// The field that it is about.
    pub(crate) field: String,
    /// What is wrong, for people.
    pub(crate) message: String,
}

impl Problem {
    /// Whether it is about what stands in, or where, and not that nobody is connected: what is mistyped is taken, and does nothing.
    pub(super) fn is_of_place(&self) -> bool {
        let is_in = |part: &str| self.field.starts_with(part);
        (is_in("spec.services") || is_in("spec.entrypoints")) && !self.field.ends_with(".tunnel")
    }
}

/// Previews.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Previews {
    /// Those that were asked for, by name.
    pub(crate) items: Vec<Preview>,
    /// How many there are.
    pub(crate) total: usize,
}

/// What became of a Preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Changed {
    /// `created`, `updated`, `unchanged`, `deleted` or `ignored`.
    pub(crate) outcome: String,
    /// Why nothing was done, or something else than was asked for, where that is so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) why: String,
    /// The Preview, as it is now.
    pub(crate) preview: Option<Preview>,
}

/// Links to a preview. Whoever has one is let in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PreviewShared)]
pub(crate) struct Shared {
    /// One for each of its URLs.
    pub(crate) links: Vec<Url>,
    /// Until when they are good, in seconds since 1970.
    pub(crate) expires_at: u64,
}

/// What links to a preview would be, if they were made now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PreviewShareable)]
pub(crate) struct Shareable {
    /// What each opens: one for each of its URLs, and nothing but that preview.
    pub(crate) opens: Vec<Url>,
    /// Until when they would be good, in seconds since 1970: for so long as is asked for, and never longer than the preview.
    pub(crate) expires_at: u64,
    /// The latest until when any may be good.
    pub(crate) latest: u64,
    /// How long they are good where nobody says it, in seconds.
    pub(crate) usual: u64,
    /// And at most.
    pub(crate) longest: u64,
}

/// Who asks, for the controller.
#[derive(Clone, Serialize)]
pub(crate) struct Caller<'a> {
    subject: &'a str,
    issuer: &'a str,
    groups: &'a [String],
    /// The gateway's word for it.
    assertion: &'a str,
}

impl<'a> From<&'a Identity> for Caller<'a> {
    fn from(identity: &'a Identity) -> Self {
        Self {
            subject: &identity.subject,
            issuer: &identity.issuer,
            groups: &identity.groups,
            assertion: identity.assertion.expose(),
        }
    }
}

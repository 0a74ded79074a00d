//! What becomes of requests of which method and path are known, and headers are not: those for operations of a document.

mod limits;
#[cfg(test)]
mod tests;
mod told;

use nuncio_ir::{FilterChain, Handler, HttpSettings, Model, Route, VirtualHost};
use nuncio_translate::World;
use nuncio_xds::Server;

use self::told::Teller;
use super::fit::{Open, PathTest, open};
use super::request::Request;
use super::{closest, entrance, outcome, previews};
use crate::admin::{ExplainRequest, OperationView, OperationsRequest, OperationsView};
use crate::policies::Cache;

/// What was found out before of this edition of the model.
#[derive(Clone, Copy)]
pub(crate) struct Known<'k> {
    pub(crate) cache: &'k Cache,
    pub(crate) edition: u64,
}

/// Follows operations through the model, all of them at once: a condition is made ready once for all.
pub(crate) fn operations(
    world: &World,
    server: Option<&Server>,
    known: Known<'_>,
    asked: &OperationsRequest,
) -> OperationsView {
    let model = world.model();
    let (settings, hosts) = match way_in(model, &asked.origin) {
        Ok(found) => found,
        Err(outcome) => return all_answered(asked, &outcome),
    };
    let mut followed: Vec<_> = asked
        .operations
        .iter()
        .map(|operation| {
            let url = format!("{}{}", asked.origin, operation.path);
            Followed::begin(settings, ExplainRequest::parse(&url, &operation.method, []))
        })
        .collect();
    for route in hosts.iter().flat_map(|host| host.known_routes()) {
        let path = PathTest::of(&route.matches.path);
        followed.iter_mut().for_each(|followed| followed.meet(model, route, &path));
    }
    let mut teller = Teller::new(world, server, known);
    let operations = followed.into_iter().map(|followed| followed.view(&mut teller)).collect();
    OperationsView { operations, upstreams: teller.upstreams() }
}

fn all_answered(asked: &OperationsRequest, outcome: &str) -> OperationsView {
    let answered = OperationView { otherwise: Some(outcome.to_owned()), ..OperationView::default() };
    OperationsView { operations: vec![answered; asked.operations.len()], ..OperationsView::default() }
}

/// How requests for an address are taken, and the hosts whose routes they are tried on, one after the other; or what becomes
/// of them.
fn way_in<'m>(model: &'m Model, origin: &str) -> Result<(&'m HttpSettings, Vec<&'m VirtualHost>), String> {
    let asked = ExplainRequest::parse(origin, "GET", []).map_err(|error| error.to_string())?;
    // Whoever is to have a certificate has one.
    let request = Request::new(&asked.with_client_certificate(true));
    let listener = entrance::listener(model, &request).ok_or_else(|| entrance::nobody_listens(model, &request))?;
    let FilterChain { handler: Handler::Http(settings), .. } = entrance::chain(listener, &request)? else {
        return Err("the connection is passed on as it comes, or closed".to_owned());
    };
    let table = |name: &str| previews::table(model, &settings.class, name, "");
    let own = table(&request.host).and_then(|table| table.hosts.first());
    let shared = table("*").and_then(|table| closest(table, &request.host));
    Ok((settings.as_ref(), own.into_iter().chain(shared).collect()))
}

/// A route that requests may get.
struct Way<'m> {
    route: &'m Route,
    open: Open,
}

/// Requests for an operation on their way through the routes.
struct Followed<'m> {
    request: Option<Request>,
    ways: Vec<Way<'m>>,
    /// What becomes of those that no route takes; none where one takes whatever comes.
    otherwise: Option<String>,
    is_over: bool,
}

impl<'m> Followed<'m> {
    fn begin(settings: &HttpSettings, asked: Result<ExplainRequest, crate::admin::InvalidRequest>) -> Self {
        let answered =
            |outcome: String| Self { request: None, ways: Vec::new(), otherwise: Some(outcome), is_over: true };
        let mut request = match asked {
            Ok(asked) => Request::new(&asked),
            Err(error) => return answered(error.to_string()),
        };
        request.enter(settings);
        if let Some(outcome) = entrance::by_itself(settings, &request) {
            return answered(outcome);
        }
        let otherwise = Some("404: no route takes it".to_owned());
        Self { request: Some(request), ways: Vec::new(), otherwise, is_over: false }
    }

    fn meet(&mut self, model: &Model, route: &'m Route, path: &PathTest<'_>) {
        let Some(request) = self.request.as_ref().filter(|_| !self.is_over) else { return };
        let Some(open) = open(route, path, request) else { return };
        self.is_over = open.takes_all();
        if !route.origins.is_empty() {
            self.otherwise.take_if(|_| self.is_over);
            self.ways.push(Way { route, open });
        } else if self.is_over {
            self.otherwise = Some(outcome::of_route(model, route, request));
        }
    }

    fn view(self, teller: &mut Teller<'m>) -> OperationView {
        let Some(request) = self.request else {
            return OperationView { routes: Vec::new(), otherwise: self.otherwise };
        };
        let routes = self.ways.into_iter().map(|way| teller.route(way, &request)).collect();
        OperationView { routes, otherwise: self.otherwise }
    }
}

//! Which service needs which: the shop put together.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use utoipa_axum::router::OpenApiRouter;

use crate::args::{All, One, Service};
use crate::cart::{self, CartService, Carts};
use crate::catalog::{self, CatalogService};
use crate::orders::{self, OrderService};
use crate::peer::Peer;
use crate::server::{Door, Served};
use crate::web::{self, WebService};

/// The version of each service without what came later: totals of carts, a sale in the catalog.
const FIRST: &str = "v1";

/// What the services find each other by, and what versions of the cart share.
struct Surroundings {
    catalog: Peer,
    cart: Peer,
    carts: Arc<Carts>,
}

impl Surroundings {
    fn routes(&self, service: Service, version: &str) -> OpenApiRouter {
        match service {
            Service::Web => web::router(WebService { catalog: self.catalog.clone(), cart: self.cart.clone() }),
            Service::Catalog => catalog::router(CatalogService { sale: version != FIRST }),
            Service::Cart => cart::router(CartService {
                carts: Arc::clone(&self.carts),
                catalog: self.catalog.clone(),
                totals: version != FIRST,
            }),
            Service::Orders => orders::router(OrderService::new(self.cart.clone())),
        }
    }

    fn served(&self, service: Service, version: &str, door: Door) -> anyhow::Result<Served> {
        Served::new(service.name(), version, door, self.routes(service, version)).context("the version is not a name")
    }
}

/// One service by itself.
pub(crate) async fn one(one: One) -> anyhow::Result<Served> {
    let surroundings = Surroundings {
        catalog: Peer::new("catalog", one.catalog)?,
        cart: Peer::new("cart", one.cart)?,
        carts: Arc::default(),
    };
    surroundings.served(one.service, &one.version, Door::open(one.listen).await?)
}

/// Every service, and a second version of the cart that keeps its carts in the same place.
pub(crate) async fn all(all: &All) -> anyhow::Result<Vec<Served>> {
    let open = async |offset: u16| {
        let port = if all.base_port == 0 { Some(0) } else { all.base_port.checked_add(offset) };
        Door::open(SocketAddr::new(all.address, port.context("the base port leaves no room for five ports")?)).await
    };
    let (web, catalog, cart) = (open(0).await?, open(1).await?, open(2).await?);
    let (orders, cart_v2) = (open(3).await?, open(4).await?);
    let peer = |name: &'static str, door: &Door| match all.gateway {
        Some(gateway) => Peer::through(name, gateway),
        None => Ok(Peer::new(name, door.url.clone())?),
    };
    let surroundings =
        Surroundings { catalog: peer("catalog", &catalog)?, cart: peer("cart", &cart)?, carts: Arc::default() };
    [
        (Service::Web, "v1", web),
        (Service::Catalog, "v1", catalog),
        (Service::Cart, "v1", cart),
        (Service::Orders, "v1", orders),
        (Service::Cart, "v2", cart_v2),
    ]
    .into_iter()
    .map(|(service, version, door)| surroundings.served(service, version, door))
    .collect()
}

//! `cart`: what each user wants to buy.

mod carts;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio_stream::{Stream, StreamExt as _};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use carts::{Cart, Carts, Line};

use crate::catalog::Product;
use crate::error::{Problem, ShopError};
use crate::peer::Peer;
use crate::propagation::Propagation;

/// What the service needs to answer.
#[derive(Clone)]
pub(crate) struct CartService {
    /// The carts, which versions of the service that run side by side share
    pub(crate) carts: Arc<Carts>,
    /// Where products are looked up
    pub(crate) catalog: Peer,
    /// Whether a cart is shown with its total: what is new in v2
    pub(crate) totals: bool,
}

impl CartService {
    fn shown(&self, cart: Cart) -> Cart {
        if self.totals { cart.with_total() } else { cart }
    }
}

/// How many of a product to have in the cart.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct Wanted {
    /// 0 takes the product out
    #[schema(maximum = 99)]
    pub(crate) quantity: u32,
}

/// The routes of the service.
pub(crate) fn router(service: CartService) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(show, empty))
        .routes(routes!(put_line))
        .routes(routes!(events))
        .with_state(service)
}

/// A user's cart, at today's prices
#[utoipa::path(
    get,
    path = "/carts/{user}",
    params(("user" = String, Path, description = "Whose cart", example = "ann")),
    responses(
        (status = OK, body = Cart),
        (status = BAD_GATEWAY, body = Problem, description = "The catalog does not answer"),
    )
)]
async fn show(
    State(service): State<CartService>,
    Path(user): Path<String>,
    propagation: Propagation,
) -> Result<Json<Cart>, ShopError> {
    let mut cart = service.carts.get(&user);
    for line in &mut cart.lines {
        line.product = service.catalog.get(&["products", &line.product.sku], &propagation).await?;
    }
    Ok(Json(service.shown(cart)))
}

/// Take everything out
#[utoipa::path(
    delete,
    path = "/carts/{user}",
    params(("user" = String, Path, description = "Whose cart", example = "ann")),
    responses((status = NO_CONTENT))
)]
async fn empty(State(service): State<CartService>, Path(user): Path<String>) -> StatusCode {
    service.carts.clear(&user);
    StatusCode::NO_CONTENT
}

/// Put so many of a product into the cart
#[utoipa::path(
    put,
    path = "/carts/{user}/lines/{sku}",
    params(
        ("user" = String, Path, description = "Whose cart", example = "ann"),
        ("sku" = String, Path, description = "Which product", example = "bell"),
    ),
    request_body = Wanted,
    responses(
        (status = OK, body = Cart),
        (status = NOT_FOUND, body = Problem, description = "The catalog has no such product"),
        (status = UNPROCESSABLE_ENTITY, body = Problem),
        (status = BAD_GATEWAY, body = Problem, description = "The catalog does not answer"),
    )
)]
async fn put_line(
    State(service): State<CartService>,
    Path((user, sku)): Path<(String, String)>,
    propagation: Propagation,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Cart>, ShopError> {
    let product: Product = service.catalog.get(&["products", &sku], &propagation).await?;
    let cart = service.carts.put(&user, Line::new(product, wanted.quantity)?);
    Ok(Json(service.shown(cart)))
}

/// The cart as it changes: a server-sent event `cart` now and after each change
#[utoipa::path(
    get,
    path = "/carts/{user}/events",
    params(("user" = String, Path, description = "Whose cart", example = "ann")),
    responses((status = OK, content_type = "text/event-stream", body = Cart))
)]
async fn events(
    State(service): State<CartService>,
    Path(user): Path<String>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = service.carts.watch(&user);
    let events = changes.map(move |cart| {
        let event = Event::default().event("cart").json_data(service.shown(cart));
        Ok(event.unwrap_or_else(|error| Event::default().event("error").data(error.to_string())))
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

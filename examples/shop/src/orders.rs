//! `orders`: what was bought.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::extract::{Path, State};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::cart::{Cart, Line, Wanted};
use crate::error::{Problem, ShopError};
use crate::peer::Peer;
use crate::propagation::Propagation;

/// In which header the gateway says who is logged in.
const CUSTOMER: &str = "x-customer";

/// What the service needs to answer.
#[derive(Clone)]
pub(crate) struct OrderService {
    cart: Peer,
    placed: Arc<Mutex<Vec<Order>>>,
}

impl OrderService {
    /// No orders yet; carts are read from `cart`.
    pub(crate) fn new(cart: Peer) -> Self {
        Self { cart, placed: Arc::default() }
    }

    fn place(&self, cart: Cart) -> Order {
        let mut placed = self.placed.lock().unwrap_or_else(PoisonError::into_inner);
        let order = Order { id: placed.len() + 1, total_cents: cart.total(), user: cart.user, lines: cart.lines };
        placed.push(order.clone());
        order
    }

    fn of(&self, customer: &str) -> Vec<Order> {
        let placed = self.placed.lock().unwrap_or_else(PoisonError::into_inner);
        placed.iter().filter(|order| order.user == customer).cloned().collect()
    }

    fn find(&self, id: usize) -> Option<Order> {
        let placed = self.placed.lock().unwrap_or_else(PoisonError::into_inner);
        placed.get(id.checked_sub(1)?).cloned()
    }
}

/// Something bought.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub(crate) struct Order {
    /// Number of the order, from 1
    pub(crate) id: usize,
    /// Who bought
    pub(crate) user: String,
    /// What was bought
    pub(crate) lines: Vec<Line>,
    /// What it cost, in cents
    pub(crate) total_cents: u64,
}

/// Whose cart to buy.
#[derive(Debug, Deserialize, ToSchema)]
struct NewOrder {
    /// Who buys
    #[schema(example = "ann")]
    user: String,
    /// What to put into the cart before; nothing buys what is there
    #[serde(default)]
    #[schema(example = json!([{ "sku": "bell", "quantity": 2 }]))]
    lines: Vec<Wished>,
}

/// So many of a product.
#[derive(Debug, Deserialize, ToSchema)]
struct Wished {
    sku: String,
    #[schema(minimum = 1, maximum = 99)]
    quantity: u32,
}

/// The routes of the service.
pub(crate) fn router(service: OrderService) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show)).with_state(service)
}

/// The orders of the customer who asks
#[utoipa::path(
    get,
    path = "/orders",
    params(("x-customer" = Option<String>, Header, description = "Who asks: the gateway says so, no client can")),
    responses((status = OK, body = Vec<Order>))
)]
async fn list(State(service): State<OrderService>, headers: HeaderMap) -> Json<Vec<Order>> {
    let customer = headers.get(CUSTOMER).and_then(|name| name.to_str().ok());
    Json(customer.map(|name| service.of(name)).unwrap_or_default())
}

/// Buy what is in the cart, and empty it
#[utoipa::path(
    post,
    path = "/orders",
    request_body = NewOrder,
    responses(
        (status = CREATED, body = Order),
        (status = UNPROCESSABLE_ENTITY, body = Problem, description = "The cart is empty"),
        (status = NOT_FOUND, body = Problem, description = "There is no such product"),
        (status = BAD_GATEWAY, body = Problem, description = "The cart does not answer"),
    )
)]
async fn create(
    State(service): State<OrderService>,
    propagation: Propagation,
    Json(new): Json<NewOrder>,
) -> Result<(StatusCode, Json<Order>), ShopError> {
    for Wished { sku, quantity } in &new.lines {
        let line = ["carts", &new.user, "lines", sku];
        service.cart.put(&line, &Wanted { quantity: *quantity }, &propagation).await?;
    }
    let cart: Cart = service.cart.get(&["carts", &new.user], &propagation).await?;
    if cart.lines.is_empty() {
        return Err(ShopError::Invalid(format!("the cart of {} is empty", new.user)));
    }
    service.cart.delete(&["carts", &new.user], &propagation).await?;
    Ok((StatusCode::CREATED, Json(service.place(cart))))
}

/// One order
#[utoipa::path(
    get,
    path = "/orders/{id}",
    params(("id" = usize, Path, description = "Number of the order")),
    responses((status = OK, body = Order), (status = NOT_FOUND, body = Problem))
)]
async fn show(State(service): State<OrderService>, Path(id): Path<usize>) -> Result<Json<Order>, ShopError> {
    service.find(id).map(Json).ok_or_else(|| ShopError::NotFound(format!("order {id}")))
}

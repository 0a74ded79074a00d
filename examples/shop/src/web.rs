//! `web`: the front page, put together from the other services, and a page to log out.

use axum::Json;
use axum::extract::{Query, State};
use axum::response::Html;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::cart::Cart;
use crate::catalog::Product;
use crate::error::{Problem, ShopError};
use crate::peer::Peer;
use crate::propagation::Propagation;

/// What the service needs to answer.
#[derive(Clone)]
pub(crate) struct WebService {
    /// Where products are listed
    pub(crate) catalog: Peer,
    /// Where carts are kept
    pub(crate) cart: Peer,
}

/// What a user sees first.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct FrontPage {
    /// What there is to buy
    pub(crate) products: Vec<Product>,
    /// What the user wants already
    pub(crate) cart: Cart,
}

#[derive(Debug, Deserialize, IntoParams)]
struct Visitor {
    /// Who looks at the page
    #[serde(default = "guest")]
    user: String,
}

fn guest() -> String {
    "guest".to_owned()
}

/// The routes of the service.
pub(crate) fn router(service: WebService) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(front)).routes(routes!(account)).with_state(service)
}

/// The front page
#[utoipa::path(
    get,
    path = "/",
    params(Visitor),
    responses(
        (status = OK, body = FrontPage),
        (status = BAD_GATEWAY, body = Problem, description = "Catalog or cart does not answer"),
    )
)]
async fn front(
    State(service): State<WebService>,
    Query(visitor): Query<Visitor>,
    propagation: Propagation,
) -> Result<Json<FrontPage>, ShopError> {
    let cart_path = ["carts", visitor.user.as_str()];
    let (products, cart) = tokio::try_join!(
        service.catalog.get(&["products"], &propagation),
        service.cart.get(&cart_path, &propagation),
    )?;
    Ok(Json(FrontPage { products, cart }))
}

/// Who is logged in, and the way out
#[utoipa::path(get, path = "/account", responses((status = OK, content_type = "text/html", body = String)))]
async fn account() -> Html<&'static str> {
    Html(include_str!("web/account.html"))
}

//! `catalog`: what there is to buy.

use std::borrow::Cow;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{Problem, ShopError};

/// Something to buy.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub(crate) struct Product {
    /// Stock keeping unit: the product's name for machines
    pub(crate) sku: Cow<'static, str>,
    /// The product's name for people
    pub(crate) name: Cow<'static, str>,
    /// Price of one, in cents
    pub(crate) price_cents: u32,
}

const PRODUCTS: [Product; 4] = [
    product("bell", "Bicycle bell", 1_250),
    product("lamp", "Front lamp", 3_400),
    product("lock", "Folding lock", 5_900),
    product("pump", "Floor pump", 4_200),
];

const fn product(sku: &'static str, name: &'static str, price_cents: u32) -> Product {
    Product { sku: Cow::Borrowed(sku), name: Cow::Borrowed(name), price_cents }
}

/// What the service needs to answer.
#[derive(Clone, Copy)]
pub(crate) struct CatalogService {
    /// Whether everything costs a tenth less: what is new in v2
    pub(crate) sale: bool,
}

impl CatalogService {
    fn products(self) -> [Product; 4] {
        let off = |price: u32| if self.sale { price / 10 } else { 0 };
        PRODUCTS.map(|product| Product { price_cents: product.price_cents - off(product.price_cents), ..product })
    }
}

/// The routes of the service.
pub(crate) fn router(service: CatalogService) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).with_state(service)
}

/// Every product
#[utoipa::path(get, path = "/products", responses((status = OK, body = Vec<Product>)))]
async fn list(State(service): State<CatalogService>) -> Json<[Product; 4]> {
    Json(service.products())
}

/// One product
#[utoipa::path(
    get,
    path = "/products/{sku}",
    params(("sku" = String, Path, description = "Stock keeping unit", example = "bell")),
    responses((status = OK, body = Product), (status = NOT_FOUND, body = Problem))
)]
async fn show(State(service): State<CatalogService>, Path(sku): Path<String>) -> Result<Json<Product>, ShopError> {
    service
        .products()
        .into_iter()
        .find(|product| product.sku == sku)
        .map(Json)
        .ok_or_else(|| ShopError::NotFound(format!("product {sku}")))
}

//! A user's way through the running shop.

use clap::Parser as _;
use reqwest::{Client, StatusCode, Url};
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::args::{Args, Plan};
use crate::shop;

/// The whole shop on ports of its own, until it is dropped.
struct Shop {
    urls: Vec<Url>,
    client: Client,
    _stop: DropGuard,
}

const WEB: usize = 0;
const CATALOG: usize = 1;
const CART: usize = 2;
const ORDERS: usize = 3;
const CART_V2: usize = 4;

impl Shop {
    async fn open() -> Self {
        let Plan::All(all) = Args::parse_from(["nuncio-shop", "all", "--base-port", "0"]).plan() else {
            panic!("all services were asked for")
        };
        let services = shop::all(&all).await.unwrap();
        let urls = services.iter().map(|service| service.url().clone()).collect();
        let stop = CancellationToken::new();
        for service in services {
            tokio::spawn(service.serve(stop.clone()));
        }
        Self { urls, client: Client::builder().no_proxy().build().unwrap(), _stop: stop.drop_guard() }
    }

    async fn get(&self, service: usize, path: &str) -> Value {
        let url = self.urls[service].join(path).unwrap();
        self.client.get(url).send().await.unwrap().json().await.unwrap()
    }

    async fn put_line(&self, service: usize, path: &str, quantity: u32) -> reqwest::Response {
        let url = self.urls[service].join(path).unwrap();
        self.client.put(url).json(&json!({"quantity": quantity})).send().await.unwrap()
    }

    async fn orders_of(&self, customer: &str) -> Value {
        let url = self.urls[ORDERS].join("/orders").unwrap();
        self.client.get(url).header("x-customer", customer).send().await.unwrap().json().await.unwrap()
    }

    async fn order(&self, user: &str) -> reqwest::Response {
        let url = self.urls[ORDERS].join("/orders").unwrap();
        self.client.post(url).json(&json!({"user": user})).send().await.unwrap()
    }
}

#[tokio::test]
async fn from_the_front_page_to_an_order() {
    let shop = Shop::open().await;
    assert_eq!(shop.get(WEB, "/?user=ann").await["cart"], json!({"user": "ann", "lines": []}));

    let reply = shop.put_line(CART, "/carts/ann/lines/bell", 2).await;
    assert_eq!(reply.headers()["x-served-by"], "cart/v1");
    assert_eq!(shop.get(CART, "/carts/ann").await.get("total_cents"), None);
    assert_eq!(shop.get(CART_V2, "/carts/ann").await["total_cents"], 2_500);

    let reply = shop.order("ann").await;
    assert_eq!(reply.status(), StatusCode::CREATED);
    let order: Value = reply.json().await.unwrap();
    assert_eq!((&order["id"], &order["total_cents"]), (&json!(1), &json!(2_500)));
    assert_eq!(shop.get(ORDERS, "/orders/1").await, order);
    assert_eq!(shop.get(WEB, "/?user=ann").await["cart"]["lines"], json!([]));
    assert_eq!(shop.orders_of("ann").await, json!([order]));
    assert_eq!(shop.orders_of("bob").await, json!([]));
}

#[tokio::test]
async fn what_the_document_gives_as_an_example_is_an_order() {
    let shop = Shop::open().await;
    let document = shop.get(ORDERS, "/openapi.json").await;
    let field = |name: &str| document["components"]["schemas"]["NewOrder"]["properties"][name]["example"].clone();
    let order = json!({ "user": field("user"), "lines": field("lines") });
    for number in 1..=2 {
        let url = shop.urls[ORDERS].join("/orders").unwrap();
        let reply = shop.client.post(url).json(&order).send().await.unwrap();
        assert_eq!(reply.status(), StatusCode::CREATED, "{order}");
        let placed: Value = reply.json().await.unwrap();
        assert_eq!((&placed["id"], &placed["total_cents"]), (&json!(number), &json!(2_500)), "each time again");
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_a_reason() {
    let shop = Shop::open().await;
    let unknown = shop.put_line(CART, "/carts/ann/lines/sail", 1).await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    assert_eq!(unknown.json::<Value>().await.unwrap()["error"], "there is no products/sail in catalog");
    assert_eq!(shop.put_line(CART, "/carts/ann/lines/bell", 100).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(shop.order("ann").await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(shop.get(ORDERS, "/orders/0").await["error"], "there is no order 0");
}

#[tokio::test]
async fn each_service_describes_itself() {
    let shop = Shop::open().await;
    for (service, title, version, path) in [
        (WEB, "web", "v1", "/"),
        (CATALOG, "catalog", "v1", "/products/{sku}"),
        (CART, "cart", "v1", "/carts/{user}/events"),
        (ORDERS, "orders", "v1", "/orders"),
        (CART_V2, "cart", "v2", "/carts/{user}/lines/{sku}"),
    ] {
        let document = shop.get(service, "/openapi.json").await;
        assert_eq!((&document["info"]["title"], &document["info"]["version"]), (&json!(title), &json!(version)));
        assert!(document["paths"][path].is_object(), "{title} has no {path}");
    }
}

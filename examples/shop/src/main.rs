//! The shop: four small services behind the gateway, for the demonstration and for tests.
//!
//! `web` shows the front page and asks `catalog` and `cart`; `cart` asks `catalog` for what it is given, and for its prices; `orders` turns
//! a cart into an order. Each describes itself at `/openapi.json` and serves its health at `/healthz`.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod args;
mod cart;
mod catalog;
mod error;
mod orders;
mod peer;
mod propagation;
mod server;
mod shop;
#[cfg(test)]
mod tests;
mod web;

use clap::Parser as _;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let services = match args::Args::parse().plan() {
        args::Plan::One(one) => vec![shop::one(*one).await?],
        args::Plan::All(all) => shop::all(&all).await?,
    };
    for service in &services {
        println!("{service}");
    }
    server::run(services).await
}

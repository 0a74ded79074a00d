//! The carts themselves, in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use utoipa::ToSchema;

use crate::catalog::Product;
use crate::error::ShopError;

/// The most of one product that a cart takes.
const MOST_OF_ONE: u32 = 99;

/// What a user wants to buy.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub(crate) struct Cart {
    /// Whose cart it is
    pub(crate) user: String,
    /// The products, by stock keeping unit
    pub(crate) lines: Vec<Line>,
    /// What all of it costs, in cents; from v2 on
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) total_cents: Option<u64>,
}

impl Cart {
    /// The cart with its total filled in.
    pub(crate) fn with_total(self) -> Self {
        Self { total_cents: Some(self.total()), ..self }
    }

    /// What all of it costs, in cents.
    pub(crate) fn total(&self) -> u64 {
        self.lines.iter().map(|line| u64::from(line.product.price_cents) * u64::from(line.quantity)).sum()
    }
}

/// One product and how many of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub(crate) struct Line {
    #[serde(flatten)]
    pub(crate) product: Product,
    /// How many
    quantity: u32,
}

impl Line {
    /// So many of a product; a cart takes 99 of each at most.
    pub(crate) fn new(product: Product, quantity: u32) -> Result<Self, ShopError> {
        if quantity > MOST_OF_ONE {
            return Err(ShopError::Invalid(format!("a cart takes at most {MOST_OF_ONE} of a product")));
        }
        Ok(Self { product, quantity })
    }
}

/// Every user's cart. A cart that was never filled is empty.
#[derive(Debug, Default)]
pub(crate) struct Carts(Mutex<HashMap<String, watch::Sender<Lines>>>);

/// A cart's lines by stock keeping unit, so that they are listed in a stable order.
type Lines = BTreeMap<String, Line>;

impl Carts {
    /// A user's cart.
    pub(crate) fn get(&self, user: &str) -> Cart {
        let lines = self.lock().get(user).map(|sender| sender.borrow().clone()).unwrap_or_default();
        cart(user, lines)
    }

    /// Puts a line in place of the one for the same product; none of it takes the product out.
    pub(crate) fn put(&self, user: &str, line: Line) -> Cart {
        let mut carts = self.lock();
        let sender = carts.entry(user.to_owned()).or_default();
        sender.send_modify(|lines| {
            let sku = line.product.sku.to_string();
            if line.quantity == 0 {
                lines.remove(&sku);
            } else {
                lines.insert(sku, line);
            }
        });
        cart(user, sender.borrow().clone())
    }

    /// Takes everything out.
    pub(crate) fn clear(&self, user: &str) {
        if let Some(sender) = self.lock().get(user) {
            sender.send_modify(BTreeMap::clear);
        }
    }

    /// The cart now and after each change; who is slow sees the latest, not every one.
    pub(crate) fn watch(&self, user: &str) -> impl tokio_stream::Stream<Item = Cart> + use<> {
        let receiver = self.lock().entry(user.to_owned()).or_default().subscribe();
        let user = user.to_owned();
        tokio_stream::StreamExt::map(WatchStream::new(receiver), move |lines| cart(&user, lines))
    }

    /// A panic elsewhere leaves carts whole: each change is one step.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<Lines>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cart(user: &str, lines: Lines) -> Cart {
    Cart { user: user.to_owned(), lines: lines.into_values().collect(), total_cents: None }
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt as _;

    use super::*;

    fn line(sku: &'static str, price_cents: u32, quantity: u32) -> Line {
        Line::new(Product { sku: sku.into(), name: sku.into(), price_cents }, quantity).unwrap()
    }

    #[test]
    fn a_line_replaces_the_one_before() {
        let carts = Carts::default();
        carts.put("ann", line("lamp", 300, 1));
        carts.put("ann", line("bell", 100, 1));
        let cart = carts.put("ann", line("lamp", 300, 2));
        assert_eq!(cart.lines, [line("bell", 100, 1), line("lamp", 300, 2)]);
        assert_eq!(cart.with_total().total_cents, Some(700));
    }

    #[test]
    fn none_of_a_product_takes_it_out() {
        let carts = Carts::default();
        carts.put("ann", line("lamp", 300, 1));
        assert_eq!(carts.put("ann", line("lamp", 300, 0)).lines, []);
    }

    #[test]
    fn users_do_not_see_each_other() {
        let carts = Carts::default();
        carts.put("ann", line("lamp", 300, 1));
        assert_eq!(carts.get("bob"), Cart { user: "bob".into(), ..Cart::default() });
    }

    #[test]
    fn too_many_are_refused() {
        let product = Product { sku: "bell".into(), name: "Bell".into(), price_cents: 1 };
        assert!(matches!(Line::new(product, 100), Err(ShopError::Invalid(_))));
    }

    #[tokio::test]
    async fn a_watcher_sees_the_cart_now_and_then() {
        let carts = Carts::default();
        let mut changes = carts.watch("ann");
        assert_eq!(changes.next().await.unwrap().lines, []);
        carts.put("ann", line("lamp", 300, 1));
        assert_eq!(changes.next().await.unwrap().lines.len(), 1);
        carts.clear("ann");
        assert_eq!(changes.next().await.unwrap().lines, []);
    }
}

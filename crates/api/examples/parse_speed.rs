//! How long it takes to read many Mappings: `cargo run --release -p nuncio-api --example parse_speed [NUMBER]`.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use nuncio_api::{Defaults, parse};

fn main() {
    let number: usize = std::env::args().nth(1).and_then(|number| number.parse().ok()).unwrap_or(100_000);
    let text = manifests(number);
    let file = Arc::from("mappings.yaml");
    for _ in 0..3 {
        let start = Instant::now();
        let parsed = parse(text.as_bytes(), &file, &Defaults::default());
        let elapsed = start.elapsed();
        println!(
            "{} objects, {} problems, {:.1} MB in {elapsed:.2?}",
            parsed.objects.len(),
            parsed.problems.len() + parsed.objects.iter().map(|object| object.problems.len()).sum::<usize>(),
            text.len() as f64 / 1e6,
        );
    }
}

fn manifests(number: usize) -> String {
    let mut text = String::new();
    for i in 0..number {
        let _ = write!(
            text,
            "---\napiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata:\n  name: mapping-{i}\n  \
             namespace: shop\n  labels: {{team: red}}\nspec:\n  hostname: host-{}.example.com\n  \
             prefix: /api/v{}/\n  service: service-{}.shop:8080\n  timeout_ms: 5000\n",
            i / 10,
            i % 10,
            i % 500,
        );
    }
    text
}

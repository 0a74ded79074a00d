//! Bootstrap files.

use super::envoy;
use crate::{Ads, Bootstrap, bootstrap};

fn full() -> Bootstrap {
    Bootstrap {
        node_id: "n".to_owned(),
        node_cluster: "edge".to_owned(),
        admin: "/run/nuncio/admin.sock".into(),
        ads: Ads::Unix("/run/nuncio/xds.sock".into()),
        max_heap_bytes: Some(2 << 30),
        max_connections: Some(50_000),
    }
}

#[test]
fn everything() {
    let file: serde_json::Value = serde_json::from_str(&bootstrap(&full())).unwrap();
    insta::assert_json_snapshot!(file);
}

#[test]
fn envoy_accepts_every_sort() {
    let bare = Bootstrap { max_heap_bytes: None, max_connections: None, ..full() };
    let tcp = |host: &str| Ads::Tcp { host: host.to_owned(), port: 18_000 };
    for sort in [
        full(),
        bare.clone(),
        Bootstrap { max_heap_bytes: None, ..full() },
        Bootstrap { max_connections: None, ..full() },
        Bootstrap { ads: tcp("127.0.0.1"), ..bare.clone() },
        Bootstrap { ads: tcp("::1"), ..bare.clone() },
        Bootstrap { ads: tcp("controller.nuncio"), ..bare },
    ] {
        envoy::validate(&bootstrap(&sort));
    }
}

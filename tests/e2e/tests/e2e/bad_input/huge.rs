//! Files that are larger than anybody writes by hand.

use std::fmt::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

use nuncio_e2e::{DEADLINE, Site, get, within};

use super::Bench;

/// How long a file of this size may take where nothing is optimized.
const LONG: Duration = Duration::from_secs(3 * DEADLINE.as_secs());

#[tokio::test]
async fn a_broken_file_of_10_megabytes_is_told() {
    let site = Site::new();
    let mut bench = Bench::start(&site).await;
    let mut text = "kind: Mapping\nmetadata: {name: huge}\nspec:\n  prefix: |\n".to_owned();
    while text.len() < 10_000_000 {
        text += "    a line of many that all look alike, and of which none is of any use to anybody at all\n";
    }
    text += "  broken: [\n";
    site.write("huge.yaml", text);
    bench.gateway.admin.problem_within(LONG, &["InvalidYaml", "huge.yaml"]).await;
    bench.goes_on("beside 10 MB").await;
    bench.gateway.stop().await;
}

#[tokio::test]
async fn a_file_of_5000_mappings_is_served_and_changes_beside_it_stay_quick() {
    let site = Site::new();
    let mut bench = Bench::start(&site).await;
    let mut text = String::new();
    for n in 0..5_000 {
        let service = bench.backend.address();
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "---\napiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {{name: m{n}}}\n\
             spec: {{hostname: h{}.example, prefix: /m{n}/, service: '{service}'}}\n",
            n % 500
        );
    }
    site.write("many.yaml", &text);
    within(LONG, "the last one serves", async || {
        let reply = bench.client.send(&get("h499.example", "/m4999/")).await.map_err(|failure| failure.to_string())?;
        if reply.by() == "good" { Ok(()) } else { Err(reply.by()) }
    })
    .await;
    bench.goes_on("beside 5000").await;
    // One of them breaks: the others stay.
    site.write("many.yaml", text.replace("/m77/, service: '", "/m77/, service: ['"));
    bench.gateway.admin.problem_within(LONG, &["InvalidYaml", "many.yaml"]).await;
    bench.gateway.taken().await;
    for (host, path) in [("h77.example", "/m77/"), ("h499.example", "/m4999/")] {
        assert_eq!(bench.client.ask(&get(host, path)).await.by(), "good", "{path}");
    }
    site.remove("many.yaml");
    within(LONG, "they are gone", async || match bench.client.send(&get("h77.example", "/m77/")).await {
        Ok(reply) if reply.status == 404 => Ok(()),
        other => Err(format!("{:?}", other.map(|reply| reply.status))),
    })
    .await;
    bench.goes_on("after 5000").await;
    bench.gateway.stop().await;
}

#[tokio::test]
async fn links_to_nowhere_and_in_circles_stop_nothing() {
    let site = Site::new();
    let mut bench = Bench::start(&site).await;
    symlink("nowhere", site.manifests().join("dangling.yaml")).unwrap();
    symlink("circle.yaml", site.manifests().join("circle.yaml")).unwrap();
    symlink("..", site.manifests().join("up")).unwrap();
    symlink(".", site.manifests().join("here")).unwrap();
    std::fs::create_dir(site.manifests().join("directory.yaml")).unwrap();
    bench.goes_on("beside odd links").await;
    let closed = site.manifests().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o0)).unwrap();
    bench.goes_on("beside a directory that is closed").await;
    bench.gateway.stop().await;
}

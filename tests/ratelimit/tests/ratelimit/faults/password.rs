//! The password of the server itself is changed, not that of a user.

use super::{Scene, fails_with};

#[tokio::test]
async fn a_password_that_is_changed_keeps_new_connections_out_until_it_fits() {
    let mut scene = Scene::new(&["--requirepass", "old"], &[("REDIS_AUTH", "old")]).await;
    let change = |scene: &Scene, password: &str, command: &[&str]| {
        scene.redis.calls(&[&["AUTH", password], command]).unwrap();
    };
    let before = scene.ask().await.unwrap();
    change(&scene, "old", &["CONFIG", "SET", "requirepass", "new"]);
    assert_eq!(scene.ask().await.unwrap(), before - 1, "who was let in stays");
    change(&scene, "new", &["CLIENT", "KILL", "TYPE", "normal"]);
    fails_with(&mut scene, "WRONGPASS").await;
    change(&scene, "new", &["CONFIG", "SET", "requirepass", "old"]);
    scene.recovers().await;
    assert_eq!(scene.ask().await.unwrap(), before - 3, "that of recovering, and what was asked");
}

//! `nuncio doctor` on the Redis that the environment and the arguments name.

use nuncio_e2e::{Site, envoy};
use nuncio_ratelimit_tests::Redis;

/// What it prints of a directory without objects, where the service would have these variables.
fn doctor(variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let site = Site::new();
    site.write("none.yaml", "");
    let mut command = site.nuncio(&["doctor", "manifests", "--envoy", envoy().to_str().unwrap()]);
    command.env("NUNCIO_ADMIN", site.admin().to_string()).env("REDIS_SOCKET_TYPE", "tcp");
    let output = command.envs(variables.iter().copied()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn it_says_whether_redis_lets_the_service_in() {
    let redis = Redis::start(&["--requirepass", "open"]).unwrap();
    let url = redis.address();
    let (code, text) = doctor(&[("REDIS_URL", &url), ("REDIS_AUTH", "open")]);
    assert!(code == Some(0) && text.contains("√ the Redis of the rate limit service (REDIS_URL) answers"), "{text}");
    for variables in [&[("REDIS_URL", &*url), ("REDIS_AUTH", "wrong")][..], &[("REDIS_URL", "127.0.0.1:1")]] {
        let (code, text) = doctor(variables);
        assert!(
            code == Some(1) && text.contains("× the Redis of the rate limit service (REDIS_URL) answers"),
            "{text}"
        );
        assert!(!text.contains("wrong"), "no password is shown: {text}");
    }
    let (code, text) = doctor(&[("NUNCIO_REDIS", &format!("redis://:open@{url}"))]);
    assert!(code == Some(0) && text.contains("√ the Redis of the gateway (--redis) answers"), "{text}");
    for (address, reason) in
        [(format!("redis://:wrong@{url}"), "WRONGPASS"), ("redis://127.0.0.1:1".to_owned(), "refused")]
    {
        let (code, text) = doctor(&[("NUNCIO_REDIS", &address)]);
        assert!(code == Some(1) && text.contains("× the Redis of the gateway (--redis) answers"), "{text}");
        assert!(text.contains(reason) && !text.contains("wrong@"), "{text}");
    }
    let (_, text) = doctor(&[]);
    assert!(!text.contains("Redis"), "it is not asked for: {text}");
}

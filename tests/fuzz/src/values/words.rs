//! Words for fields: good ones, and odd ones that people write all the same.

pub(super) const NAMES: &[&str] = &[
    "*",
    "shop.example",
    "a.shop.example",
    "*.shop.example",
    "*.example",
    "shop.*",
    "SHOP.example",
    "b.example",
    "xn--bcher-kva.example",
    "localhost",
];
pub(super) const ODD_NAMES: &[&str] = &[
    "",
    "*.*",
    "a*b",
    "shop.example:8080",
    "127.0.0.1",
    "[::1]",
    "shop.example.",
    "bücher.example",
    "*.",
    ".example",
    "a b",
    "**",
];
pub(super) const PATHS: &[&str] =
    &["/", "/a/", "/a", "/a/b/", "/cart", "/A/", "/a%20b/", "/.well-known/acme-challenge/", "/é/", "/a//b"];
pub(super) const ODD_PATHS: &[&str] =
    &["", "a", "//", "/a?b=c", "/a#b", "/a b", "/a\n", "/*", "/\u{0}", "/..", "/%", "/%REQ(x)%"];
pub(super) const REGEXES: &[&str] = &[
    "/a/.*",
    "/(a|b)+",
    "(?i)/x",
    "/\\d{1,3}/",
    "/[a-z]*",
    ".*",
    "/a/(?P<id>[^/]+)",
    "/\\w+\\b",
    "^/a$",
    "/a{0,1000}",
    "[[:alpha:]]+",
    "\\pL+",
    "(?s:.)",
    "/(a(b(c)?)?)?",
];
pub(super) const ODD_REGEXES: &[&str] = &[
    "",
    "[",
    "(",
    "(?=a)",
    "(?!a)",
    "(a)\\1",
    "\\p{Greek}",
    "\\p{Foo}",
    "a{1001}",
    "(a{1000}){1000}",
    "\\Qa.b\\E",
    "(?x) a",
    "(?U)a*",
    "a**",
    "\\C",
    "[[a]&&[b]]",
    "\\u0041",
    "\\x{41}",
    "(?<n>a)",
    "\\h",
    "a\u{0}",
    "\\",
    "(?P<n>a)(?P<n>b)",
    "\\z",
    "\\Z",
    "\\A",
    "(|a)*",
];
pub(super) const SUBSTITUTIONS: &[&str] =
    &["/x", "/x/\\1", "\\0", "/", "", "\\2", "\\9", "$1", "%", "\\", "/x y", "/\u{e9}"];
pub(super) const SERVICES: &[&str] = &[
    "127.0.0.1:9000",
    "cart",
    "orders.shop:8080",
    "http://127.0.0.1:9001",
    "https://127.0.0.1:9443",
    "[::1]:9000",
    "localhost:9000",
    "orders:web",
    "10.0.0.1",
];
pub(super) const ODD_SERVICES: &[&str] = &[
    "",
    "http://",
    "ftp://x",
    "a:0",
    "a:65536",
    "a b",
    "a/b",
    "*",
    "http://[::1",
    "x.y.z.w:80",
    "-a",
    "a_b:80",
    "://a",
    "cart:http",
    "0.0.0.0:1",
    "a..b",
    "http://user@a",
];
pub(super) const VALUES: &[&str] = &[
    "a",
    "1",
    "x y",
    "%REQ(:path)%",
    "%DOWNSTREAM_REMOTE_ADDRESS%",
    "100%%",
    "text/html",
    "é",
    "{{ .token.Claims.sub }}",
];
pub(super) const ODD_VALUES: &[&str] = &[
    "",
    "%",
    "%%%",
    "%REQ(",
    "%REQ()%",
    "%UNKNOWN%",
    "%REQ(a)",
    "a\r\nb: c",
    "\u{0}",
    " a ",
    "%START_TIME(%s)%",
    "%REQ(X?Y):3%",
    "%DYNAMIC_METADATA(a:b)%",
    "%FILTER_STATE(a)%",
    "%CEL(a)%",
    "{{ .token",
    "{{ range . }}",
];
pub(super) const URLS: &[&str] = &["https://idp.example", "http://127.0.0.1:9000/x", "https://shop.example:8443"];
pub(super) const ODD_URLS: &[&str] =
    &["", "x", "https://", "ftp://a", "https://u:p@a", "https://a b", "https://*.example"];
pub(super) const CONDITIONS: &[&str] =
    &["true", "claims.sub == 'ann'", "claims.groups.exists(g, g == 'a')", "has(claims.email)"];
pub(super) const ALGORITHMS: &[&str] = &["RS256", "PS384", "ES256", "EdDSA", "none"];
pub(super) const HEADERS: &[&str] =
    &["x-a", "X-B", "accept", "cookie", "x-envoy-retries", "x_c", "content-type", "x-nuncio-scope"];
pub(super) const ODD_HEADERS: &[&str] = &[
    "",
    ":path",
    ":authority",
    ":method",
    "host",
    "Host",
    "a b",
    "x-é",
    "x:y",
    "a\r\nb",
    "*",
    "transfer-encoding",
    "content-length",
    "connection",
    ":foo",
];
pub(super) const DURATIONS: &[&str] = &["1s", "300ms", "0.5s", "1m30s", "0s"];
pub(super) const ODD_DURATIONS: &[&str] = &["", "-1s", "1", "1h1h", "9999999h", "1ns", "1us", "abc"];

pub(super) const LOG_FORMATS: &[&str] = &["%PROTOCOL% %RESPONSE_CODE%", "%REQ(:METHOD)%", "a", "%START_TIME%"];
pub(super) const LUA: &[&str] = &[
    "function envoy_on_request(h) h:headers():add('x-lua', '1') end",
    "function envoy_on_response(h) end",
    "-- nothing",
    "function envoy_on_request(",
    "return 1",
    // Runs when it is loaded. One that fails then is for Envoy alone to tell (tests/e2e).
    "local count = 0",
    "function envoy_on_request(h) while true do break end end",
    "x = = 1",
    "",
];
pub(super) const CIPHERS: &[&str] = &[
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]",
    "AES128-SHA",
];
pub(super) const ODD_CIPHERS: &[&str] =
    &["", "NONE", "TLS_AES_128_GCM_SHA256", "-ALL", "[a|b]", "ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA", "!aNULL"];
pub(super) const RETRY_ON: &[&str] = &[
    "5xx",
    "gateway-error,connect-failure",
    "retriable-4xx",
    "refused-stream",
    "retriable-status-codes",
    "reset",
    "5xx, reset",
];
pub(super) const STATUSES: &[u64] = &[200, 201, 301, 302, 303, 307, 308, 100, 599, 600, 0, 99];

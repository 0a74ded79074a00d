//! What templates of Filters are told: every field, with dots between. Below the last names there may be anything.

/// Headers for upstreams, of a filter that wants a JWT.
pub const JWT: [&str; 5] = ["token.Raw", "token.Header", "token.Claims", "token.Signature", "httpRequestHeader"];

/// Headers for upstreams, of a login.
pub const LOGIN: [&str; 9] = [
    "token.Raw",
    "token.Header",
    "token.Claims",
    "token.Signature",
    "idToken.Raw",
    "idToken.Header",
    "idToken.Claims",
    "idToken.Signature",
    "httpRequestHeader",
];

/// Headers for upstreams, of a filter that asks a token's issuer.
pub const INTROSPECTION: [&str; 3] = ["token.Raw", "token.Claims", "httpRequestHeader"];

/// The answer to who is not let in.
pub const DENIAL: [&str; 9] = [
    "status_code",
    "httpStatus",
    "message",
    "requestId",
    "request_id",
    "httpRequestHeader",
    "error.Error",
    "error.ValidationError.Errors",
    "error.ValidationError.Inner",
];

//! Cases: before and after, what is found on the way there, and what on the way back. A severity is its first letter.

mod schemas;

pub(super) use self::schemas::SCHEMAS;

/// Before, after, forth, back.
type Case = (&'static str, &'static str, &'static str, &'static str);

/// Whole documents.
pub(super) const DOCUMENTS: &[Case] = &[
    (r#"{"info": {"version": "1"}}"#, r#"{"info": {"version": "2"}}"#, "version-changed C", "version-changed C"),
    (r#"{"paths": {}}"#, r#"{"paths": {"/a": {"get": {}, "put": {}}}}"#, "path-added C", "path-removed B"),
    (
        r#"{"paths": {}}"#,
        r#"{"paths": {"/a": {"get": {"deprecated": true}}}}"#,
        "path-added C",
        "deprecated-operation-removed W",
    ),
    (
        r#"{"paths": {"/a": {"get": {}}}}"#,
        r#"{"paths": {"/a": {"get": {}, "put": {}}}}"#,
        "operation-added C",
        "operation-removed B",
    ),
    (
        r#"{"paths": {"/a": {"get": {}}}}"#,
        r#"{"paths": {"/a": {"get": {}, "put": {"deprecated": true}}}}"#,
        "operation-added C",
        "deprecated-operation-removed W",
    ),
    (
        r#"{"paths": {"/a/{id}": {"get": {"parameters": [{"name": "id", "in": "path", "required": true}]}}}}"#,
        r#"{"paths": {"/a/{user}": {"get": {"parameters": [{"name": "user", "in": "path", "required": true}]}}}}"#,
        "path-parameter-renamed C",
        "path-parameter-renamed C",
    ),
    (
        r#"{"components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "k"}}}}"#,
        r#"{"components": {"securitySchemes": {"key": {"type": "apiKey", "in": "query", "name": "k"}}}}"#,
        "security-scheme-changed B",
        "security-scheme-changed B",
    ),
    // Descriptions, examples and servers are for people and for the gateway.
    (
        r#"{"info": {"title": "a"}, "servers": [{"url": "/v1"}], "paths": {"/a": {"get": {"summary": "a"}}}}"#,
        r#"{"info": {"title": "b"}, "tags": [{"name": "x"}], "paths": {"/a": {"get": {"tags": ["x"], "x-own": 1}}}}"#,
        "",
        "",
    ),
];

/// One operation.
pub(super) const OPERATIONS: &[Case] = &[
    ("{}", r#"{"deprecated": true}"#, "operation-deprecated C", "operation-undeprecated C"),
    (r#"{"operationId": "a"}"#, r#"{"operationId": "b"}"#, "operation-id-changed W", "operation-id-changed W"),
    // Who may ask.
    ("{}", r#"{"security": [{"key": []}]}"#, "security-added B", "security-removed C"),
    (r#"{"security": [{"key": []}, {}]}"#, r#"{"security": [{"key": []}]}"#, "security-added B", "security-removed C"),
    (
        r#"{"security": [{"a": []}, {"b": []}]}"#,
        r#"{"security": [{"a": []}]}"#,
        "security-alternative-removed B",
        "security-alternative-added C",
    ),
    (
        r#"{"security": [{"a": ["x"]}]}"#,
        r#"{"security": [{"a": ["x", "y"]}]}"#,
        "security-scope-added B",
        "security-scope-removed C",
    ),
    // Alternatives of the same schemes are told apart by their scopes.
    (r#"{"security": [{"a": ["x"]}, {"a": ["y"]}]}"#, r#"{"security": [{"a": ["y"]}, {"a": ["x"]}]}"#, "", ""),
    (
        r#"{"security": [{"a": ["x"]}, {"a": ["y"]}]}"#,
        r#"{"security": [{"a": ["y"]}]}"#,
        "security-alternative-removed B",
        "security-alternative-added C",
    ),
    // Who shows both shows one; not if that needs a scope that he did not need.
    (
        r#"{"security": [{"a": [], "b": []}]}"#,
        r#"{"security": [{"a": []}, {"a": [], "b": []}]}"#,
        "security-alternative-added C",
        "security-alternative-removed B",
    ),
    // What is sent.
    ("{}", r#"{"parameters": [{"name": "q", "in": "query"}]}"#, "parameter-added C", "parameter-removed W"),
    (
        "{}",
        r#"{"parameters": [{"name": "q", "in": "query", "required": true}]}"#,
        "parameter-added-required B",
        "parameter-removed W",
    ),
    (
        r#"{"parameters": [{"name": "q", "in": "query"}]}"#,
        r#"{"parameters": [{"name": "Q", "in": "header"}]}"#,
        "parameter-moved B",
        "parameter-moved B",
    ),
    (
        r#"{"parameters": [{"name": "q", "in": "query"}]}"#,
        r#"{"parameters": [{"name": "q", "in": "query", "required": true}]}"#,
        "parameter-became-required B",
        "parameter-became-optional C",
    ),
    (
        r#"{"parameters": [{"name": "q", "in": "query", "schema": {"type": "array"}}]}"#,
        r#"{"parameters": [{"name": "q", "in": "query", "schema": {"type": "array"}, "explode": false}]}"#,
        "parameter-style-changed B",
        "parameter-style-changed B",
    ),
    (
        r#"{"parameters": [{"name": "q", "in": "query"}]}"#,
        r#"{"parameters": [{"name": "q", "in": "query", "deprecated": true}]}"#,
        "parameter-deprecated C",
        "",
    ),
    (
        r#"{"parameters": [{"name": "q", "in": "query", "schema": {"type": "string"}}]}"#,
        r#"{"parameters": [{"name": "q", "in": "query", "schema": {"type": "string", "maxLength": 5}}]}"#,
        "bound-tightened B",
        "bound-loosened C",
    ),
    (
        r#"{"parameters": [{"name": "q", "in": "query", "schema": {"type": ["array", "null"]}}]}"#,
        r#"{"parameters": [{"name": "q", "in": "query", "schema": {"type": ["array", "null"]}, "style": "pipeDelimited"}]}"#,
        "parameter-style-changed B",
        "parameter-style-changed B",
    ),
    ("{}", r#"{"requestBody": {}}"#, "request-body-added C", "request-body-removed B"),
    ("{}", r#"{"requestBody": {"required": true}}"#, "request-body-added-required B", "request-body-removed B"),
    (
        r#"{"requestBody": {}}"#,
        r#"{"requestBody": {"required": true}}"#,
        "request-body-became-required B",
        "request-body-became-optional C",
    ),
    (
        r#"{"requestBody": {"content": {"application/json": {}}}}"#,
        r#"{"requestBody": {"content": {"application/json; charset=utf-8": {}, "text/csv": {}}}}"#,
        "media-type-added C",
        "media-type-removed B",
    ),
    // A range takes what is in it.
    (
        r#"{"requestBody": {"content": {"application/json": {}}}}"#,
        r#"{"requestBody": {"content": {"application/*": {}}}}"#,
        "media-type-added C",
        "media-type-removed B media-type-added C",
    ),
    (
        r#"{"requestBody": {"content": {"application/jsonl": {"itemSchema": {"type": "string"}}}}}"#,
        r#"{"requestBody": {"content": {"application/jsonl": {"itemSchema": {"type": "integer"}}}}}"#,
        "type-changed B",
        "type-changed B",
    ),
    // Where no other properties are taken one that is gone is refused.
    (
        r#"{"requestBody": {"content": {"a/b": {"schema": {"properties": {"a": {}}, "additionalProperties": false}}}}}"#,
        r#"{"requestBody": {"content": {"a/b": {"schema": {"type": "object", "additionalProperties": false}}}}}"#,
        "property-refused B",
        "property-added C",
    ),
    (
        r#"{"responses": {"200": {"content": {"a/b": {"schema": {"properties": {"a": {}}, "additionalProperties": false}}}}}}"#,
        r#"{"responses": {"200": {"content": {"a/b": {"schema": {"type": "object", "additionalProperties": false}}}}}}"#,
        "property-removed W",
        "property-added C",
    ),
    // What comes back.
    (
        r#"{"responses": {"200": {}}}"#,
        r#"{"responses": {"200": {}, "201": {}}}"#,
        "success-status-added W",
        "success-status-removed B",
    ),
    (
        r#"{"responses": {"200": {}}}"#,
        r#"{"responses": {"200": {}, "404": {}}}"#,
        "failure-status-added C",
        "failure-status-removed C",
    ),
    (
        r#"{"responses": {"200": {}, "404": {}}}"#,
        r#"{"responses": {"2XX": {}, "default": {}}}"#,
        "success-status-added W failure-status-added C",
        "",
    ),
    (
        r#"{"responses": {"200": {}}}"#,
        r#"{"responses": {"200": {"headers": {"ETag": {}}}}}"#,
        "response-header-added C",
        "response-header-removed B",
    ),
    (
        r#"{"responses": {"200": {"headers": {"Age": {"schema": {"type": "integer"}}}}}}"#,
        r#"{"responses": {"200": {"headers": {"age": {"schema": {"type": "number"}}}}}}"#,
        "type-widened B",
        "type-narrowed C",
    ),
    (
        r#"{"responses": {"200": {"content": {"application/json": {}}}}}"#,
        r#"{"responses": {"200": {"content": {"application/json": {}, "text/csv": {}}}}}"#,
        "media-type-added C",
        "media-type-removed B",
    ),
];

//! Cases: before and after, what is found on the way there, and what on the way back. A severity is its first letter.

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

/// One schema: the severities are those in requests and in answers.
pub(super) const SCHEMAS: &[Case] = &[
    (r#"{"type": "string"}"#, r#"{"type": "integer"}"#, "type-changed BB", "type-changed BB"),
    (r#"{"type": "integer"}"#, r#"{"type": "number"}"#, "type-widened CB", "type-narrowed BC"),
    (r#"{"type": "string"}"#, r#"{"type": ["string", "boolean"]}"#, "type-widened CB", "type-narrowed BC"),
    (
        r#"{"type": "integer", "format": "int32"}"#,
        r#"{"type": "integer", "format": "int64"}"#,
        "type-widened CB",
        "type-narrowed BC",
    ),
    (r#"{"type": "string"}"#, r#"{"type": ["string", "null"]}"#, "became-nullable CB", "became-not-nullable BC"),
    (
        r#"{"type": "string"}"#,
        r#"{"anyOf": [{"type": "string"}, {"type": "null"}]}"#,
        "became-nullable CB",
        "became-not-nullable BC",
    ),
    (r#"{"type": "string", "nullable": true}"#, r#"{"type": ["null", "string"]}"#, "", ""),
    (r#"{"type": "string"}"#, r#"{"type": "string", "format": "date"}"#, "format-added WC", "format-removed CW"),
    (
        r#"{"type": "string", "format": "date"}"#,
        r#"{"type": "string", "format": "date-time"}"#,
        "format-changed BB",
        "format-changed BB",
    ),
    (r#"{"type": "string"}"#, r#"{"type": "string", "enum": ["a"]}"#, "enum-added BC", "enum-removed CW"),
    (r#"{"enum": ["a"]}"#, r#"{"enum": ["b", "a"]}"#, "enum-value-added CW", "enum-value-removed BC"),
    (r#"{"const": "a"}"#, r#"{"type": "string", "enum": ["a"]}"#, "", ""),
    // Bounds.
    (r#"{"type": "integer"}"#, r#"{"type": "integer", "maximum": 9}"#, "bound-tightened BC", "bound-loosened CW"),
    (
        r#"{"type": "integer", "minimum": 1}"#,
        r#"{"type": "integer", "minimum": 2}"#,
        "bound-tightened BC",
        "bound-loosened CW",
    ),
    (
        r#"{"type": "integer", "maximum": 9}"#,
        r#"{"type": "integer", "exclusiveMaximum": 9}"#,
        "bound-tightened BC",
        "bound-loosened CW",
    ),
    (
        r#"{"type": "integer", "minimum": 1, "exclusiveMinimum": true}"#,
        r#"{"type": "integer", "exclusiveMinimum": 1}"#,
        "",
        "",
    ),
    (r#"{"type": "string", "minLength": 0}"#, r#"{"type": "string"}"#, "", ""),
    (
        r#"{"type": "array", "items": {}}"#,
        r#"{"type": "array", "items": {}, "uniqueItems": true}"#,
        "bound-tightened BC",
        "bound-loosened CW",
    ),
    (
        r#"{"type": "integer", "multipleOf": 5}"#,
        r#"{"type": "integer", "multipleOf": 10}"#,
        "bound-tightened BC",
        "bound-loosened CW",
    ),
    (r#"{"type": "string"}"#, r#"{"type": "string", "pattern": "a"}"#, "pattern-added BC", "pattern-removed CW"),
    (
        r#"{"type": "string", "pattern": "a"}"#,
        r#"{"type": "string", "pattern": "b"}"#,
        "pattern-changed WW",
        "pattern-changed WW",
    ),
    (r#"{"type": "integer"}"#, r#"{"type": "integer", "default": 3}"#, "default-changed WC", "default-changed WC"),
    // One of several.
    (
        r#"{"oneOf": [{"type": "string"}, {"type": "boolean"}]}"#,
        r#"{"oneOf": [{"type": "boolean"}, {"type": "integer"}, {"type": "string"}]}"#,
        "variant-added CW",
        "variant-removed BC",
    ),
    (
        r#"{"type": "string"}"#,
        r#"{"anyOf": [{"type": "string"}, {"type": "integer"}]}"#,
        "variant-added CW",
        "variant-removed BC",
    ),
    (
        r#"{"type": "boolean"}"#,
        r#"{"anyOf": [{"type": "string"}, {"type": "integer"}]}"#,
        "type-changed BB",
        "type-changed BB",
    ),
    (
        r#"{"oneOf": [{"title": "A"}, {"title": "B"}], "discriminator": {"propertyName": "x"}}"#,
        r#"{"oneOf": [{"title": "A"}, {"title": "B"}], "discriminator": {"propertyName": "y"}}"#,
        "discriminator-changed BB",
        "discriminator-changed BB",
    ),
    (
        r#"{"oneOf": [{"title": "A"}, {"title": "B"}], "discriminator": {"propertyName": "x", "mapping": {"a": "A", "b": "B"}}}"#,
        r#"{"oneOf": [{"title": "A"}, {"title": "B"}], "discriminator": {"propertyName": "x", "mapping": {"a": "A"}}}"#,
        "discriminator-value-removed BC",
        "discriminator-value-added CW",
    ),
    // Parts narrow each other.
    (
        r#"{"allOf": [{"type": ["string", "integer"], "enum": ["a", 1]}, {"type": "string", "enum": ["a", "b"], "minLength": 1}, {"minLength": 3}]}"#,
        r#"{"type": "string", "enum": ["a"], "minLength": 3}"#,
        "",
        "",
    ),
    (r#"{"allOf": [{"type": "number"}, {"type": "integer"}]}"#, r#"{"type": "integer"}"#, "", ""),
    (
        r#"{"type": "string"}"#,
        r#"{"anyOf": [{"type": "string"}, {"const": null}]}"#,
        "became-nullable CB",
        "became-not-nullable BC",
    ),
    // Objects.
    (
        r#"{"type": "object"}"#,
        r#"{"type": "object", "required": ["a"]}"#,
        "required-property-added BC",
        "required-property-removed WB",
    ),
    (r#"{"type": "object"}"#, r#"{"properties": {"a": {}}}"#, "property-added CC", "property-removed WW"),
    (
        r#"{"type": "object"}"#,
        r#"{"type": "object", "properties": {"a": {}}, "required": ["a"]}"#,
        "required-property-added BC",
        "required-property-removed WB",
    ),
    (
        r#"{"properties": {"a": {}}}"#,
        r#"{"properties": {"a": {}}, "required": ["a"]}"#,
        "property-became-required BC",
        "property-became-optional CB",
    ),
    (r#"{"properties": {"a": {}}}"#, r#"{"properties": {"a": {"deprecated": true}}}"#, "property-deprecated CC", ""),
    (
        r#"{"type": "object"}"#,
        r#"{"type": "object", "additionalProperties": false}"#,
        "other-properties-forbidden BC",
        "other-properties-allowed CC",
    ),
    (
        r#"{"type": "object", "additionalProperties": {"type": "integer"}}"#,
        r#"{"type": "object", "additionalProperties": {"type": "number"}}"#,
        "type-widened CB",
        "type-narrowed BC",
    ),
    (
        r#"{"allOf": [{"properties": {"a": {}}}, {"required": ["a"]}]}"#,
        r#"{"type": "object", "properties": {"a": {}}, "required": ["a"]}"#,
        "",
        "",
    ),
];

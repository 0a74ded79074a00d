//! Go's `text/template`, as far as headers and error pages need it: fields, methods `Get` and `Values` of headers, variables,
//! `if`, `with`, `range`, pipelines, the usual functions, and Edge Stack's `hasKey`, `doNotSet` and `json`.
//!
//! Templates cannot call anything outside, and what they may do is bounded: they run on every request.

mod asked;
mod eval;
mod format;
mod functions;
mod lex;
mod parse;
mod value;

pub use functions::escape;
pub use value::Value;

use parse::Node;

/// A compiled template.
#[derive(Clone, Debug)]
pub struct Template {
    nodes: Vec<Node>,
}

/// A template that does not compile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct SyntaxError {
    /// From 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// A template that fails with the values it was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RenderError(pub(crate) String);

impl Template {
    /// Compiles it.
    ///
    /// # Errors
    /// When it is not of the language, or uses a part of it that is not there.
    pub fn new(source: &str) -> Result<Self, SyntaxError> {
        Ok(Self { nodes: parse::parse(source)? })
    }

    /// The text for these values; `None` where it says `doNotSet`.
    ///
    /// # Errors
    /// When it asks for what is not there or does too much.
    pub fn render(&self, data: &Value) -> Result<Option<String>, RenderError> {
        eval::render(&self.nodes, data)
    }

    /// The first field it asks for that is not among the `known` ones, which are told with dots between, nor on the way to one
    /// of them or beyond it.
    #[must_use]
    pub fn unknown(&self, known: &[&str]) -> Option<String> {
        let is_known = |field: &[String]| known.iter().any(|known| known.split('.').zip(field).all(|(a, b)| a == b));
        asked::fields(&self.nodes).into_iter().find(|field| !is_known(field)).map(|field| field.join("."))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn data() -> Value {
        let mut data = Value::from(&json!({
            "token": { "Raw": "a.b.c", "Claims": {
                "sub": "ann", "groups": ["dev", "ops"], "exp": 1_516_239_022, "n": 3, "quota": 2.5, "admin": true,
                "custom:x": "y", "empty": "", "address": { "city": "Ulm" } } },
        }));
        let mut headers = http::HeaderMap::new();
        headers.append("x-a", "1".parse().unwrap());
        headers.append("x-a", "2".parse().unwrap());
        if let Value::Map(map) = &mut data {
            map.insert("httpRequestHeader".to_owned(), Value::headers(&headers));
        }
        data
    }

    fn render(source: &str) -> String {
        match Template::new(source)
            .map_err(|error| error.to_string())
            .and_then(|template| template.render(&data()).map_err(|error| error.to_string()))
        {
            Ok(Some(text)) => text,
            Ok(None) => "(not set)".to_owned(),
            Err(error) => format!("error: {error}"),
        }
    }

    /// What Go's text/template writes for each.
    #[test]
    fn is_what_go_writes() {
        let cases = [
            ("plain", "plain"),
            ("{{ .token.Raw }}", "a.b.c"),
            ("{{ .token.Claims.exp }} {{ .token.Claims.n }} {{ .token.Claims.quota }}", "1.516239022e+09 3 2.5"),
            ("{{ printf \"%.0f\" .token.Claims.exp }}", "1516239022"),
            ("{{ .token.Claims.absent }}", "<no value>"),
            ("{{ .token.Claims.groups }} {{ .token.Claims.address }}", "[dev ops] map[city:Ulm]"),
            ("{{ range .token.Claims.groups }}<{{ . }}>{{ end }}", "<dev><ops>"),
            ("{{ range $i, $g := .token.Claims.groups }}{{ if $i }},{{ end }}{{ $g }}{{ end }}", "dev,ops"),
            ("{{ range $k, $v := .token.Claims.address }}{{ $k }}={{ $v }}{{ end }}", "city=Ulm"),
            ("{{ range .token.Claims.absent }}x{{ else }}none{{ end }}", "none"),
            ("{{ if hasKey .token.Claims \"sub\" }}yes{{ else }}no{{ end }}", "yes"),
            (
                "{{ if .token.Claims.empty }}a{{ else if eq .token.Claims.sub \"bob\" \"ann\" }}b{{ else }}c{{ end }}",
                "b",
            ),
            ("{{ with .token.Claims.address }}{{ .city }} {{ $.token.Raw }}{{ end }}", "Ulm a.b.c"),
            ("{{ index .token.Claims \"custom:x\" }} {{ index .token.Claims.groups 1 }}", "y ops"),
            ("{{ .httpRequestHeader.Get \"X-A\" }} {{ .httpRequestHeader.Values \"x-a\" }}", "1 [1 2]"),
            ("{{ .token.Claims.sub | printf \"%s-%q\" \"x\" }}", "x-\"ann\""),
            ("{{ $x := 1 }}{{ $x = 2 }}{{ $x }}", "2"),
            ("a {{- /* note */ -}} b", "ab"),
            ("{{ \"a\" -}}   b", "ab"),
            ("{{ and true .token.Claims.admin }} {{ or \"\" \"b\" }} {{ not true }}", "true b false"),
            ("{{ len .token.Claims.groups }} {{ lt 1 2 }} {{ ge 2.5 3.0 }} {{ ne \"a\" \"b\" }}", "2 true false true"),
            ("{{ print \"a\" 1 2 \"b\" }} {{ println 1 }}", "a1 2b 1\n"),
            ("{{ html \"<a>\" }} {{ urlquery \"a b&\" }} {{ js \"it's\" }}", "&lt;a&gt; a+b%26 it\\'s"),
            ("{{ slice \"abcdef\" 1 3 }} {{ (index .token.Claims.groups 0) }}", "bc dev"),
            ("{{ json \"\" .token.Claims.groups }}", "[\"dev\",\"ops\"]"),
            ("{{ json \"  \" .token.Claims.address }}", "{\n  \"city\": \"Ulm\"\n}"),
            ("{{ `raw \\n` }}{{ \"\\n\" }}", "raw \\n\n"),
            ("x{{ doNotSet }}", "(not set)"),
            ("{{ if hasKey .token.Claims \"absent\" }}a{{ else }}{{ doNotSet }}{{ end }}", "(not set)"),
            ("{{ range .token.Claims.groups }}{{ if eq . \"ops\" }}{{ break }}{{ end }}{{ . }}{{ end }}", "dev"),
            (
                "{{ printf \"%5d|%-5s|%05.1f|%t|%v|%x|%%\" 42 \"ab\" 2.25 true nil \"hi\" }}",
                "   42|ab   |002.2|true|<nil>|6869|%",
            ),
        ];
        for (source, expected) in cases {
            assert_eq!(render(source), expected, "{source}");
        }
    }

    #[test]
    fn mistakes_are_errors_with_their_line() {
        for source in [
            "{{ .a",
            "{{ if }}{{ end }}",
            "{{ end }}",
            "{{ if .a }}",
            "{{ nope }}",
            "{{ \"a }}",
            "{{ define \"x\" }}{{ end }}",
        ] {
            assert!(render(source).starts_with("error: line 1: "), "{source}: {}", render(source));
        }
        assert!(render("\n\n{{ nope 1 }}").starts_with("error: line 3: "));
        for source in [
            "{{ .token.Claims.absent.more }}",
            "{{ index .token.Claims.groups 9 }}",
            "{{ .token.Raw.x }}",
            "{{ lt 1 \"a\" }}",
        ] {
            assert!(
                render(source).starts_with("error: ") && !render(source).contains("line"),
                "{source}: {}",
                render(source)
            );
        }
    }

    #[test]
    fn what_is_asked_for_and_is_not_there_is_known_before() {
        let unknown = |source: &str| Template::new(source).unwrap().unknown(&["a.b", "c"]);
        for (source, expected) in [
            ("{{ .a }} {{ .a.b }} {{ .c.d }} {{ $.c }} {{ . }} {{ $x := .c }}{{ $x.y }}", None),
            ("{{ with .a }}{{ .z }}{{ end }}{{ range .c }}{{ .z }}{{ end }}", None),
            ("{{ .z }}", Some("z")),
            ("{{ .a.z.y }}", Some("a.z.y")),
            ("{{ range .c }}{{ $.z }}{{ end }}", Some("z")),
            ("{{ with .c }}{{ else }}{{ .z }}{{ end }}", Some("z")),
            ("{{ if eq .c 1 }}{{ else if .z }}{{ end }}", Some("z")),
            ("{{ print (len .z) }}", Some("z")),
            ("{{ range $i, $v := .z }}{{ end }}", Some("z")),
        ] {
            assert_eq!(unknown(source).as_deref(), expected, "{source}");
        }
    }

    #[test]
    fn what_a_template_may_do_is_bounded() {
        let loops = "{{ range $.token.Claims.groups }}".repeat(20) + &"{{ end }}".repeat(20);
        assert!(render(&loops).contains("does too much"), "{}", render(&loops));
        for grows in [
            "{{ $a := `0123456789abcdef` }}".to_owned() + &"{{ $a = print $a $a }}".repeat(30),
            "{{ $a := .token.Raw }}".repeat(1_001),
            "{{ $a := `0123456789abcdef` }}".to_owned()
                + &"{{ $a = print $a $a }}".repeat(11)
                + &"{{ $b := $a }}".repeat(40),
        ] {
            assert!(render(&grows).contains("does too much"), "{}", render(&grows));
        }
        assert!(render(&"{{ if true }}".repeat(200)).starts_with("error: line 1: "));
        assert!(render(&format!("{{{{ {}1{} }}}}", "(".repeat(500), ")".repeat(500))).starts_with("error: line 1: "));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(source in "(\\{\\{|\\}\\}|if|range|end| |\\.a|\\$x|:=|\"|\\(|\\)|\\||printf|%d|1|eq|-|é){0,24}") {
            if let Ok(template) = Template::new(&source) {
                _ = template.render(&data());
            }
        }
    }
}

//! A request in the languages of those who send it.

pub(crate) mod proof;

use std::fmt::Write;

use self::proof::{Proof, Shown};
use super::operation::Part;

/// A request to be sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    pub(super) method: String,
    /// Where clients reach the gateway; none where that is not known.
    pub(super) origin: Option<String>,
    /// As a URL has it.
    pub(super) path: String,
    /// Names and values, likewise.
    pub(super) query: Vec<String>,
    pub(super) headers: Vec<(String, String)>,
    /// Headers whose values are nobody else's to know.
    pub(super) shown: Vec<Shown>,
    pub(super) body: Option<String>,
    /// What the body is put together from, where it is no text.
    pub(super) parts: Vec<Part>,
}

/// The same request in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) language: &'static str,
    pub(crate) code: String,
}

/// In so many languages.
pub(super) const LANGUAGES: usize = 6;

/// In every language, the shell first; files are sent from that alone.
pub(super) fn samples(request: &Request) -> Vec<Sample> {
    if !request.parts.is_empty() {
        return vec![Sample { language: "curl", code: curl(request) }];
    }
    let all: [_; LANGUAGES] = [
        ("curl", curl as fn(&Request) -> String),
        ("JavaScript", javascript),
        ("Python", python),
        ("Go", go),
        ("Rust", rust),
        ("Java", java),
    ];
    all.map(|(language, write)| Sample { language, code: write(request) }).into()
}

impl Request {
    /// With what lets a program through, whatever the document says of those headers.
    pub(super) fn showing(mut self, proof: &Proof) -> Self {
        self.shown = proof.headers().to_vec();
        let shown = &self.shown;
        self.headers.retain(|(name, _)| !shown.iter().any(|it| it.header.eq_ignore_ascii_case(name)));
        self
    }

    fn url(&self) -> String {
        let origin = self.origin.as_deref().unwrap_or("https://HOST");
        let pairs: Vec<_> = self.query.iter().filter(|pair| !pair.is_empty()).map(String::as_str).collect();
        let query = if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) };
        format!("{origin}{}{query}", self.path)
    }

    /// Headers as fields of an object, where `shown` writes what is in a variable.
    fn fields(&self, shown: impl Fn(&Shown) -> String) -> String {
        let plain = self.headers.iter().map(|(name, value)| format!("{}: {}", json(name), json(value)));
        let secret = self.shown.iter().map(|it| format!("{}: {}", json(&it.header), shown(it)));
        plain.chain(secret).collect::<Vec<_>>().join(", ")
    }
}

/// In single quotes for a shell, which then takes everything but them as it is.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A literal as JavaScript, Python, Go and Java have it, too.
fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn curl(request: &Request) -> String {
    let mut code = match request.method.as_str() {
        "GET" => "curl".to_owned(),
        // With `-X` curl would wait for a body.
        "HEAD" => "curl --head".to_owned(),
        method => format!("curl -X {}", shell_word(method)),
    };
    code += &format!(" {}", shell(&request.url()));
    for (name, value) in &request.headers {
        // An empty one is left out where it is written with a colon.
        let header = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
        code += &format!(" \\\n  -H {}", shell(&header));
    }
    for shown in &request.shown {
        code += &format!(" \\\n  -H {}", shown.in_shell());
    }
    if let Some(body) = request.body.as_ref().filter(|_| request.parts.is_empty()) {
        code += &format!(" \\\n  --data-raw {}", shell(body));
    }
    for Part { name, is_file, .. } in &request.parts {
        code += &match (name.is_empty(), is_file) {
            (true, _) => " \\\n  --data-binary @FILE".to_owned(),
            (false, true) => format!(" \\\n  -F {}", shell(&format!("{name}=@FILE"))),
            (false, false) => format!(" \\\n  --form-string {}", shell(&format!("{name}=TEXT"))),
        };
    }
    code
}

/// A word that needs no quotes, or in them.
fn shell_word(word: &str) -> String {
    if word.bytes().all(|b| b.is_ascii_alphanumeric()) { word.to_owned() } else { shell(word) }
}

fn javascript(request: &Request) -> String {
    let mut options = Vec::new();
    if request.method != "GET" {
        options.push(format!("  method: {},\n", json(&request.method)));
    }
    let headers = request.fields(|shown| shown.written(" + ", &format!("process.env.{}", shown.variable)));
    if !headers.is_empty() {
        options.push(format!("  headers: {{ {headers} }},\n"));
    }
    // There is none that `fetch` would send.
    if let Some(body) = request.body.as_ref().filter(|_| !matches!(request.method.as_str(), "GET" | "HEAD")) {
        options.push(format!("  body: {},\n", json(body)));
    }
    let options = if options.is_empty() { String::new() } else { format!(", {{\n{}}}", options.concat()) };
    let url = json(&request.url());
    format!("const response = await fetch({url}{options});\nconsole.log(response.status, await response.text());")
}

fn python(request: &Request) -> String {
    let import = if request.shown.is_empty() { "" } else { "import os\n\n" };
    let mut code = format!("{import}import requests\n\nresponse = requests.request(\n");
    // Writing to a text does not fail.
    _ = writeln!(code, "    {}, {},", json(&request.method), json(&request.url()));
    let headers = request.fields(|shown| shown.written(" + ", &format!("os.environ[{}]", json(&shown.variable))));
    if !headers.is_empty() {
        _ = writeln!(code, "    headers={{{headers}}},");
    }
    if let Some(body) = &request.body {
        _ = writeln!(code, "    data={}.encode(),", json(body));
    }
    code + ")\nprint(response.status_code, response.text)"
}

fn go(request: &Request) -> String {
    let body = request.body.as_ref().map_or("nil".to_owned(), |body| format!("strings.NewReader({})", json(body)));
    let mut code = format!(
        "request, err := http.NewRequest({}, {}, {body})\nif err != nil {{\n\tlog.Fatal(err)\n}}\n",
        json(&request.method),
        json(&request.url())
    );
    for (name, value) in &request.headers {
        _ = writeln!(code, "request.Header.Set({}, {})", json(name), json(value));
    }
    for shown in &request.shown {
        let value = shown.written("+", &format!("os.Getenv({})", json(&shown.variable)));
        _ = writeln!(code, "request.Header.Set({}, {value})", json(&shown.header));
    }
    code + "response, err := http.DefaultClient.Do(request)\nif err != nil {\n\tlog.Fatal(err)\n}\n\
            defer response.Body.Close()\nfmt.Println(response.Status)"
}

fn rust(request: &Request) -> String {
    let (method, url) = (&request.method, request.url());
    let mut code = format!("let response = reqwest::Client::new()\n    .request({method:?}.parse()?, {url:?})\n");
    for (name, value) in &request.headers {
        _ = writeln!(code, "    .header({name:?}, {value:?})");
    }
    for Shown { header, before, variable, .. } in &request.shown {
        _ = writeln!(code, "    .header({header:?}, {before:?}.to_owned() + &std::env::var({variable:?})?)");
    }
    if let Some(body) = &request.body {
        _ = writeln!(code, "    .body({body:?})");
    }
    code + "    .send()\n    .await?;\nprintln!(\"{} {}\", response.status(), response.text().await?);"
}

fn java(request: &Request) -> String {
    let publisher = request.body.as_ref().map_or_else(
        || "HttpRequest.BodyPublishers.noBody()".to_owned(),
        |body| format!("HttpRequest.BodyPublishers.ofString({})", json(body)),
    );
    let mut code = format!("var request = HttpRequest.newBuilder(URI.create({}))\n", json(&request.url()));
    for (name, value) in &request.headers {
        _ = writeln!(code, "    .header({}, {})", json(name), json(value));
    }
    for shown in &request.shown {
        let value = shown.written(" + ", &format!("System.getenv({})", json(&shown.variable)));
        _ = writeln!(code, "    .header({}, {value})", json(&shown.header));
    }
    _ = writeln!(code, "    .method({}, {publisher})\n    .build();", json(&request.method));
    code + "var response = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());\n\
            System.out.println(response.statusCode() + \" \" + response.body());"
}

#[cfg(test)]
mod tests;

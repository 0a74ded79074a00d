//! A browser of few words: it keeps cookies by host, follows redirects, and fills in forms.

use std::collections::BTreeMap;

use http::{HeaderMap, Method, StatusCode};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Url};
use serde_json::Value;

use crate::keep_secrets_of;

/// A browser with cookies of its own.
#[derive(Clone, Debug)]
pub struct Browser {
    client: Client,
    /// By host, then by name.
    pub cookies: BTreeMap<String, BTreeMap<String, String>>,
    /// Headers of every request.
    pub headers: HeaderMap,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Page {
    /// Where it is.
    pub url: Url,
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
}

impl Page {
    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// A header that the upstream was sent.
    #[must_use]
    pub fn sent(&self, name: &str) -> Option<String> {
        self.json()["headers"].get(name).and_then(Value::as_str).map(str::to_owned)
    }

    /// A header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Where it sends the browser.
    #[must_use]
    pub fn location(&self) -> Option<Url> {
        self.url.join(self.header("location")?).ok()
    }

    /// Where its form goes.
    #[must_use]
    pub fn action(&self) -> Url {
        let (_, rest) = self.body.split_once("action=\"").unwrap_or_else(|| panic!("no form: {self:#?}"));
        self.url.join(&rest[..rest.find('"').unwrap()].replace("&amp;", "&")).unwrap()
    }

    /// The value of a hidden field of its form.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<String> {
        let (_, rest) = self.body.split_once(&format!("name=\"{name}\" value=\""))?;
        Some(rest[..rest.find('"')?].to_owned())
    }
}

impl Default for Browser {
    fn default() -> Self {
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        let headers = HeaderMap::from_iter([(http::header::ACCEPT, "text/html,*/*;q=0.8".parse().unwrap())]);
        Self { client, cookies: BTreeMap::new(), headers }
    }
}

impl Browser {
    /// A program that wants data.
    #[must_use]
    pub fn api() -> Self {
        let headers = HeaderMap::from_iter([(http::header::ACCEPT, "application/json".parse().unwrap())]);
        Self { headers, ..Self::default() }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.append(name, value.parse().unwrap());
        self
    }

    /// The same with another's cookies.
    #[must_use]
    pub fn with_cookies(self, other: &Self) -> Self {
        Self { cookies: other.cookies.clone(), ..self }
    }

    /// One request.
    pub async fn send(&mut self, method: Method, url: &str, form: Option<&[(&str, &str)]>) -> Page {
        let url = Url::parse(url).unwrap();
        let host = url.host_str().unwrap().to_owned();
        let mut request = self.client.request(method, url.clone()).headers(self.headers.clone());
        let jar = self.cookies.entry(host.clone()).or_default();
        if !jar.is_empty() {
            let line = jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
            request = request.header("cookie", line);
        }
        if let Some(form) = form {
            request = with_form(request, form);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        keep_secrets_of(&self.headers);
        keep_secrets_of(&headers);
        for line in headers.get_all("set-cookie") {
            keep(self.cookies.entry(host.clone()).or_default(), line.to_str().unwrap());
        }
        Page { url, status, headers, body: answer.text().await.unwrap() }
    }

    /// Gets a page without following where it leads.
    pub async fn get(&mut self, url: &str) -> Page {
        self.send(Method::GET, url, None).await
    }

    /// Gets a page, and those that it leads to.
    pub async fn visit(&mut self, url: &str) -> Page {
        let page = self.get(url).await;
        self.follow(page).await
    }

    /// Follows redirects.
    pub async fn follow(&mut self, mut page: Page) -> Page {
        for _ in 0..20 {
            if !page.status.is_redirection() {
                return page;
            }
            let location = page.location().unwrap_or_else(|| panic!("{page:#?}"));
            page = self.get(location.as_str()).await;
        }
        panic!("redirected without end: {page:#?}")
    }

    /// Logs in at the provider's page, and comes to where that leads.
    pub async fn log_in(&mut self, url: &str, name: &str) -> Page {
        let form = self.visit(url).await;
        self.fill_in(&form, name).await
    }

    /// Fills in the provider's form.
    pub async fn fill_in(&mut self, form: &Page, name: &str) -> Page {
        let action = form.action();
        let page = self
            .send(Method::POST, action.as_str(), Some(&[("prompt", "login"), ("login", name), ("password", "x")]))
            .await;
        self.follow(page).await
    }

    /// The cookies of a host whose name holds this.
    #[must_use]
    pub fn cookies_like(&self, host: &str, part: &str) -> Vec<(String, String)> {
        let jar = self.cookies.get(host).into_iter().flatten();
        jar.filter(|(name, _)| name.contains(part)).map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

fn keep(jar: &mut BTreeMap<String, String>, line: &str) {
    let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
    let (name, value) = pair.split_once('=').unwrap();
    if attributes.to_ascii_lowercase().contains("max-age=0") || attributes.contains("1970") {
        jar.remove(name);
    } else {
        jar.insert(name.to_owned(), value.to_owned());
    }
}

/// A request with this form.
pub(crate) fn with_form(request: RequestBuilder, form: &[(&str, &str)]) -> RequestBuilder {
    let pairs: Vec<String> = form.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    request.header("content-type", "application/x-www-form-urlencoded").body(pairs.join("&"))
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

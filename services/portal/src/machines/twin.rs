//! The markdown twin of a page: its content without navigation and forms. It is made from the page itself, so that it
//! says the same, and every page has one.

mod tokens;
mod write;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::Response;

pub(crate) use self::write::markdown;

/// What ends the address of a twin.
const ENDING: &str = ".md";
/// The largest page.
const MAX_PAGE: usize = 8 << 20;
const ACCEPT: HeaderValue = HeaderValue::from_static("accept");
const MEDIA: HeaderValue = HeaderValue::from_static("text/markdown; charset=utf-8");

/// Answers with the twin where the address ends in `.md` and is of nothing else, or where markdown is what the client accepts.
pub(crate) async fn twin(request: Request, next: Next) -> Response {
    let page = page_of(request.uri()).filter(|_| matches!(*request.method(), Method::GET | Method::HEAD));
    let accepts = accepts_markdown(request.headers());
    let (mut response, is_wanted) = match page {
        Some(page) => {
            let (parts, _) = request.into_parts();
            let again = Request::from_parts(parts.clone(), Body::empty());
            // What is called so itself comes first.
            let own = next.clone().run(Request::from_parts(parts, Body::empty())).await;
            match own.status() {
                StatusCode::NOT_FOUND => (next.run(at(again, page)).await, true),
                _ => (own, accepts),
            }
        }
        None => (next.run(request).await, accepts),
    };
    if !is_page(response.headers()) {
        return response;
    }
    // Another client gets something else there.
    response.headers_mut().append(header::VARY, ACCEPT);
    if is_wanted { as_markdown(response).await } else { response }
}

fn at(mut request: Request, page: Uri) -> Request {
    *request.uri_mut() = page;
    request
}

/// The address of the page whose twin this is.
fn page_of(uri: &Uri) -> Option<Uri> {
    let page = uri.path().strip_suffix(ENDING)?;
    let page = page.strip_suffix("/index").map_or_else(|| page.to_owned(), |directory| format!("{directory}/"));
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{page}{query}").parse().ok()
}

/// The address of the twin of a page of ours; of anything else, its own.
fn twin_of(link: &str) -> String {
    let end = link.find(['?', '#']).unwrap_or(link.len());
    let (path, rest) = link.split_at(end);
    let is_page = ["/docs/", "/console/"].iter().any(|start| path.starts_with(start))
        && ["/api/", "/feed."].iter().all(|part| !path.contains(part));
    match path {
        _ if !is_page => link.to_owned(),
        _ if path.ends_with('/') => format!("{path}index{ENDING}{rest}"),
        _ => format!("{path}{ENDING}{rest}"),
    }
}

fn accepts_markdown(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accept.contains("text/markdown") && !accept.contains("text/html")
}

fn is_page(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|media| media.as_bytes().starts_with(b"text/html"))
}

async fn as_markdown(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let text = match to_bytes(body, MAX_PAGE).await {
        Ok(page) => markdown(&String::from_utf8_lossy(&page)),
        Err(error) => format!("The page cannot be told in markdown: {error}\n"),
    };
    parts.headers.insert(header::CONTENT_TYPE, MEDIA);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_twin_has_the_address_of_its_page_and_an_ending() {
        for (page, twin) in [
            ("/docs/", "/docs/index.md"),
            ("/docs/doc/shop/cart?page=1", "/docs/doc/shop/cart.md?page=1"),
            ("/console/?host=a.md", "/console/index.md?host=a.md"),
        ] {
            assert_eq!(twin_of(page), twin);
            assert_eq!(page_of(&twin.parse().unwrap()).unwrap().to_string(), page);
        }
        for other in ["/docs/api/search", "/openapi/services/a/b/openapi.json", "https://a.example/docs/", "#x"] {
            assert_eq!(twin_of(other), other);
        }
        assert_eq!(page_of(&"/docs/".parse().unwrap()), None);
    }
}

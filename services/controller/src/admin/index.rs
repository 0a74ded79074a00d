//! The page at `/`: what there is to look at.

use std::fmt::Write;

use utoipa::openapi::OpenApi;

/// A list of all that can be asked for with GET, as the document describes it.
pub(super) fn page(document: &OpenApi) -> String {
    let mut page = "<!DOCTYPE html>\n<html lang=\"en\"><title>Nuncio diagnostics</title>\n\
        <h1>Nuncio diagnostics</h1>\n<dl>\n"
        .to_owned();
    let described = document.paths.paths.iter().filter_map(|(path, item)| Some((path, item.get.as_ref()?)));
    for (path, operation) in described {
        let about = operation.summary.as_deref().unwrap_or_default();
        // Writing to a string does not fail.
        let _ = writeln!(page, "<dt><a href=\"{path}\">{path}</a><dd>{about}");
    }
    let own = "/api/v1/openapi.json";
    let _ = writeln!(page, "<dt><a href=\"{own}\">{own}</a><dd>The OpenAPI document of all that.\n</dl></html>");
    page
}

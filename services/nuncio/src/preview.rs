//! `nuncio preview`: previews, and where they can be seen.

use nuncio_controller::admin::{ListQuery, PreviewView};

use crate::cli::{Format, PreviewArgs, PreviewCommand, PreviewListArgs, PreviewUrlArgs};
use crate::exit::{Failure, Outcome, print_json, print_text};
use crate::gateway::Gateway;
use crate::table;

/// Answers a question about previews.
pub(crate) fn run(args: &PreviewArgs) -> Outcome {
    match &args.command {
        PreviewCommand::List(args) => list(args),
        PreviewCommand::Url(args) => url(args),
    }
}

fn list(args: &PreviewListArgs) -> Outcome {
    let page = Gateway::open(&args.origin, &args.identity)?.previews(&ListQuery::default())?;
    if args.output == Format::Json {
        return print_json(&page);
    }
    let rows: Vec<_> = page.items.iter().flat_map(rows).collect();
    print_text(&table::render(["PREVIEW", "ACCESS", "REPLACES", "URL", "PROBLEM"], &rows));
    Ok(())
}

/// One for each URL, or for none, with the first of what is wrong.
fn rows(preview: &PreviewView) -> Vec<[String; 5]> {
    let name = format!("{}/{}", preview.id.namespace, preview.id.name);
    let replaced = preview.services.iter().map(|service| format!("{} by {}", service.baseline, service.backend));
    let replaced = replaced.collect::<Vec<_>>().join(", ");
    let wrong = preview.problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
    let row = |url: &str| [name.clone(), preview.access.clone(), replaced.clone(), url.to_owned(), wrong.clone()];
    match &preview.urls[..] {
        [] => vec![row("none")],
        urls => urls.iter().map(|url| row(&url.url)).collect(),
    }
}

fn url(args: &PreviewUrlArgs) -> Outcome {
    let (namespace, name) = match args.preview.split_once('/') {
        Some((namespace, name)) => (Some(namespace.to_owned()), name),
        None => (None, &*args.preview),
    };
    let query = ListQuery { namespace, name: Some(name.to_owned()), ..ListQuery::default() };
    let page = Gateway::open(&args.origin, &args.identity)?.previews(&query)?;
    let [preview] = &page.items[..] else {
        let what = if page.items.is_empty() { "there is no Preview" } else { "there are several Previews" };
        return Err(Failure::new(format!("{what} called {}", args.preview)));
    };
    if preview.urls.is_empty() {
        let reason = preview.problems.first().map(|problem| format!(": {}", problem.message)).unwrap_or_default();
        return Err(Failure::new(format!("{} cannot be seen anywhere{reason}", args.preview)));
    }
    preview.urls.iter().for_each(|url| print_text(&format!("{}\n", url.url)));
    Ok(())
}

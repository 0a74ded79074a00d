//! `nuncio preview`: previews, where they can be seen, and changes of them.

mod doctor;
mod keeper;
mod localhost;
mod logs;
mod mesh;
mod serve;

use std::io::Read;

use nuncio_api::{Defaults, Severity};
use nuncio_controller::time_text;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use self::keeper::Keeper;
use crate::cli::{
    Format, PreviewArgs, PreviewCommand, PreviewCreateArgs, PreviewExtendArgs, PreviewListArgs, PreviewNamedArgs,
    PreviewPlace, PreviewShareArgs,
};
use crate::exit::{Failure, Outcome, print_json, print_text};
use crate::report::words;
use crate::table;

/// The largest manifest that is read.
const MAX_BYTES: u64 = 1 << 20;

/// Does what was asked for.
pub(crate) fn run(args: &PreviewArgs) -> Outcome {
    match &args.command {
        PreviewCommand::List(args) => list(args),
        PreviewCommand::Url(args) => url(args),
        PreviewCommand::Create(args) => create(args),
        PreviewCommand::Share(args) => share(args),
        PreviewCommand::Extend(args) => extend(args),
        PreviewCommand::Logs(args) => logs::logs(args),
        PreviewCommand::Doctor(args) => doctor::doctor(args),
        PreviewCommand::Mesh(args) => mesh::mesh(args),
        PreviewCommand::Delete(args) => delete(args),
        PreviewCommand::Serve(args) => serve::run(args),
    }
}

/// What is shown of a preview.
#[derive(Debug, Deserialize)]
struct Preview {
    namespace: String,
    name: String,
    /// Whether it can be read.
    #[serde(default = "yes")]
    is_valid: bool,
    access: String,
    urls: Vec<Url>,
    services: Vec<Service>,
    expires_at: Option<u64>,
    #[serde(default)]
    has_ended: bool,
    last_request: Option<u64>,
    problems: Vec<Problem>,
}

/// What one is of which nothing else is said.
fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
struct Url {
    url: String,
}

#[derive(Debug, Deserialize)]
struct Service {
    baseline: String,
    backend: String,
    requests: Option<u64>,
    fallbacks: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Problem {
    severity: Severity,
    field: String,
    message: String,
}

impl Problem {
    /// What is wrong, with the field where it is one of the object's own.
    fn text(&self) -> String {
        if self.field.is_empty() { self.message.clone() } else { format!("{}: {}", self.field, self.message) }
    }
}

#[derive(Deserialize)]
struct Shared {
    links: Vec<Url>,
}

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Preview>,
}

fn list(args: &PreviewListArgs) -> Outcome {
    let page = Keeper::open(&args.place)?.list(None, None)?;
    if args.output == Format::Json {
        return print_json(&page);
    }
    let rows: Vec<_> = previews(page)?.iter().flat_map(rows).collect();
    print_text(&table::render(["PREVIEW", "ACCESS", "REPLACES", "ENDS", "URL", "PROBLEM"], &rows));
    Ok(())
}

/// One for each URL, or for none, with the first of what is wrong.
fn rows(preview: &Preview) -> Vec<[String; 6]> {
    let name = format!("{}/{}", preview.namespace, preview.name);
    let replaced = preview.services.iter().map(|service| format!("{} by {}", service.baseline, service.backend));
    let replaced = replaced.collect::<Vec<_>>().join(", ");
    let ends = preview.expires_at.map(time_text).unwrap_or_default();
    let wrong = preview.problems.first().map(Problem::text).unwrap_or_default();
    let row = |url: &str| {
        [name.clone(), preview.access.clone(), replaced.clone(), ends.clone(), url.to_owned(), wrong.clone()]
    };
    match &preview.urls[..] {
        [] => vec![row("none")],
        urls => urls.iter().map(|url| row(&url.url)).collect(),
    }
}

fn url(args: &PreviewNamedArgs) -> Outcome {
    print_urls(&Keeper::open(&args.place)?, &args.preview).map(|_| ())
}

fn create(args: &PreviewCreateArgs) -> Outcome {
    let text = read(&args.manifest)?;
    let (namespace, name) = named(&text, &args.manifest, &args.place)?;
    let keeper = Keeper::open(&args.place)?;
    warn(&keeper.put(&namespace, &name, &text)?);
    // Where nobody serves the directory yet, there may be no policy that says where previews are.
    let preview = print_urls(&keeper, &format!("{namespace}/{name}"))?;
    for problem in &preview.problems {
        eprintln!("{}: {}", words::severity(problem.severity), problem.text());
    }
    // It is there, and does not do what it was made for: whoever waits for the exit code is to know.
    let is_broken = preview.problems.iter().any(|problem| problem.severity == Severity::Error);
    if is_broken { Err(Failure::new(format!("{namespace}/{name} does not work as it is"))) } else { Ok(()) }
}

fn share(args: &PreviewShareArgs) -> Outcome {
    let keeper = Keeper::open(&args.named.place)?;
    let Preview { namespace, name, .. } = one(&keeper, &args.named.preview)?;
    if args.withdraw {
        return keeper.withdraw_links(&namespace, &name);
    }
    let shared: Shared = understood(keeper.share(&namespace, &name, args.ttl.as_deref())?)?;
    shared.links.iter().for_each(|link| print_text(&format!("{}\n", link.url)));
    Ok(())
}

fn extend(args: &PreviewExtendArgs) -> Outcome {
    let keeper = Keeper::open(&args.named.place)?;
    let Preview { namespace, name, .. } = one(&keeper, &args.named.preview)?;
    warn(&keeper.extend(&namespace, &name, args.ttl.map(|ttl| ttl.to_string()))?);
    let ends = one(&keeper, &format!("{namespace}/{name}"))?.expires_at;
    print_text(&ends.map_or_else(|| "it does not end\n".to_owned(), |ends| format!("{}\n", time_text(ends))));
    Ok(())
}

/// Says why something else was done than was asked for, where it was.
fn warn(why: &str) {
    if !why.is_empty() {
        eprintln!("warning: {why}");
    }
}

fn delete(args: &PreviewNamedArgs) -> Outcome {
    let keeper = Keeper::open(&args.place)?;
    // Who says the namespace says all: that there is none is no mistake, and nobody is told of one that he may not know of.
    let found = match args.preview.split_once('/') {
        Some((namespace, name)) => previews(keeper.list(Some(namespace), Some(name))?)?.into_iter().next(),
        None => Some(one(&keeper, &args.preview)?),
    };
    let called = found.as_ref().map_or_else(|| args.preview.clone(), |it| format!("{}/{}", it.namespace, it.name));
    let (namespace, name) = called.split_once('/').unwrap_or_default();
    keeper.delete(namespace, name)?;
    print_text(&format!("{}\n", deleted(&called, found.as_ref())));
    Ok(())
}

/// What has come of the deletion of one that was this before.
fn deleted(called: &str, before: Option<&Preview>) -> String {
    match before {
        None => format!("there was no {called}"),
        Some(before) if before.has_ended => format!("{called} had ended before"),
        Some(before) if !before.is_valid => format!("{called}, which was not valid, is deleted"),
        Some(_) => format!("{called} is deleted"),
    }
}

fn print_urls(keeper: &Keeper<'_>, name: &str) -> Result<Preview, Failure> {
    let preview = one(keeper, name)?;
    if preview.urls.is_empty() {
        let reason = preview.problems.first().map(|problem| format!(": {}", problem.text())).unwrap_or_default();
        return Err(Failure::new(format!("{name} cannot be seen anywhere{reason}")));
    }
    preview.urls.iter().for_each(|url| print_text(&format!("{}\n", url.url)));
    Ok(preview)
}

/// The one preview that is called so.
fn one(keeper: &Keeper<'_>, called: &str) -> Result<Preview, Failure> {
    let (namespace, name) = match called.split_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, called),
    };
    let found = previews(keeper.list(namespace, Some(name))?)?;
    <[Preview; 1]>::try_from(found).map(|[preview]| preview).map_err(|found| {
        let what = if found.is_empty() { "there is no Preview" } else { "there are several Previews" };
        Failure::new(format!("{what} called {called}"))
    })
}

fn previews(page: Value) -> Result<Vec<Preview>, Failure> {
    understood::<Page>(page).map(|page| page.items)
}

fn understood<T: DeserializeOwned>(answer: Value) -> Result<T, Failure> {
    serde_json::from_value(answer).map_err(|error| Failure::new(format!("an answer that is not understood: {error}")))
}

fn read(file: &str) -> Result<String, Failure> {
    let failed = |error: std::io::Error| Failure::usage(format!("{file}: {error}"));
    let source: Box<dyn Read> = match file {
        "-" => Box::new(std::io::stdin().lock()),
        file => Box::new(std::fs::File::open(file).map_err(failed)?),
    };
    let mut text = String::new();
    source.take(MAX_BYTES).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// The namespace and name that a manifest has.
fn named(text: &str, file: &str, place: &PreviewPlace) -> Result<(String, String), Failure> {
    let namespace = place.identity.namespace.clone().filter(|namespace| !namespace.is_empty());
    let defaults = Defaults { namespace: namespace.unwrap_or_else(|| "default".to_owned()).into(), env: None };
    let parsed = nuncio_api::parse(text.as_bytes(), &file.into(), &defaults);
    match &parsed.objects[..] {
        [only] => Ok((only.id.namespace.to_string(), only.id.name.to_string())),
        _ => {
            let problem = parsed.problems.first().map(|it| format!("{}: {}", it.location, it.problem.message));
            Err(Failure::new(problem.unwrap_or_else(|| format!("{file}: expected one Preview"))))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_said_whether_there_was_one_to_be_deleted() {
        let before = |has_ended: bool| -> Preview {
            understood(json!({"namespace": "shop", "name": "tax", "access": "Public", "urls": [], "services": [],
                "expires_at": null, "has_ended": has_ended, "last_request": null, "problems": []}))
            .unwrap_or_else(|_| panic!("it is one"))
        };
        let told = |before: Option<&Preview>| deleted("shop/tax", before);
        assert_eq!(told(None), "there was no shop/tax");
        assert_eq!(told(Some(&before(false))), "shop/tax is deleted");
        assert_eq!(told(Some(&before(true))), "shop/tax had ended before");
        let invalid = Preview { is_valid: false, ..before(false) };
        assert_eq!(told(Some(&invalid)), "shop/tax, which was not valid, is deleted");
    }
}

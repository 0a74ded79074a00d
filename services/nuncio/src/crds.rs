//! `nuncio crds`: the custom resource definitions, to apply to a cluster.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use nuncio_api::crd::{CONVERSION_PATH, Conversion, Definition, WebhookService, definitions};

use crate::exit::{Failure, Outcome, print_text};

const HELP: &str = "\
Examples:
  nuncio crds | kubectl apply --server-side -f -
  nuncio crds -o deploy/crds                       one file for each kind
  nuncio crds --conversion none                    v3alpha1 alone, for a cluster that never had an older version
  nuncio crds --only-v3alpha1                      convert what is stored as v1 or v2, and serve v3alpha1 alone";

/// What `nuncio crds` is told.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct CrdsArgs {
    /// Where to write: a file, or a directory that is there, for one file for each kind [default: standard output]
    #[arg(short, long, value_name = "FILE|DIR", value_hint = clap::ValueHint::AnyPath)]
    output: Option<PathBuf>,
    /// How the API server gets one version of an object from another
    #[arg(long, value_enum, default_value_t = Strategy::Webhook)]
    conversion: Strategy,
    /// Serve no older version; objects that are stored in one are converted all the same
    #[arg(long)]
    only_v3alpha1: bool,
    /// Namespace of the webhook's Service
    #[arg(long, value_name = "NAMESPACE", default_value_t = WebhookService::default().namespace)]
    webhook_namespace: String,
    /// Name of the webhook's Service
    #[arg(long, value_name = "NAME", default_value_t = WebhookService::default().name)]
    webhook_name: String,
    /// Port of the webhook's Service
    #[arg(long, value_name = "PORT", default_value = "443", value_parser = clap::value_parser!(u16).range(1..))]
    webhook_port: u16,
    /// Path of the webhook
    #[arg(long, value_name = "PATH", default_value = CONVERSION_PATH)]
    webhook_path: String,
}

/// How the API server gets one version of an object from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Strategy {
    /// By asking the controller
    Webhook,
    /// Not at all: there is but one
    None,
}

/// Prints the definitions, or writes them to files.
pub(crate) fn run(args: CrdsArgs) -> Outcome {
    let CrdsArgs { output, conversion, only_v3alpha1, webhook_namespace, webhook_name, webhook_port, webhook_path } =
        args;
    let service =
        WebhookService { namespace: webhook_namespace, name: webhook_name, path: webhook_path, port: webhook_port };
    let conversion = match conversion {
        Strategy::Webhook => Conversion::Webhook { service, serve_older: !only_v3alpha1 },
        Strategy::None => Conversion::None,
    };
    let definitions = definitions(&conversion);
    match output {
        None => print_text(&all(&definitions)),
        Some(path) if path.is_dir() => {
            for definition in definitions {
                write(&path.join(definition.file_name()), &definition.to_yaml())?;
            }
        }
        Some(path) => write(&path, &all(&definitions))?,
    }
    Ok(())
}

fn all(definitions: &[Definition]) -> String {
    definitions.iter().map(Definition::to_yaml).collect::<Vec<_>>().join("---\n")
}

fn write(path: &Path, text: &str) -> Outcome {
    std::fs::write(path, text).map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))
}

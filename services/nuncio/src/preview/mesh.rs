//! What a mesh is to apply of a preview.

use nuncio_controller::admin::ListQuery;
use serde_json::json;

use super::{Keeper, one};
use crate::cli::PreviewNamedArgs;
use crate::exit::{Failure, Outcome, print_json};
use crate::gateway::Gateway;

/// Prints it as a List, which `kubectl apply` takes, and on standard error what a mesh cannot be told.
pub(super) fn mesh(args: &PreviewNamedArgs) -> Outcome {
    if args.place.server.is_some() {
        return Err(Failure::usage("routes of a mesh are made of manifests, or by a gateway that is asked by --admin"));
    }
    let preview = one(&Keeper::open(&args.place)?, &args.preview)?;
    let query = ListQuery { namespace: Some(preview.namespace), name: Some(preview.name), ..ListQuery::default() };
    let found = Gateway::open(&args.place.origin(), &args.place.identity)?.preview_meshes(&query)?.items;
    let mesh =
        found.into_iter().next().ok_or_else(|| Failure::new(format!("there is no Preview called {}", args.preview)))?;
    mesh.left_out.iter().for_each(|why| eprintln!("nuncio: {why}"));
    if mesh.objects.is_empty() {
        return Err(Failure::new("there is nothing for a mesh"));
    }
    print_json(&json!({ "apiVersion": "v1", "kind": "List", "items": mesh.objects }))
}

//! `authz`: the authentication service by itself.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A check is dozens of small allocations.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match nuncio_authz::main() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

//! `ratelimit`: the rate limit service by itself, set up by the environment.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A call is a dozen of small allocations, most of which end on another thread's behalf: glibc's keeps what they held.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match nuncio_ratelimit::main() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

//! `ratelimit`: the rate limit service by itself, set up by the environment.

use std::process::ExitCode;

fn main() -> ExitCode {
    match nuncio_ratelimit::main() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

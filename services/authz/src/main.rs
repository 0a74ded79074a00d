//! `authz`: the authentication service by itself.

use std::process::ExitCode;

fn main() -> ExitCode {
    match nuncio_authz::main() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

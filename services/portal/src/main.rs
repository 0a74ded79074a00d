//! `portal`: the developer portal by itself.

use std::process::ExitCode;

fn main() -> ExitCode {
    match nuncio_portal::main() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

//! What a person sees of it.

use std::time::Duration;

use http::{Method, StatusCode};

use crate::cli::PreviewServeArgs;
use crate::exit::print_text;
use crate::report::milliseconds;

/// Prints lines.
#[derive(Clone, Debug)]
pub(super) struct Show {
    title: String,
    is_quiet: bool,
}

impl Show {
    pub(super) fn new(args: &PreviewServeArgs) -> Self {
        let service = args.service.as_ref().map(|service| format!("{service} of ")).unwrap_or_default();
        Self { title: format!("127.0.0.1:{} serves {service}{}", args.port, args.preview), is_quiet: args.quiet }
    }

    /// Requests come from now on.
    pub(super) fn connected(&self, urls: &[String], problems: &[String]) {
        print_text(&format!("Connected: {}\n", self.title));
        urls.iter().for_each(|url| print_text(&format!("  {}\n", plain(url))));
        problems.iter().for_each(|problem| print_text(&format!("  warning: {}\n", plain(problem))));
    }

    /// A request was answered. A query may hold what is nobody's business.
    pub(super) fn request(&self, method: &Method, path: &str, status: StatusCode, took: Duration, why: Option<&str>) {
        if !self.is_quiet {
            let why = why.map(|why| format!(" {why}")).unwrap_or_default();
            print_text(&format!("{method} {path} {} {}{why}\n", status.as_u16(), milliseconds(took)));
        }
    }

    /// The connection is gone, and will be made again.
    pub(super) fn lost(&self, why: &str, wait: Duration) {
        print_text(&format!("Not connected: {}; again in {}\n", plain(why), milliseconds(wait)));
    }
}

/// What somebody else wrote, as one line.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

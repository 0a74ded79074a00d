//! What a person sees of it.

use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU8};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::{Method, StatusCode};

use crate::cli::PreviewServeArgs;
use crate::exit::print_text;
use crate::report::milliseconds;

/// Prints lines.
#[derive(Clone, Debug)]
pub(super) struct Show {
    title: Arc<str>,
    is_quiet: bool,
    gateways: u8,
    live: Arc<AtomicU8>,
    /// At how many it was told last that requests come from there.
    told: Arc<AtomicU8>,
    /// How often one connection has given way to another.
    moves: Arc<AtomicU8>,
    was_connected: Arc<AtomicBool>,
    /// It was told that what is in flight is waited for.
    is_stopping: Arc<AtomicBool>,
    /// Since when nothing listens where requests are to go, where that is told.
    silence: Arc<Mutex<Option<Instant>>>,
}

/// What becomes of requests while nothing listens.
const UNTIL: &str = "requests are answered 502 until something does";
/// So often connections find their gateways by chance, and no more.
const MOVES: u8 = 6;

/// A connection by which requests come, until it is dropped.
#[derive(Debug)]
pub(super) struct Live(Arc<AtomicU8>);

impl Drop for Live {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Show {
    pub(super) fn new(args: &PreviewServeArgs) -> Self {
        let service = args.service.as_ref().map(|service| format!("{service} of ")).unwrap_or_default();
        Self {
            title: format!("127.0.0.1:{} serves {service}{}", args.port, args.preview).into(),
            is_quiet: args.quiet,
            gateways: args.gateways,
            live: Arc::default(),
            told: Arc::default(),
            moves: Arc::default(),
            was_connected: Arc::default(),
            is_stopping: Arc::default(),
            silence: Arc::default(),
        }
    }

    /// Nothing listens yet where requests are to go. Of several connections the first says it.
    pub(super) fn silent(&self, address: SocketAddr, why: &str) {
        let mut silence = self.silence();
        if silence.is_none() {
            *silence = Some(Instant::now());
            eprintln!("Nothing listens at {address} yet ({why}): {UNTIL}");
        }
    }

    /// Nothing listens there any more. It is said once, not for each request.
    pub(super) fn fell_silent(&self, address: SocketAddr, why: &str) {
        let mut silence = self.silence();
        if silence.is_none() {
            *silence = Some(Instant::now());
            print_text(&format!("Nothing listens at {address} any more ({why}): {UNTIL}\n"));
        }
    }

    /// A request that came at that time was answered from there. What had begun before nothing listened says nothing of now.
    pub(super) fn answers(&self, address: SocketAddr, began: Instant) {
        let mut silence = self.silence();
        if silence.take_if(|since| *since <= began).is_some() {
            print_text(&format!("Something listens at {address} now\n"));
        }
    }

    fn silence(&self) -> MutexGuard<'_, Option<Instant>> {
        self.silence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests come from now on.
    pub(super) fn connected(&self, urls: &[String], problems: &[String]) -> Live {
        let live = self.live.fetch_add(1, Relaxed) + 1;
        let which =
            if self.gateways == 1 { String::new() } else { format!(" to {live} of {} gateways", self.gateways) };
        // One that gave way and came again is no news.
        if self.told.fetch_max(live, Relaxed) < live {
            print_text(&format!("Connected{which}: {}\n", self.title));
        }
        if live == 1 {
            urls.iter().for_each(|url| print_text(&format!("  {}\n", plain(url))));
            problems.iter().for_each(|problem| print_text(&format!("  warning: {}\n", plain(problem))));
        }
        self.was_connected.store(true, Relaxed);
        Live(Arc::clone(&self.live))
    }

    /// Whether requests ever came.
    pub(super) fn was_connected(&self) -> bool {
        self.was_connected.load(Relaxed)
    }

    /// A request was answered. A query may hold what is nobody's business.
    pub(super) fn request(&self, method: &Method, path: &str, status: StatusCode, took: Duration, why: Option<&str>) {
        if !self.is_quiet {
            let why = why.map(|why| format!(" {why}")).unwrap_or_default();
            print_text(&format!("{method} {path} {} {}{why}\n", status.as_u16(), milliseconds(took)));
        }
    }

    /// A connection came out at a gateway that has another already, which gives way.
    pub(super) fn moved(&self) {
        let moves = self.moves.fetch_add(u8::from(self.moves.load(Relaxed) < u8::MAX), Relaxed).saturating_add(1);
        if moves == MOVES {
            let told = format!(
                "warning: fewer than {} gateways seem to be behind this address, or it leads this machine to the same again and \
                 again: --gateways says how many there are\n",
                self.gateways
            );
            print_text(&told);
        }
    }

    /// It was told to stop, and a request is not over. It is said once, not for each.
    pub(super) fn stopping(&self, limit: Duration) {
        if !self.is_stopping.swap(true, Relaxed) {
            let seconds = limit.as_millis().div_ceil(1000);
            print_text(&format!("Stopping: what is in flight has {seconds} s to finish\n"));
        }
    }

    /// The connection is gone, and will be made again.
    pub(super) fn lost(&self, why: &str, wait: Duration) {
        self.told.store(0, Relaxed);
        print_text(&format!("Not connected: {}; again in {}\n", plain(why), milliseconds(wait)));
    }
}

/// What somebody else wrote, as one line.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

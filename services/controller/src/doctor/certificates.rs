//! How long the certificates hold that are shown or trusted.

use std::time::{Duration, SystemTime};

use nuncio_ir::SecretValue;
use x509_parser::pem::Pem;

use super::Check;
use crate::offline::Offline;

const SECTION: &str = "Certificates";

/// A certificate that ends sooner should have been renewed.
const SOON: Duration = Duration::from_secs(14 * DAY);
const DAY: u64 = 24 * 3600;

/// Looks at every certificate that the objects put in use.
#[must_use]
pub fn certificates(offline: &Offline) -> Vec<Check> {
    let now = SystemTime::now();
    let (mut checks, mut good) = (Vec::new(), 0);
    for (name, value) in offline.secrets() {
        let (pem, what) = match value {
            SecretValue::Certificate { chain, .. } => (chain, "certificate"),
            SecretValue::Validation { ca, .. } => (ca, "authorities"),
        };
        // What the gateway makes for itself lasts as long as it runs.
        if name.starts_with("nuncio/") || pem.0.is_empty() {
            continue;
        }
        match ends(&pem.0) {
            Some(end) if end > now + SOON => good += 1,
            end => checks.push(ending(name, what, end, now)),
        }
    }
    if checks.is_empty() {
        let found = if good == 0 { "none is in use".to_owned() } else { format!("{good} in use") };
        checks.push(
            Check::ok(SECTION, format!("certificates hold for {} days at least", SOON.as_secs() / DAY)).with(found),
        );
    }
    checks
}

/// A certificate that has ended, or will soon.
fn ending(name: &str, what: &str, end: Option<SystemTime>, now: SystemTime) -> Check {
    let secret = name.split('#').next().unwrap_or(name);
    let check = format!("the {what} in the Secret {secret} hold{}", if what == "certificate" { "s" } else { "" });
    let hint = "renew it: whoever writes the Secret (cert-manager, an ACME client) seems to have stopped; a new one is shown at once";
    match end {
        None => Check::skipped(SECTION, check, "the end of it cannot be read"),
        Some(end) => match end.duration_since(now) {
            Ok(left) => Check::warning(SECTION, check, format!("{} days are left", left.as_secs() / DAY), hint),
            Err(past) => {
                let since = format!("it ended {} days ago", past.duration().as_secs() / DAY);
                Check::failed(SECTION, check, since, hint)
            }
        },
    }
}

/// When the first of some certificates ends.
pub(super) fn ends(pem: &str) -> Option<SystemTime> {
    let blocks = Pem::iter_from_buffer(pem.as_bytes()).filter_map(Result::ok);
    let ends = blocks.filter_map(|block| {
        let seconds = block.parse_x509().ok()?.validity().not_after.timestamp();
        Some(SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).ok()?))
    });
    ends.min()
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;
    use crate::webhook::Credentials;

    #[test]
    fn the_end_of_a_certificate_is_found() {
        let now = SystemTime::now();
        let made = Credentials::make(&["a.example".to_owned()], now).unwrap();
        let chain = format!("{}{}", made.authority.0.chain, made.serving.0.chain);
        assert_eq!(ends(&chain), Some(made.serving.0.not_after));
        assert_eq!(ends("nonsense"), None);
        let outcome =
            |days: u64| ending("shop/tls", "certificate", Some(now + Duration::from_secs(days * DAY)), now).outcome;
        assert_eq!(outcome(3), Outcome::Warning);
        let ended = ending("shop/tls#ca", "authorities", Some(now - Duration::from_secs(3 * DAY)), now);
        assert_eq!(
            (ended.outcome, ended.check.as_str()),
            (Outcome::Failed, "the authorities in the Secret shop/tls hold")
        );
        assert_eq!(ended.found, ["it ended 3 days ago"]);
    }
}

//! What stays of a tunnel: a line when it begins, and one when it ends. Never a credential.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use nuncio_telemetry::AuditLog;
use serde_json::{Value, json};

use super::Place;
use crate::admin::Caller;
use crate::clock;

/// Of one connection.
#[derive(Debug)]
pub(super) struct Record {
    log: Option<Arc<AuditLog>>,
    said: Value,
    begun: Instant,
    /// Why it ends.
    reason: String,
    /// Requests that went down it.
    pub(super) requests: Arc<AtomicU64>,
}

impl Record {
    /// Of one that has begun just now, at this gateway.
    pub(super) fn begin(log: Option<Arc<AuditLog>>, place: &Place, by: Option<&Caller>, gateway: &str) -> Self {
        // The operator has no name: he is on the machine.
        let who = by.map_or(("", ""), |by| (&*by.subject, &*by.issuer));
        let preview = format!("{}/{}", place.id.namespace, place.id.name);
        let said = json!({ "subject": who.0, "issuer": who.1, "preview": preview,
            "service": place.service.to_string(), "gateway": gateway });
        // Nobody says why where all ends at once.
        let reason = "the gateway has ended".to_owned();
        let record = Self { log, said, begun: Instant::now(), reason, requests: Arc::default() };
        record.write(json!({ "event": "tunnel_opened" }));
        record
    }

    /// It is over, for this reason.
    pub(super) fn end(mut self, reason: &str) {
        reason.clone_into(&mut self.reason);
    }

    fn write(&self, what: Value) {
        let Some(log) = &self.log else { return };
        let mut line = json!({ "time": clock::now() });
        for fields in [what, self.said.clone()] {
            if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), fields) {
                line.extend(fields);
            }
        }
        log.write(&line.to_string());
    }
}

/// However it ends, that is written.
impl Drop for Record {
    fn drop(&mut self) {
        let seconds = (self.begun.elapsed().as_secs_f64() * 1_000.0).round() / 1_000.0;
        let requests = self.requests.load(Ordering::Relaxed);
        self.write(
            json!({ "event": "tunnel_closed", "seconds": seconds, "requests": requests, "reason": self.reason }),
        );
    }
}

#[cfg(test)]
mod tests {
    use nuncio_api::{Kind, ObjectId};

    use super::*;

    #[test]
    fn what_ends_with_the_gateway_is_on_record_too() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let log = Arc::new(AuditLog::open(file.path()).unwrap());
        let place = Place { id: ObjectId::new(Kind::Preview, "shop", "tax"), service: "cart".parse().unwrap() };
        let ann = Caller { subject: "ann\n".into(), issuer: "https://idp".into(), ..Caller::default() };
        let begin = |by: Option<&Caller>| Record::begin(Some(Arc::clone(&log)), &place, by, "edge-1");
        begin(Some(&ann)).end("it left");
        drop(begin(None));
        let text = std::fs::read_to_string(file.path()).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let told = |line: &Value| {
            [&line["event"], &line["subject"], &line["reason"]].map(|it| it.as_str().unwrap_or("").to_owned())
        };
        let told: Vec<_> = lines.iter().map(told).collect();
        assert_eq!(told[..2], [["tunnel_opened", "ann\n", ""], ["tunnel_closed", "ann\n", "it left"]]);
        assert_eq!(told[2..], [["tunnel_opened", "", ""], ["tunnel_closed", "", "the gateway has ended"]]);
        assert_eq!(
            (&lines[1]["gateway"], &lines[1]["preview"], &lines[1]["requests"]),
            (&json!("edge-1"), &json!("shop/tax"), &json!(0))
        );
    }
}

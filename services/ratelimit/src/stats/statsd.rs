//! Counters to statsd over TCP, as the original sends them, or to `DogStatsD` over UDP.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UdpSocket};

use super::mogrify::{Mogrifier, mogrify};
use super::registry::Registry;
use super::timing::{Taken, Timing};
use crate::aside::aside;

/// How long a flush may take, with connecting.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);
/// What one datagram carries: what fits an Ethernet frame.
const DATAGRAM: usize = 1432;

/// Where to send.
#[derive(Clone, Debug)]
pub struct StatsdTarget {
    /// Host and port.
    pub address: String,
    /// UDP with tags in the manner of `DogStatsD`, instead of TCP with tags in names.
    pub dog: bool,
    /// Tags for every line.
    pub tags: Vec<(String, String)>,
    /// Make names and tags, with `dog`.
    pub mogrifiers: Vec<Mogrifier>,
}

/// Sends what has changed since it was last asked to.
#[derive(Debug)]
pub struct Sink {
    target: StatsdTarget,
    sent: HashMap<String, u64>,
    stream: Option<TcpStream>,
}

impl Sink {
    /// A sink that has sent nothing.
    pub fn new(target: StatsdTarget) -> Self {
        Self { target, sent: HashMap::new(), stream: None }
    }

    /// Sends every `interval` until cancelled, and then once more.
    pub async fn run(mut self, registry: Arc<Registry>, interval: Duration, stop: tokio_util::sync::CancellationToken) {
        loop {
            let stopping = tokio::select! {
                () = stop.cancelled() => true,
                () = tokio::time::sleep(interval) => false,
            };
            match tokio::time::timeout(FLUSH_TIMEOUT, self.flush(&registry)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!("cannot send metrics to {}: {error}", self.target.address),
                Err(_) => {
                    self.stream = None;
                    tracing::debug!("cannot send metrics to {}: timed out", self.target.address);
                }
            }
            if stopping {
                return;
            }
        }
    }

    /// Sends what has changed. What could not be sent is part of the next.
    async fn flush(&mut self, registry: &Arc<Registry>) -> std::io::Result<()> {
        let counted = registry.clone();
        let counters = aside(move || counted.counters()).await;
        // Names that gave way begin anew when they come back.
        self.sent.retain(|name, sent| counters.get(name).is_some_and(|counted| counted >= sent));
        let changed: Vec<(String, u64)> = counters
            .into_iter()
            .filter(|(name, value)| *value != self.sent.get(name).copied().unwrap_or_default())
            .collect();
        let mut lines: Vec<String> = changed
            .iter()
            .map(|(name, value)| {
                self.line(name, &format!("{}|c", value - self.sent.get(name).copied().unwrap_or_default()))
            })
            .collect();
        lines.extend(registry.service.methods().flat_map(|(method, timing)| self.timers(method, timing)));
        if lines.is_empty() {
            return Ok(());
        }
        if self.target.dog {
            self.send_datagrams(&lines).await?;
        } else {
            self.send_stream(&lines).await?;
        }
        self.sent.extend(changed);
        Ok(())
    }

    /// A timer for each call in whole milliseconds, as the original sends them; of many for some, with their share.
    fn timers(&self, method: &str, timing: &Timing) -> Vec<String> {
        let Taken { calls, sample } = timing.take();
        let share = sample.len() as f64 / calls as f64;
        let share = if share < 1.0 { format!("|@{share:.6}") } else { String::new() };
        let name = format!("ratelimit_server.{method}.response_time");
        let line = |millis: &u32| self.line(&name, &format!("{millis}|ms{share}"));
        sample.iter().map(line).collect()
    }

    fn line(&self, name: &str, value: &str) -> String {
        if self.target.dog { self.dog_line(name, value) } else { self.plain_line(name, value) }
    }

    fn plain_line(&self, name: &str, value: &str) -> String {
        let mut line = String::from(name);
        for (key, value) in &self.target.tags {
            line.push_str(&format!(".__{key}={value}"));
        }
        line.push_str(&format!(":{value}\n"));
        line
    }

    fn dog_line(&self, name: &str, value: &str) -> String {
        let (name, tags) = mogrify(&self.target.mogrifiers, name);
        let tags: Vec<_> = self.target.tags.iter().chain(&tags).map(|(key, value)| format!("{key}:{value}")).collect();
        let separator = if tags.is_empty() { "" } else { "|#" };
        format!("{name}:{value}{separator}{}\n", tags.join(","))
    }

    async fn send_stream(&mut self, lines: &[String]) -> std::io::Result<()> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => TcpStream::connect(&self.target.address).await?,
        };
        stream.write_all(lines.concat().as_bytes()).await?;
        self.stream = Some(stream);
        Ok(())
    }

    async fn send_datagrams(&self, lines: &[String]) -> std::io::Result<()> {
        let found = tokio::net::lookup_host(&self.target.address).await?;
        let target = preferred(&found.collect::<Vec<_>>()).ok_or(std::io::ErrorKind::NotFound)?;
        let any = if target.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind(SocketAddr::new(any, 0)).await?;
        let mut datagram = String::new();
        for line in lines {
            if !datagram.is_empty() && datagram.len() + line.len() > DATAGRAM {
                socket.send_to(datagram.as_bytes(), target).await?;
                datagram.clear();
            }
            datagram.push_str(line);
        }
        socket.send_to(datagram.as_bytes(), target).await.map(drop)
    }
}

/// The address of a name to send datagrams to: of both families IPv4, as clients of Go do. Nobody says that none listens.
fn preferred(addresses: &[SocketAddr]) -> Option<SocketAddr> {
    addresses.iter().copied().find(SocketAddr::is_ipv4).or_else(|| addresses.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sink(dog: bool) -> Sink {
        let pattern = r"^ratelimit\.service\.rate_limit\.(.*)\.(.*)\.(.*)$";
        let tags = vec![("key".to_owned(), "$2".to_owned())];
        let mogrifiers = vec![Mogrifier::new(pattern, "rate_limit.$3", tags).unwrap()];
        let tags = vec![("env".to_owned(), "test".to_owned())];
        Sink::new(StatsdTarget { address: String::new(), dog, tags, mogrifiers })
    }

    #[test]
    fn each_call_has_a_timer_while_there_are_few() {
        let (sink, timing) = (sink(true), Timing::default());
        let record = |calls: u64| (0..calls).for_each(|call| timing.record(Duration::from_millis(call)));
        record(2);
        let lines = ["0", "1"].map(|ms| format!("ratelimit_server.ShouldRateLimit.response_time:{ms}|ms|#env:test\n"));
        assert_eq!(sink.timers("ShouldRateLimit", &timing), lines);
        assert_eq!(sink.timers("ShouldRateLimit", &timing), [""; 0]);
        record(4_000);
        let lines = sink.timers("ShouldRateLimit", &timing);
        assert!(
            lines.len() == 1_000 && lines.iter().all(|line| line.ends_with("|ms|@0.250000|#env:test\n")),
            "{lines:?}"
        );
    }

    #[test]
    fn datagrams_go_to_where_those_of_go_would() {
        let parse = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let both = parse(&["[::1]:8125", "127.0.0.1:8125"]);
        assert_eq!(preferred(&both), Some(both[1]));
        assert_eq!(preferred(&both[..1]), Some(both[0]));
        assert_eq!(preferred(&[]), None);
    }

    #[test]
    fn dogs_have_tags_beside_names() {
        let line = |dog| sink(dog).line("ratelimit.service.rate_limit.d.k_v.total_hits", "3|c");
        assert_eq!(line(true), "rate_limit.total_hits:3|c|#env:test,key:k_v\n");
        assert_eq!(line(false), "ratelimit.service.rate_limit.d.k_v.total_hits.__env=test:3|c\n");
    }
}

//! The other gateways of the same objects. Each sees its own requests alone, so whoever is asked asks them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use form_urlencoded::Serializer;
use futures_util::future::join_all;
use http::Method;
use nuncio_telemetry::SharedToken;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::admin::{AdminClient, AdminError, AdminReply, PlacedCallView, WatchView, WatchedPreview, peer_token};
use crate::run::Config;

/// How long is waited for whoever is asked, and for what a name stands for: one that is silent is not to hold what the others tell.
const PATIENCE: Duration = Duration::from_secs(2);

/// What one answers, or why it does not.
pub(super) type Told<T> = Result<T, String>;

/// Where others are found.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    /// Addresses of diagnostics. A name stands for all of its addresses, this gateway's among them.
    names: Vec<String>,
    token: Option<SharedToken>,
    /// What this gateway calls itself: by it one that asks itself notices, and one that asks another at two addresses.
    own: String,
    /// There may be some that nobody has named.
    may_be_more: bool,
}

/// What others have seen of a request.
#[derive(Debug, Default)]
pub(super) struct Others {
    pub(super) calls: Vec<PlacedCallView>,
    /// How many have told.
    pub(super) gateways: usize,
    /// Who has not, and why.
    pub(super) missed: Vec<String>,
}

/// Others that watch for a request.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// And what each calls itself: one that has several addresses is one.
    watchers: BTreeMap<SocketAddr, String>,
    missed: Vec<String>,
}

impl Peers {
    pub(super) fn of(config: &Config) -> Self {
        let token = config.admin_tokens.iter().find(|token| matches!(token, SharedToken::File(_)));
        Self {
            names: config.peers.clone(),
            token: token.cloned(),
            own: format!("{:032x}", fastrand::u128(..)),
            // Of replicas that read a cluster nobody knows how many there are.
            may_be_more: config.peers.is_empty() && config.manifests.directory().is_none(),
        }
    }

    /// What this gateway calls itself.
    pub(super) fn own(&self) -> &str {
        &self.own
    }

    /// Whether who asks, or answers, is this gateway.
    pub(super) fn is_own(&self, by: &str) -> bool {
        self.own == by
    }

    /// Has others write down what they see of a request.
    pub(super) async fn watch(&self, wanted: &WatchedPreview) -> Watch {
        let mut watch = Watch::default();
        if self.may_be_more {
            watch.missed.push("others that read this cluster, if there are any (--peers)".to_owned());
        }
        let (addresses, unknown) = self.addresses().await;
        watch.missed.extend(unknown);
        let path = self.path("/api/v1/preview-watch", wanted);
        for (address, told) in self.all(addresses, &path).await {
            match told {
                Ok(WatchView { gateway }) if self.is_own(&gateway) => {}
                Ok(WatchView { gateway }) => drop(watch.watchers.insert(address, gateway)),
                Err(why) => watch.missed.push(why),
            }
        }
        watch
    }

    /// What they have seen.
    pub(super) async fn watched(&self, watch: Watch, wanted: &WatchedPreview) -> Others {
        let Watch { watchers, missed } = watch;
        let mut others = Others { missed, ..Others::default() };
        let path = self.path("/api/v1/preview-watched", wanted);
        let (mut heard, mut silent) = (BTreeSet::<&String>::new(), Vec::new());
        for (address, told) in self.all::<Vec<PlacedCallView>>(watchers.keys().copied().collect(), &path).await {
            match (told, watchers.get(&address)) {
                (Ok(calls), gateway) => {
                    others.calls.extend(calls);
                    heard.extend(gateway);
                }
                (Err(why), gateway) => silent.push((gateway, why)),
            }
        }
        others.gateways = heard.len();
        // One that has several addresses tells at one of them, which may be any: somebody else may call himself like it at another.
        let missed = silent.into_iter().filter(|(gateway, _)| gateway.is_none_or(|gateway| !heard.contains(gateway)));
        others.missed.extend(missed.map(|(_, why)| why));
        others
    }

    fn path(&self, path: &str, WatchedPreview { by: _, namespace, name, trace }: &WatchedPreview) -> String {
        self.asking(path, &[("namespace", namespace.as_str()), ("name", name.as_str()), ("trace", trace.as_str())])
    }

    /// A path with its query, and who asks.
    pub(super) fn asking(&self, path: &str, query: &[(&str, &str)]) -> String {
        let path = format!("{path}?");
        let begin = path.len();
        let mut all = Serializer::for_suffix(path, begin);
        all.append_pair("by", &self.own).extend_pairs(query).finish()
    }

    /// Whether there is anybody to ask.
    pub(super) fn are_named(&self) -> bool {
        !self.names.is_empty()
    }

    /// Where they are at the moment, and which names are nobody's.
    pub(super) async fn addresses(&self) -> (BTreeSet<SocketAddr>, Vec<String>) {
        let (mut found, mut unknown) = (BTreeSet::new(), Vec::new());
        let names = self.names.iter().map(|name| in_time(name, looked_up(name)));
        for told in join_all(names).await {
            match told {
                Ok(addresses) => found.extend(addresses),
                Err(why) => unknown.push(why),
            }
        }
        (found, unknown)
    }

    async fn all<T: DeserializeOwned>(
        &self,
        addresses: BTreeSet<SocketAddr>,
        path: &str,
    ) -> Vec<(SocketAddr, Told<T>)> {
        let asked =
            addresses.into_iter().map(|address| async move { (address, self.ask(address, Method::POST, path).await) });
        join_all(asked).await
    }

    pub(super) async fn ask<T: DeserializeOwned>(&self, address: SocketAddr, method: Method, path: &str) -> Told<T> {
        let token = self.token.as_ref().map(SharedToken::shown).transpose();
        let token = token.map_err(|why| format!("{address}: {why}"))?;
        // Nobody knows who answers there: the token itself would open all of diagnostics.
        let shown = token.map(|token| SharedToken::Own(peer_token(&token).into()));
        let client = AdminClient::tcp(address.to_string()).bearing(shown);
        let told = async { understood(client.exchange(method, path).await).map_err(|why| format!("{address}: {why}")) };
        in_time(&address.to_string(), told).await
    }
}

async fn looked_up(name: &str) -> Told<Vec<SocketAddr>> {
    let found = tokio::net::lookup_host(name).await.map_err(|error| format!("{name}: {error}"))?;
    Ok(found.collect())
}

async fn in_time<T>(who: &str, telling: impl Future<Output = Told<T>>) -> Told<T> {
    let late = |_| Err(format!("{who}: no answer within {} s", PATIENCE.as_secs()));
    timeout(PATIENCE, telling).await.unwrap_or_else(late)
}

fn understood<T: DeserializeOwned>(reply: Result<AdminReply, AdminError>) -> Told<T> {
    let reply = reply.map_err(|error| error.to_string())?;
    if !reply.status.is_success() {
        return Err(reply.why());
    }
    serde_json::from_slice(&reply.body).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const TOKEN: &str = "0123456789abcdef-of-the-gateways";

    fn peers(names: &[&str], may_be_more: bool) -> Peers {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        Peers { names, token: Some(SharedToken::Own(TOKEN.into())), own: "me".into(), may_be_more }
    }

    fn wanted() -> WatchedPreview {
        WatchedPreview { by: String::new(), namespace: "a b".into(), name: "c&d".into(), trace: "0".repeat(32) }
    }

    #[test]
    fn who_asks_is_told_and_names_stay_whole() {
        let path = peers(&[], false).path("/x", &wanted());
        assert_eq!(path, format!("/x?by=me&namespace=a+b&name=c%26d&trace={}", "0".repeat(32)));
    }

    /// Somebody who answers once that he watches, and calls himself this.
    async fn watcher(gateway: &str) -> String {
        answering([json!({"gateway": gateway})]).await
    }

    /// Somebody who gives these answers, and is gone then.
    async fn answering<const N: usize>(answers: [Value; N]) -> String {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            for body in answers.map(|answer| answer.to_string()) {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut asked = Vec::new();
                while !asked.ends_with(b"\r\n\r\n") {
                    asked.push(stream.read_u8().await.unwrap());
                }
                // He may be a stranger. Who fails here answers nothing, and is missed.
                let asked = String::from_utf8(asked).unwrap();
                assert!(asked.contains(&peer_token(TOKEN)) && !asked.contains(TOKEN), "{asked}");
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                stream.write_all((head + &body).as_bytes()).await.unwrap();
            }
        });
        address
    }

    #[tokio::test]
    async fn who_has_two_addresses_is_one_and_who_asks_himself_is_none() {
        let [own, one, again, other] =
            [watcher("me").await, watcher("one").await, watcher("one").await, watcher("two").await];
        let watch = peers(&[&own, &one, &again, &other], false).watch(&wanted()).await;
        assert!(watch.missed.is_empty(), "{watch:?}");
        let watchers: BTreeSet<_> = watch.watchers.keys().map(ToString::to_string).collect();
        assert_eq!(watchers, BTreeSet::from([one, again, other]), "{watch:?}");
        assert_eq!(watch.watchers.values().collect::<BTreeSet<_>>().len(), 2, "{watch:?}");
    }

    #[tokio::test]
    async fn who_calls_himself_like_another_does_not_hide_him() {
        let (name, calls) = (json!({"gateway": "one"}), |path: &str| {
            json!([{"from": "a", "host": "b", "path": path, "service": "c", "carried": true, "served_by": "preview",
                "status": 200, "service_at": null}])
        });
        let all = [
            answering([name.clone(), calls("/lie")]).await,
            answering([name.clone(), calls("/seen")]).await,
            // He does not tell at this address.
            answering([name]).await,
            answering([json!({"gateway": "two"})]).await,
        ];
        let peers = peers(&all.each_ref().map(String::as_str), false);
        let watch = peers.watch(&wanted()).await;
        assert!(watch.watchers.len() == 4 && watch.missed.is_empty(), "{watch:?}");
        let others = peers.watched(watch, &wanted()).await;
        let paths: BTreeSet<_> = others.calls.iter().map(|told| told.call.path.as_str()).collect();
        assert_eq!((paths, others.gateways), (BTreeSet::from(["/lie", "/seen"]), 1), "{others:?}");
        assert!(others.missed.len() == 1 && others.missed[0].starts_with(&all[3]), "{others:?}");
    }

    #[tokio::test]
    async fn who_is_silent_is_not_waited_for_long() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let silent = address.to_string();
        let peers = peers(&[&silent], false);
        let wanted = wanted();
        let (watch, told) = tokio::join!(
            peers.watch(&wanted),
            peers.ask::<WatchView>(address, Method::GET, "/api/v1/preview-sightings")
        );
        let why = format!("{silent}: no answer within 2 s");
        assert_eq!((watch.missed, told.err()), (vec![why.clone()], Some(why)));
    }

    #[tokio::test]
    async fn who_cannot_be_asked_is_missed() {
        assert_eq!(peers(&[], false).watch(&wanted()).await.missed, Vec::<String>::new());
        assert!(peers(&[], true).watch(&wanted()).await.missed[0].contains("--peers"));
        // Nobody listens there, and nobody has that name.
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let closed = listener.local_addr().unwrap().to_string();
        drop(listener);
        let both = peers(&[&closed, "no port"], false);
        let watch = both.watch(&wanted()).await;
        assert!(watch.watchers.is_empty() && watch.missed.len() == 2, "{watch:?}");
        assert!(watch.missed[0].starts_with("no port: ") && watch.missed[1].starts_with(&closed), "{watch:?}");
        let others = both.watched(watch, &wanted()).await;
        assert_eq!((others.gateways, others.missed.len()), (0, 2));
    }
}

//! Connections that are passed on to where a test says, and cut when it says so.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

/// A port that leads elsewhere: to each of its ends in turn.
#[derive(Debug)]
pub(crate) struct Wire {
    address: SocketAddr,
    ends: Arc<Mutex<Vec<SocketAddr>>>,
    cuts: watch::Sender<()>,
    _task: AbortOnDropHandle<()>,
}

impl Wire {
    /// One at this address.
    pub(crate) async fn at(address: SocketAddr, ends: &[SocketAddr]) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ends, cuts) = (Arc::new(Mutex::new(ends.to_vec())), watch::Sender::new(()));
        let task = tokio::spawn(pass_on(listener, Arc::clone(&ends), cuts.subscribe()));
        Self { address, ends, cuts, _task: AbortOnDropHandle::new(task) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where new connections lead from now on. With no ends they are closed at once.
    pub(crate) fn lead_to(&self, ends: &[SocketAddr]) {
        *self.ends.lock().unwrap() = ends.to_vec();
    }

    /// Cuts what is open.
    pub(crate) fn cut(&self) {
        self.cuts.send_replace(());
    }
}

async fn pass_on(listener: TcpListener, ends: Arc<Mutex<Vec<SocketAddr>>>, cuts: watch::Receiver<()>) {
    let mut connections = JoinSet::new();
    let mut turn = 0_usize;
    while let Ok((mut near, _)) = listener.accept().await {
        let end = {
            let ends = ends.lock().unwrap();
            turn += 1;
            ends.get(turn % ends.len().max(1)).copied()
        };
        let mut cuts = cuts.clone();
        cuts.mark_unchanged();
        connections.spawn(async move {
            let Some(end) = end else { return };
            let Ok(mut far) = TcpStream::connect(end).await else { return };
            let _ = near.set_nodelay(true).and_then(|()| far.set_nodelay(true));
            tokio::select! {
                _ = copy_bidirectional(&mut near, &mut far) => {}
                _ = cuts.changed() => {}
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

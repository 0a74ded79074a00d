//! Listeners.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::unix::fs::FileTypeExt;

use axum::Router;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 4_096;

/// Listens at `host:port` or `:port`, and says whether another process does so too (`SO_REUSEPORT`, as the original).
pub(crate) fn bind(address: &str) -> std::io::Result<(TcpListener, bool)> {
    let is_taken = is_taken(address);
    let (socket, address) = socket_for(address)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok((TcpListener::from_std(socket.into())?, is_taken))
}

/// Whether somebody listens there. Only who listens there too knows that he may.
fn is_taken(address: &str) -> bool {
    let taken = socket_for(address).and_then(|(socket, address)| socket.bind(&address.into()));
    taken.is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
}

fn socket_for(address: &str) -> std::io::Result<(Socket, SocketAddr)> {
    let everywhere;
    let address = if address.starts_with(':') {
        everywhere = format!("0.0.0.0{address}");
        &everywhere
    } else {
        address
    };
    let address = address.to_socket_addrs()?.next().ok_or(std::io::ErrorKind::AddrNotAvailable)?;
    let (socket, address) = socket(address)?;
    socket.set_reuse_address(true)?;
    Ok((socket, address))
}

/// A socket to listen with, and where: of all addresses, those of both families, as the original, which is written in Go.
fn socket(address: SocketAddr) -> std::io::Result<(Socket, SocketAddr)> {
    let of = |address| Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP));
    if !address.ip().is_unspecified() {
        return Ok((of(address)?, address));
    }
    let [both, old] = [Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()]
        .map(|any: IpAddr| SocketAddr::new(any, address.port()));
    match of(both) {
        Ok(socket) => socket.set_only_v6(false).map(|()| (socket, both)),
        // A kernel without IPv6.
        Err(_) => Ok((of(old)?, old)),
    }
}

/// Listens at a path. A socket that is left there is replaced; any other file is not.
pub(crate) fn bind_unix(path: &str) -> std::io::Result<UnixListener> {
    if std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket()) {
        std::fs::remove_file(path)?;
    }
    UnixListener::bind(path)
}

/// Serves HTTP until stopped.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::error!("an HTTP server ended: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_addresses_are_those_of_both_families() {
        let reaches = async |listener: &TcpListener, host: &str| {
            let port = listener.local_addr().unwrap().port();
            tokio::net::TcpStream::connect((host, port)).await.is_ok()
        };
        // A machine may have no IPv6.
        let both = std::net::TcpListener::bind(("::1", 0)).is_ok();
        for everywhere in [":0", "0.0.0.0:0", "[::]:0"] {
            let (listener, _) = bind(everywhere).unwrap();
            assert!(reaches(&listener, "127.0.0.1").await, "{everywhere}");
            assert_eq!(reaches(&listener, "::1").await, both, "{everywhere}");
        }
        let (listener, _) = bind("127.0.0.1:0").unwrap();
        assert!(reaches(&listener, "127.0.0.1").await && !reaches(&listener, "::1").await);
    }

    #[tokio::test]
    async fn whoever_listens_there_too_is_noticed() {
        let (listener, shared) = bind("127.0.0.1:0").unwrap();
        assert!(!shared);
        let address = listener.local_addr().unwrap().to_string();
        let (other, shared) = bind(&address).unwrap();
        assert!(shared);
        drop((listener, other));
        let alone = std::net::TcpListener::bind(&address).unwrap();
        assert_eq!(bind(&address).unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
        drop(alone);
        assert!(!bind(&address).unwrap().1);
    }
}

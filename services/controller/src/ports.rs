//! Whether an address can be listened on.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// Fails with the reason if an address is in use, or is not one of this machine's.
///
/// A socket without `SO_REUSEPORT` cannot be bound beside one that has it (socket(7)): an Envoy of the same user is found, too.
/// Nothing listens meanwhile, so that nobody connects in vain. Other errors are left to Envoy, which may be allowed to do
/// what we are not (ports below 1024).
///
/// # Errors
/// With the reason, in words.
pub fn probe(address: SocketAddr) -> Result<(), String> {
    match bind(address).map_err(|error| error.kind()) {
        Err(io::ErrorKind::AddrInUse) => Err("the address is already in use".to_owned()),
        Err(io::ErrorKind::AddrNotAvailable) => Err("this machine does not have the address".to_owned()),
        _ => Ok(()),
    }
}

fn bind(address: SocketAddr) -> io::Result<()> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // What is left of ended connections is in nobody's way; who listens is.
    socket.set_reuseaddr(true)?;
    socket.bind(address)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::probe;

    #[test]
    fn who_listens_is_found() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        assert_eq!(probe(address).unwrap_err(), "the address is already in use");
        assert!(probe(([0, 0, 0, 0], address.port()).into()).is_err(), "of all addresses it is one");
        drop(socket);
        probe(address).unwrap();
        assert_eq!(probe("192.0.2.1:9".parse().unwrap()).unwrap_err(), "this machine does not have the address");
    }
}

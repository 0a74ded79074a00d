//! Whether the ports that Envoy is to have are free.

use std::io;
use std::net::TcpListener;

use nuncio_controller::ServedListener;

/// Fails if one of the addresses is in use, or is not one of this machine's, saying which.
///
/// Envoy would not tell the first: it binds with `SO_REUSEPORT`, so that each of its threads has a socket of its own, and
/// a second Envoy of the same user then silently gets a share of the first one's connections. A socket without that option
/// cannot be bound beside one that has it (socket(7)). To be called before our own Envoy is started.
///
/// Other errors are left to Envoy, which may be allowed to do what we are not (ports below 1024).
pub(crate) fn require_free(listeners: &[ServedListener]) -> Result<(), String> {
    for ServedListener { address, .. } in listeners {
        let reason = match TcpListener::bind(address).map_err(|error| error.kind()) {
            Err(io::ErrorKind::AddrInUse) => "the address is already in use",
            Err(io::ErrorKind::AddrNotAvailable) => "this machine does not have the address",
            _ => continue,
        };
        return Err(format!("cannot listen on {address}: {reason}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_named() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let listeners = [ServedListener { address, schemes: vec!["http"] }];
        let error = require_free(&listeners).unwrap_err();
        assert_eq!(error, format!("cannot listen on {address}: the address is already in use"));
        drop(socket);
        assert_eq!(require_free(&listeners), Ok(()));
    }
}

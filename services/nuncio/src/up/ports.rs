//! Whether the ports that Envoy is to have are free.

use nuncio_controller::ServedListener;
use nuncio_controller::ports::probe;

/// Fails if one of the addresses cannot be had, saying which. To be called before our own Envoy is started.
pub(crate) fn require_free(listeners: &[ServedListener]) -> Result<(), String> {
    listeners.iter().try_for_each(|ServedListener { address, .. }| {
        probe(*address).map_err(|reason| format!("cannot listen on {address}: {reason}"))
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

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

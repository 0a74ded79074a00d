//! An address of its own for a test, on which it may use any port.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, Ordering};

/// An address in 127.0.0.0/8 for this process and this call.
///
/// Ports on it are free for whoever asked, also after the process that used one has ended: nobody else listens there,
/// and the system takes the ports of outgoing connections from 127.0.0.1. Stay below those that it gives to clients.
pub fn own_address() -> Ipv4Addr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let call = NEXT.fetch_add(1, Ordering::Relaxed);
    let [_, _, high, low] = std::process::id().wrapping_mul(7).to_be_bytes();
    let [.., call] = call.to_be_bytes();
    // Never 127.0.0.1, and no address that ends in 0 or 255.
    Ipv4Addr::new(127, 1 + high % 254, low, 1 + call % 254)
}

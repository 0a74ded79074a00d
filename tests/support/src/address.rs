//! An address of its own for a test, on which it may use any port; and one that is not a loopback address.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};

/// An address in 127.0.0.0/8 for this process and this call.
///
/// Ports on it are free for whoever asked, also after the process that used one has ended: nobody else listens there,
/// and the system takes the ports of outgoing connections from 127.0.0.1. Stay below those that it gives to clients.
pub fn own_address() -> Ipv4Addr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let call = NEXT.fetch_add(1, Ordering::Relaxed);
    let [_, _, high, low] = std::process::id().wrapping_mul(7).to_be_bytes();
    // Never 127.0.0.1, and no address that ends in 0 or 255: when these are used up there are the next 254. The next process
    // begins seven of those further on.
    let [.., more] = (call / 254).to_be_bytes();
    let [.., last] = (1 + call % 254).to_be_bytes();
    Ipv4Addr::new(127, 1 + high % 254, low.wrapping_add(more), last)
}

/// An address of this machine that an API server takes for an endpoint: none of loopback. What is sent there does not leave
/// the machine.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn outward_address() -> IpAddr {
    // Asks for the route to an address of documentation (RFC 5737), and sends nothing.
    let found = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
        socket.local_addr()
    });
    match found {
        Ok(address) if !address.ip().is_loopback() => address.ip(),
        other => panic!("this machine has no address but loopback ones: {other:?}"),
    }
}

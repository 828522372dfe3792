//! Free ports.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::sync::atomic::{AtomicU16, Ordering};

/// No outgoing connection takes these: a port that the system hands out may be taken again before a program listens.
const PORTS: Range<u16> = 20_000..30_000;

/// A port on which nobody listens.
pub fn free() -> u16 {
    static TRIED: AtomicU16 = AtomicU16::new(0);
    // Another test program beside this one begins elsewhere.
    let first = u16::try_from(std::process::id() % 50).unwrap_or_default() * 200;
    let free = (0..PORTS.end - PORTS.start).find_map(|_| {
        let offset = first.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed)) % (PORTS.end - PORTS.start);
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORTS.start + offset)).ok()?;
        Some(listener.local_addr().ok()?.port())
    });
    free.expect("a port is free")
}

/// An address on the loopback interface on which nobody listens.
pub fn free_address() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, free()))
}

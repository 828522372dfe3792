//! Listening on an address, for both IP families if the node has both.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tracing::info;

use super::Error;

/// Connections that the system keeps until they are accepted.
const BACKLOG: i32 = 128;

/// Listens, or fails at once if the address is in use. On `[::]` it accepts IPv4 too, and if IPv6 is off it listens on
/// `0.0.0.0` instead.
pub fn on(address: SocketAddr) -> Result<TcpListener, Error> {
    with(address, bind)
}

fn with<T>(address: SocketAddr, bind: impl Fn(SocketAddr) -> io::Result<T>) -> Result<T, Error> {
    let source = match bind(address) {
        Ok(listener) => return Ok(listener),
        Err(error) => error,
    };
    let everywhere = address.ip() == Ipv6Addr::UNSPECIFIED;
    if everywhere && is_without_ipv6(&source) {
        let fallback = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port());
        info!(%address, %fallback, "IPv6 is off; listening on IPv4");
        return bind(fallback).map_err(|source| Error::Listen { address: fallback, source });
    }
    Err(Error::Listen { address, source })
}

/// The system's error if IPv6 isn't compiled in, or is disabled (`net.ipv6.conf.all.disable_ipv6`).
fn is_without_ipv6(error: &io::Error) -> bool {
    const EAFNOSUPPORT: i32 = 97;
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(EAFNOSUPPORT)
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // Whatever net.ipv6.bindv6only says.
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    /// Binds as on a node where IPv6 fails with this error.
    fn without_ipv6(address: SocketAddr, error: &io::Error) -> io::Result<SocketAddr> {
        if address.is_ipv6() { Err(io::Error::from(error.kind())) } else { Ok(address) }
    }

    #[test]
    fn where_ipv6_is_off_all_addresses_are_those_of_ipv4() {
        let off = io::Error::from(io::ErrorKind::AddrNotAvailable);
        let bound = with(address("[::]:8081"), |address| without_ipv6(address, &off));
        assert_eq!(bound.unwrap(), address("0.0.0.0:8081"));
        assert!(is_without_ipv6(&io::Error::from_raw_os_error(97)));
    }

    #[test]
    fn an_address_that_is_taken_or_not_there_is_an_error() {
        let taken = io::Error::from(io::ErrorKind::AddrInUse);
        assert!(with(address("[::]:8081"), |address| without_ipv6(address, &taken)).is_err());
        let off = io::Error::from(io::ErrorKind::AddrNotAvailable);
        assert!(with(address("[fd00::1]:8081"), |address| without_ipv6(address, &off)).is_err());
    }

    #[tokio::test]
    async fn on_all_addresses_both_families_are_heard() {
        let listener = on(address("[::]:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        if listener.local_addr().unwrap().is_ipv6() {
            tokio::net::TcpStream::connect((Ipv6Addr::LOCALHOST, port)).await.unwrap();
        }
    }
}

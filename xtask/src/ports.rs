//! Free ports on the loopback interface.

use std::net::{Ipv4Addr, TcpListener};

use crate::error::{Doing, Error};

/// Several different ports that nobody listens on at the moment.
pub fn free<const N: usize>() -> Result<[u16; N], Error> {
    let mut ports = [0; N];
    // All are held until the last is found, so that none is handed out twice.
    let mut held = Vec::with_capacity(N);
    for port in &mut ports {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).doing(|| "finding a free port".to_owned())?;
        *port = listener.local_addr().doing(|| "reading the number of a free port".to_owned())?.port();
        held.push(listener);
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use super::free;

    #[test]
    fn ports_taken_together_differ() {
        let [one, other] = free().unwrap();
        assert_ne!(one, other);
    }
}

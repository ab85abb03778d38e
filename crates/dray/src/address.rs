//! Addresses as tables show them.

use std::net::{IpAddr, SocketAddr};

/// A real server's address, with its port where that is not the `own` one of whom it serves.
pub(crate) fn real_server(real: IpAddr, port: u16, own: u16) -> String {
    if port == own {
        real.to_string()
    } else {
        SocketAddr::new(real, port).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_port_that_is_another_is_shown() {
        let shown = |real: &str, port, own| real_server(real.parse().expect(real), port, own);
        assert_eq!(shown("10.0.0.1", 80, 80), "10.0.0.1");
        assert_eq!(shown("10.0.0.1", 8080, 80), "10.0.0.1:8080");
        assert_eq!(shown("2001:db8::1", 8080, 0), "[2001:db8::1]:8080");
        assert_eq!(shown("2001:db8::1", 0, 0), "2001:db8::1");
    }
}

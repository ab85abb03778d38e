//! How a real server's port is written.

use std::net::{IpAddr, SocketAddr};

use dray_model::document::Service;

/// Why a port is left out that packets do not get anyway.
const KEPT: &str =
    "packets keep their port, here as in IPVS, so that of the real server is left out";

/// A real server's address as its service would have it, and why its port is left out if it is another one.
///
/// `own` is the service's port; 0 stands for every port, as `port` does for the service's.
pub(crate) fn seat(
    address: IpAddr,
    port: u16,
    own: u16,
    forward: &str,
    service: &Service,
) -> (String, Option<&'static str>) {
    let is_other = port != 0 && port != own;
    // A persistent client's connections to all ports go to one real server, each to the port that the client asked for.
    let keeps_port = forward != "nat" || own == 0 && service.persistent.is_some();
    match (is_other, keeps_port) {
        (false, _) => (address.to_string(), None),
        (true, true) => (address.to_string(), Some(KEPT)),
        (true, false) => (SocketAddr::new(address, port).to_string(), None),
    }
}

#[cfg(test)]
mod tests {
    use dray_model::document::Service;

    use super::{KEPT, seat};

    #[test]
    fn a_port_is_written_where_packets_get_it() {
        let address = "10.0.0.1".parse().expect("it is an address");
        let plain = Service::default();
        let persistent = Service {
            persistent: Some("6m".to_owned()),
            ..Service::default()
        };
        let seat = |port, own, forward, service| seat(address, port, own, forward, service);
        let bare = "10.0.0.1".to_owned();
        assert_eq!(seat(80, 80, "nat", &plain), (bare.clone(), None));
        assert_eq!(seat(0, 80, "nat", &plain), (bare.clone(), None));
        assert_eq!(
            seat(8080, 80, "nat", &plain),
            ("10.0.0.1:8080".to_owned(), None)
        );
        assert_eq!(seat(8080, 80, "dr", &plain), (bare.clone(), Some(KEPT)));
        assert_eq!(
            seat(8080, 0, "nat", &plain),
            ("10.0.0.1:8080".to_owned(), None)
        );
        assert_eq!(seat(8080, 0, "nat", &persistent), (bare, Some(KEPT)));
    }
}

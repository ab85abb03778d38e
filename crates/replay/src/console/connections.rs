//! The director's connections, as the kernel lists them.

use std::net::{IpAddr, Ipv6Addr};

use dray_ipvsadm::snapshot::Connection;
use dray_model::{DataPlane, DestinationId};

use super::Console;
use crate::ipvs::Destination;

/// The port of a template that nobody may find any more.
const NOBODYS: u16 = u16::MAX;

impl Console {
    /// Connections and templates, in no order.
    pub(super) fn connections(&self, plane: &dyn DataPlane) -> Vec<Connection> {
        let connections = plane.connections(&|_| true, usize::MAX);
        let templates = plane.templates(usize::MAX);
        let connections = connections.into_iter().map(|it| {
            let destination = self.ipvs.destination(it.destination);
            let port = it.service.port;
            Connection {
                protocol: it.service.protocol.number(),
                client: (it.client.ip(), it.client.port()),
                virtual_service: (it.service.vip, port),
                destination: self.reached(destination, |real| {
                    self.port_behind(it.destination, real, port)
                }),
                state: it.state.to_owned(),
                expires: it.expires.as_secs(),
                engine: None,
            }
        });
        let templates = templates.into_iter().map(|it| {
            let destination = self.ipvs.destination(it.destination);
            let vip = match (it.client, it.vip) {
                (IpAddr::V6(_), IpAddr::V4(mark)) => {
                    IpAddr::V6(Ipv6Addr::from(u128::from(mark.to_bits()) << 96))
                }
                (_, vip) => vip,
            };
            Connection {
                protocol: it.protocol,
                client: (it.client, 0),
                virtual_service: (vip, it.port),
                destination: self.reached(destination, |real| match it.port {
                    0 => 0,
                    NOBODYS => NOBODYS,
                    _ => real.settings.port,
                }),
                state: it.state.to_owned(),
                expires: it.expires.as_secs(),
                engine: None,
            }
        });
        connections.chain(templates).collect()
    }

    fn reached(
        &self,
        destination: Option<&Destination>,
        port: impl Fn(&Destination) -> u16,
    ) -> (IpAddr, u16) {
        match destination {
            Some(destination) => (destination.settings.address, port(destination)),
            None => (IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0),
        }
    }

    /// The real server's port for connections to the virtual port: its own, unless it has none, or the service is for more
    /// ports than one. One of an address takes other ports than its own only while it is persistent, so that a connection to
    /// one tells what the service was.
    fn port_behind(&self, id: DestinationId, real: &Destination, port: u16) -> u16 {
        let spread = self
            .ipvs
            .service_of(id)
            .is_some_and(|(service, persistent)| match service.address() {
                Some(address) => address.port != port,
                None => persistent,
            });
        match real.settings.port {
            0 => port,
            _ if spread => port,
            own => own,
        }
    }
}

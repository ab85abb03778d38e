//! Which entries of the tables a filter means.

use std::{
    collections::HashSet,
    net::{IpAddr, SocketAddr},
};

use dray_model::{Connection, DestinationId, Template};

use crate::{
    catalog::Catalog,
    snapshot::{ConnectionFilter, RealName},
    view::View,
};

/// A filter, with the destinations that it means by their numbers of now.
#[derive(Clone, Debug)]
pub(crate) struct Selection<'a> {
    /// None for all.
    destinations: Option<HashSet<DestinationId>>,
    client: Option<(IpAddr, u8)>,
    state: Option<&'a str>,
}

impl<'a> Selection<'a> {
    pub(crate) fn of(filter: &'a ConnectionFilter, catalog: &Catalog, view: &View) -> Self {
        let ConnectionFilter {
            client,
            service,
            real,
            port,
            state,
        } = filter;
        let of_service = || {
            let service = catalog.named(service.as_ref()?)?;
            Some(view.destinations_of(service.identity))
        };
        let fits = |found: SocketAddr| {
            real.is_none_or(|wanted| wanted == found.ip())
                && port.is_none_or(|wanted| wanted == found.port())
        };
        let destinations = match (service, real) {
            (Some(_), _) => Some(
                (of_service().into_iter().flatten())
                    .filter(|(real, _)| fits(*real))
                    .map(|(_, id)| id)
                    .collect(),
            ),
            (None, Some(address)) => Some(view.destinations_at(*address, *port).collect()),
            (None, None) => port.map(|_| {
                let all = view.destinations().iter();
                all.filter(|(_, found)| fits(SocketAddr::new(found.real, found.port)))
                    .map(|(id, _)| *id)
                    .collect()
            }),
        };
        Self {
            destinations,
            client: *client,
            state: state.as_deref(),
        }
    }

    /// Whether it means this connection.
    pub(crate) fn has_connection(&self, connection: &Connection) -> bool {
        self.has(
            connection.destination,
            connection.client.ip(),
            connection.state,
        )
    }

    /// Whether it means this template.
    pub(crate) fn has_template(&self, template: &Template) -> bool {
        self.has(template.destination, template.client, template.state)
    }

    fn has(&self, destination: DestinationId, client: IpAddr, state: &str) -> bool {
        (self.destinations.as_ref()).is_none_or(|wanted| wanted.contains(&destination))
            && self.client.is_none_or(|network| within(client, network))
            && (self.state).is_none_or(|wanted| state.eq_ignore_ascii_case(wanted))
    }
}

/// The destinations of a real server, those that are leaving among them.
pub(crate) fn destinations_of(
    real: &RealName,
    catalog: &Catalog,
    view: &View,
) -> Vec<DestinationId> {
    let filter = ConnectionFilter {
        service: real.service.clone(),
        real: Some(real.address),
        port: real.port,
        ..ConnectionFilter::default()
    };
    let Selection { destinations, .. } = Selection::of(&filter, catalog, view);
    destinations.into_iter().flatten().collect()
}

/// Whether an address begins with the first `length` bits of another of its family.
fn within(address: IpAddr, (network, length): (IpAddr, u8)) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    };
    let differing = bits(address) ^ bits(network);
    address.is_ipv4() == network.is_ipv4() && differing.leading_zeros() >= u32::from(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_the_addresses_that_begin_as_it_does() {
        for (name, address, network, length, holds) in [
            ("inside", "192.0.2.200", "192.0.2.0", 24, true),
            ("outside", "192.0.3.1", "192.0.2.0", 24, false),
            ("half a byte", "192.0.2.129", "192.0.2.128", 25, true),
            ("everything", "203.0.113.9", "0.0.0.0", 0, true),
            ("one host", "192.0.2.1", "192.0.2.1", 32, true),
            ("another host", "192.0.2.2", "192.0.2.1", 32, false),
            ("IPv6", "2001:db8::9", "2001:db8::", 32, true),
            ("IPv6 host", "2001:db8::9", "2001:db8::8", 128, false),
            ("another family", "2001:db8::9", "0.0.0.0", 0, false),
        ] {
            let (address, network) = (address.parse().unwrap(), network.parse().unwrap());
            assert_eq!(within(address, (network, length)), holds, "{name}");
        }
    }
}

//! Which entries of the tables are meant.

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

/// What somebody says to mean entries.
#[derive(Clone, Debug)]
pub(crate) enum Which {
    /// Those that a filter accepts.
    Filter(ConnectionFilter),
    /// Those of these real servers.
    Reals(Vec<RealName>),
}

/// Entries that are meant, by the numbers that destinations have now.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// None for all.
    destinations: Option<HashSet<DestinationId>>,
    client: Option<(IpAddr, u8)>,
    state: Option<String>,
}

impl Selection {
    pub(crate) fn of(which: &Which, catalog: &Catalog, view: &View) -> Self {
        match which {
            Which::Filter(filter) => Self::filter(filter, catalog, view),
            Which::Reals(reals) => {
                let reals = reals.iter();
                let destinations = reals.flat_map(|real| destinations_of(real, catalog, view));
                Self {
                    destinations: Some(destinations.collect()),
                    client: None,
                    state: None,
                }
            }
        }
    }

    pub(crate) fn filter(filter: &ConnectionFilter, catalog: &Catalog, view: &View) -> Self {
        let real = filter.real;
        let of_service = |name| {
            let service = catalog.named(name).map(|service| service.identity);
            let destinations = service.into_iter().flat_map(|is| view.destinations_of(is));
            destinations
                .filter(|(found, _)| real.is_none_or(|real| real == found.ip()))
                .map(|(_, id)| id)
                .collect()
        };
        let destinations = match &filter.service {
            Some(name) => Some(of_service(name)),
            None => real.map(|real| view.destinations_at(real).collect()),
        };
        Self {
            destinations,
            client: filter.client,
            state: filter.state.clone(),
        }
    }

    /// Whether it means this connection.
    pub(crate) fn has_connection(&self, connection: &Connection) -> bool {
        let is_in = |state: &String| connection.state.eq_ignore_ascii_case(state);
        self.has(connection.destination, connection.client.ip())
            && self.state.as_ref().is_none_or(is_in)
    }

    /// Whether it means this template; none by a state, which is one of connections.
    pub(crate) fn has_template(&self, template: &Template) -> bool {
        self.has(template.destination, template.client) && self.state.is_none()
    }

    fn has(&self, destination: DestinationId, client: IpAddr) -> bool {
        (self.destinations.as_ref()).is_none_or(|wanted| wanted.contains(&destination))
            && self.client.is_none_or(|network| within(client, network))
    }
}

/// The destinations of a real server, those that are leaving among them.
pub(crate) fn destinations_of(
    RealName { service, real }: &RealName,
    catalog: &Catalog,
    view: &View,
) -> Vec<DestinationId> {
    if let Some(name) = service {
        let found = catalog.named(name).and_then(|service| {
            let place = SocketAddr::from(real.place(&service.identity));
            view.destination(service.identity, place)
        });
        return found.into_iter().collect();
    }
    let is_meant = |id: &DestinationId| {
        let found = view.destinations().get(id);
        found.is_some_and(|found| real.place(&found.service) == (found.real, found.port))
    };
    view.destinations_at(real.address)
        .filter(is_meant)
        .collect()
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

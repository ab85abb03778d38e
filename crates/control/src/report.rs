//! Answers to readers, made from what is at this moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use dray_model::{
    Connection, DataPlane, Desired, DestinationId, RealServer, Resolution, Service, ServiceAddress,
    ServiceName, Weight,
};

use crate::{
    plan::judge,
    snapshot::{
        ConnectionFilter, ConnectionStatus, Connections, DestinationStatus, Ineligible,
        LeavingService, ServiceStatus, Standing, Traffic,
    },
    traffic::Book,
    view::{Listed, View},
};

/// All that an answer is made from.
pub(crate) struct Report<'a, D> {
    pub(crate) dataplane: &'a D,
    pub(crate) desired: &'a Desired,
    pub(crate) view: &'a View,
    pub(crate) book: &'a Book,
    pub(crate) resolutions: &'a BTreeMap<IpAddr, Resolution>,
    pub(crate) interfaces: &'a BTreeSet<u32>,
}

impl<D: DataPlane> Report<'_, D> {
    /// The services of the desired state, in its order.
    pub(crate) fn services(&self) -> Vec<ServiceStatus> {
        let services = self.desired.services.iter();
        services.map(|service| self.service(service)).collect()
    }

    fn service(&self, service: &Service) -> ServiceStatus {
        let address = service.address;
        let present = self.view.services().get(&address);
        let listed: BTreeMap<DestinationId, Listed> = present
            .map(|present| present.list.as_slice())
            .unwrap_or_default()
            .iter()
            .map(|listed| (listed.destination, *listed))
            .collect();
        let mut left: BTreeMap<IpAddr, (DestinationId, Traffic)> = self.destinations_of(address);
        let mut traffic = self.book.service(address);
        for (_, part) in left.values() {
            traffic.add(part);
        }
        let wanted = service.reals.iter();
        let mut destinations: Vec<DestinationStatus> = wanted
            .map(|real| {
                let found = left.remove(&real.address);
                let listed = found.and_then(|(id, _)| listed.get(&id));
                DestinationStatus {
                    id: found.map(|(id, _)| id),
                    real: real.address,
                    weight: real.weight,
                    standing: self.standing(real, listed),
                    hop: found.and_then(|(id, _)| self.view.hop_of(id)),
                    traffic: found.map(|(_, traffic)| traffic).unwrap_or_default(),
                }
            })
            .collect();
        destinations.extend(self.leaving_among(left));
        ServiceStatus {
            name: service.name.clone(),
            address,
            scheduler: service.scheduler,
            forward: service.forward,
            refused: present.map_or(0, |present| self.dataplane.refused(present.id)),
            traffic,
            destinations,
        }
    }

    /// The destinations of a service by real server, with what they have had.
    fn destinations_of(
        &self,
        service: ServiceAddress,
    ) -> BTreeMap<IpAddr, (DestinationId, Traffic)> {
        self.view
            .destinations_of(service)
            .map(|(real, id)| (real, (id, self.book.destination(self.dataplane, id))))
            .collect()
    }

    /// The record says whether; the way to the real server says why not.
    fn standing(&self, real: &RealServer, listed: Option<&Listed>) -> Standing {
        let Some(listed) = listed else {
            return Standing::NotEligible(Ineligible::NotApplied);
        };
        if listed.eligible {
            return match real.weight.value() {
                0 => Standing::Quiesced,
                _ => Standing::Eligible,
            };
        }
        let before = self.view.hop_of(listed.destination);
        let resolution = self.resolutions.get(&real.address);
        let verdict = judge(resolution, self.interfaces, before, false);
        Standing::NotEligible(verdict.eligible.err().unwrap_or(Ineligible::NotApplied))
    }

    /// Those that are leaving and have connections left.
    fn leaving_among(
        &self,
        destinations: BTreeMap<IpAddr, (DestinationId, Traffic)>,
    ) -> impl Iterator<Item = DestinationStatus> {
        destinations
            .into_iter()
            .filter(|(_, (id, traffic))| {
                self.view.leaving().contains(id) && traffic.live.total() > 0
            })
            .map(|(real, (id, traffic))| DestinationStatus {
                id: Some(id),
                real,
                weight: Weight::new(0),
                standing: Standing::Leaving,
                hop: self.view.hop_of(id),
                traffic,
            })
    }

    /// Services that are not in the desired state and have connections left.
    pub(crate) fn leaving(&self) -> Vec<LeavingService> {
        let leaving = self.view.leaving().iter();
        let addresses: BTreeSet<ServiceAddress> = leaving
            .filter_map(|id| Some(self.view.destinations().get(id)?.service))
            .filter(|address| !self.view.services().contains_key(address))
            .collect();
        let services = addresses.into_iter().map(|address| LeavingService {
            address,
            destinations: self.leaving_among(self.destinations_of(address)).collect(),
        });
        services
            .filter(|service| !service.destinations.is_empty())
            .collect()
    }

    /// Connections of the table.
    pub(crate) fn connections(&self, filter: &ConnectionFilter, limit: usize) -> Connections {
        let names: BTreeMap<ServiceAddress, &ServiceName> = self
            .desired
            .services
            .iter()
            .map(|service| (service.address, &service.name))
            .collect();
        let keep = |connection: &Connection| {
            let name = || names.get(&connection.service).copied();
            let real = || Some(self.view.destinations().get(&connection.destination)?.real);
            filter
                .client
                .is_none_or(|network| within(connection.client.ip(), network))
                && (filter.service.as_ref()).is_none_or(|wanted| name() == Some(wanted))
                && filter.real.is_none_or(|wanted| real() == Some(wanted))
                && (filter.state.as_ref())
                    .is_none_or(|wanted| connection.state.eq_ignore_ascii_case(wanted))
        };
        // One more than asked for says whether there are more.
        let mut found = self.dataplane.connections(&keep, limit.saturating_add(1));
        let more = found.len() > limit;
        found.truncate(limit);
        let list = found.into_iter().map(|connection| ConnectionStatus {
            address: connection.service,
            service: names.get(&connection.service).map(|&name| name.clone()),
            client: connection.client,
            real: (self.view.destinations().get(&connection.destination))
                .map(|destination| destination.real),
            state: connection.state,
            expires: connection.expires,
            age: connection.age,
        });
        Connections {
            list: list.collect(),
            more,
        }
    }
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

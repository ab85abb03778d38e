//! Which services packets can find, and what follows from that. Pure bookkeeping: nothing here touches a map.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    net::IpAddr,
};

use dray_abi::Settings;
use dray_model::{ServiceId, ServiceIdentity};

/// The control port of FTP.
const FTP: u16 = 21;

/// The services that packets can find.
#[derive(Debug, Default)]
pub(crate) struct Published {
    services: BTreeMap<ServiceId, Service>,
    /// How many services each VIP has.
    vips: BTreeMap<IpAddr, u32>,
    any_port: u32,
    ftp: u32,
}

#[derive(Debug)]
struct Service {
    identity: ServiceIdentity,
    record: Stretch,
}

/// Where a record lies: start and length in words.
pub(crate) type Stretch = (u32, u32);

impl Published {
    /// Where the service's record lies.
    pub(crate) fn record(&self, id: ServiceId) -> Option<Stretch> {
        self.services.get(&id).map(|service| service.record)
    }

    /// Where all records lie.
    pub(crate) fn records(&self) -> impl Iterator<Item = Stretch> {
        self.services.values().map(|service| service.record)
    }

    /// How many services the VIP has.
    pub(crate) fn services_of(&self, vip: IpAddr) -> u32 {
        self.vips.get(&vip).copied().unwrap_or(0)
    }

    /// Notes a service's record; gives the one that it had.
    pub(crate) fn insert(
        &mut self,
        id: ServiceId,
        identity: ServiceIdentity,
        record: Stretch,
    ) -> Option<Stretch> {
        match self.services.entry(id) {
            Entry::Occupied(mut service) => {
                Some(std::mem::replace(&mut service.get_mut().record, record))
            }
            Entry::Vacant(place) => {
                place.insert(Service { identity, record });
                self.any_port += u32::from(is_any_port(&identity));
                self.ftp += u32::from(is_ftp(&identity));
                if let Some(address) = identity.address() {
                    *self.vips.entry(address.vip).or_default() += 1;
                }
                None
            }
        }
    }

    /// Forgets a service; gives its record.
    pub(crate) fn remove(&mut self, id: ServiceId) -> Option<Stretch> {
        let Service { identity, record } = self.services.remove(&id)?;
        self.any_port -= u32::from(is_any_port(&identity));
        self.ftp -= u32::from(is_ftp(&identity));
        if let Some(address) = identity.address()
            && let Entry::Occupied(mut count) = self.vips.entry(address.vip)
        {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        Some(record)
    }

    /// The options by which packets know which services to look for.
    pub(crate) fn options(&self) -> u32 {
        let option = |count: u32, option: u32| if count == 0 { 0 } else { option };
        option(self.any_port, Settings::ANY_PORT_SERVICES)
            | option(self.ftp, Settings::FTP_SERVICES)
    }
}

/// Whether the service makes packets look for port 0: IPVS counts a mark's among those (`nullsvc_counter`).
fn is_any_port(identity: &ServiceIdentity) -> bool {
    identity.address().is_none_or(|address| address.port == 0)
}

/// Whether the service makes packets look for FTP's data connections: IPVS counts any protocol (`ftpsvc_counter`).
fn is_ftp(identity: &ServiceIdentity) -> bool {
    identity
        .address()
        .is_some_and(|address| address.port == FTP)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use dray_model::{Family, Mark, Protocol, ServiceAddress};

    use super::*;

    fn at(last: u8, port: u16) -> ServiceIdentity {
        let vip = [10, 0, 0, last].into();
        let protocol = Protocol::Udp;
        ServiceAddress {
            protocol,
            vip,
            port,
        }
        .into()
    }

    #[test]
    fn a_vip_counts_while_it_has_a_service() {
        let mut published = Published::default();
        let vip = [10, 0, 0, 1].into();
        assert_eq!(published.insert(ServiceId(0), at(1, 80), (1, 5)), None);
        assert_eq!(published.insert(ServiceId(1), at(1, 81), (6, 5)), None);
        assert_eq!(published.services_of(vip), 2);
        assert_eq!(
            published.insert(ServiceId(0), at(1, 80), (11, 5)),
            Some((1, 5))
        );
        assert_eq!(
            published.services_of(vip),
            2,
            "a new record is no new service"
        );
        assert_eq!(published.remove(ServiceId(0)), Some((11, 5)));
        assert_eq!(published.services_of(vip), 1);
        assert_eq!(published.remove(ServiceId(1)), Some((6, 5)));
        assert_eq!(published.services_of(vip), 0);
        assert_eq!(published.remove(ServiceId(1)), None);
    }

    #[test]
    fn options_follow_the_services_present() {
        let mut published = Published::default();
        let mark = Mark {
            number: NonZeroU32::MIN,
            family: Family::Ipv6,
        };
        published.insert(ServiceId(0), at(1, 80), (1, 5));
        assert_eq!(published.options(), 0);
        published.insert(ServiceId(1), mark.into(), (6, 5));
        assert_eq!(published.options(), Settings::ANY_PORT_SERVICES);
        published.insert(ServiceId(2), at(1, 0), (11, 5));
        published.insert(ServiceId(3), at(1, 21), (16, 5));
        assert_eq!(
            published.options(),
            Settings::ANY_PORT_SERVICES | Settings::FTP_SERVICES
        );
        published.remove(ServiceId(1));
        published.remove(ServiceId(2));
        assert_eq!(published.options(), Settings::FTP_SERVICES);
        published.remove(ServiceId(3));
        assert_eq!(published.options(), 0);
    }
}

//! Answers to readers, made from what is at this moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
};

use dray_model::{
    ActualDestination, Connection, DataPlane, Desired, DestinationId, Family, Hop, Live, Mark,
    Protocol, RealServer, Resolution, Resolutions, Service, ServiceAddress, ServiceIdentity,
    Template, Thresholds, Weight,
};

use crate::{
    catalog::Catalog,
    plan::{Reach, judge},
    selection::{Selection, destinations_of},
    snapshot::{
        ConnectionFilter, ConnectionStatus, Connections, DestinationStatus, Ineligible,
        LeavingService, RealLive, RealName, ServiceStatus, Standing, TemplateStatus, Templates,
        Traffic,
    },
    traffic::Book,
    view::{Listed, View, Way},
};

/// All that an answer is made from.
pub(crate) struct Report<'a, D> {
    pub(crate) dataplane: &'a D,
    pub(crate) desired: &'a Desired,
    pub(crate) catalog: &'a Catalog,
    pub(crate) view: &'a View,
    pub(crate) book: &'a Book,
    pub(crate) resolutions: &'a Resolutions,
    pub(crate) interfaces: &'a BTreeSet<u32>,
}

impl<D: DataPlane> Report<'_, D> {
    /// What a service of the desired state does.
    pub(crate) fn service(&self, service: &Service) -> ServiceStatus {
        let identity = service.identity;
        let present = self.view.services().get(&identity);
        let listed: BTreeMap<DestinationId, Listed> = present
            .map(|present| present.list.as_slice())
            .unwrap_or_default()
            .iter()
            .map(|listed| (listed.destination, *listed))
            .collect();
        let mut left = self.destinations_of(identity);
        let mut traffic = self.book.service(identity);
        for (_, part) in left.values() {
            traffic.add(part);
        }
        let wanted = service.reals.iter();
        let mut destinations: Vec<DestinationStatus> = wanted
            .map(|real| {
                let found = left.remove(&SocketAddr::new(real.address, real.port));
                let listed = found.and_then(|(id, _)| listed.get(&id));
                let traffic = found.map(|(_, traffic)| traffic).unwrap_or_default();
                let way = found.map_or(Way::Unknown, |(id, _)| self.view.way(id));
                DestinationStatus {
                    id: found.map(|(id, _)| id),
                    real: real.address,
                    port: real.port,
                    forward: real.forward,
                    weight: real.weight,
                    thresholds: real.thresholds,
                    standing: self.standing(service, real, listed, traffic.live),
                    hop: hop(way),
                    gateway: self.gateway(real.address),
                    local: way == Way::Local,
                    traffic,
                }
            })
            .collect();
        destinations.extend(self.leaving_among(left));
        ServiceStatus {
            name: service.name.clone(),
            identity,
            scheduler: service.scheduler,
            options: service.options,
            forward: service.forward,
            client_address: service.client_address,
            mss: service.mss,
            refused: present.map_or(0, |present| self.dataplane.refused(present.id)),
            traffic,
            destinations,
        }
    }

    /// The destinations of a service by real server, with what they have had.
    fn destinations_of(
        &self,
        service: ServiceIdentity,
    ) -> BTreeMap<SocketAddr, (DestinationId, Traffic)> {
        self.view
            .destinations_of(service)
            .map(|(real, id)| (real, (id, self.book.destination(self.dataplane, id))))
            .collect()
    }

    /// The record says whether; the way to the real server says why not.
    fn standing(
        &self,
        service: &Service,
        real: &RealServer,
        listed: Option<&Listed>,
        live: Live,
    ) -> Standing {
        let Some(listed) = listed else {
            return Standing::NotEligible(Ineligible::NotApplied);
        };
        if listed.eligible {
            return match real.weight.value() {
                0 => Standing::Quiesced,
                _ if live.overloaded => Standing::Overloaded,
                _ => Standing::Eligible,
            };
        }
        let before = self.view.way(listed.destination);
        let resolution = self.resolutions.get(&real.address);
        let reach = Reach::wanted(&self.desired.director, service, real);
        let verdict = judge(reach, resolution, self.interfaces, before, false);
        Standing::NotEligible(verdict.eligible.err().unwrap_or(Ineligible::NotApplied))
    }

    /// Those that are leaving and have connections or templates left.
    fn leaving_among(
        &self,
        destinations: BTreeMap<SocketAddr, (DestinationId, Traffic)>,
    ) -> impl Iterator<Item = DestinationStatus> {
        destinations
            .into_iter()
            .filter(|(_, (id, Traffic { live, .. }))| {
                self.view.leaving().contains(id) && (live.total() > 0 || live.persistent > 0)
            })
            .filter_map(|(real, (id, traffic))| {
                let way = self.view.way(id);
                Some(DestinationStatus {
                    id: Some(id),
                    real: real.ip(),
                    port: real.port(),
                    forward: self.destination(id)?.forward,
                    weight: Weight::new(0),
                    thresholds: Thresholds::default(),
                    standing: Standing::Leaving,
                    hop: hop(way),
                    gateway: self.gateway(real.ip()),
                    local: way == Way::Local,
                    traffic,
                })
            })
    }

    /// Services that are not in the desired state and have connections left.
    pub(crate) fn leaving(&self) -> Vec<LeavingService> {
        let leaving = self.view.leaving().iter();
        let services: BTreeSet<ServiceIdentity> = leaving
            .filter_map(|id| Some(self.view.destinations().get(id)?.service))
            .filter(|service| !self.view.services().contains_key(service))
            .collect();
        let services = services.into_iter().map(|identity| LeavingService {
            identity,
            destinations: self.leaving_among(self.destinations_of(identity)).collect(),
        });
        services
            .filter(|service| !service.destinations.is_empty())
            .collect()
    }

    /// Connections of the table.
    pub(crate) fn connections(&self, filter: &ConnectionFilter, limit: usize) -> Connections {
        let selection = Selection::filter(filter, self.catalog, self.view);
        let destination = |connection: &Connection| self.destination(connection.destination);
        let keep = |connection: &Connection| selection.has_connection(connection);
        // One more than asked for says whether there are more.
        let mut found = self.dataplane.connections(&keep, limit.saturating_add(1));
        let more = found.len() > limit;
        found.truncate(limit);
        let list = found.into_iter().map(|connection| {
            let destination = destination(&connection);
            ConnectionStatus {
                address: connection.service,
                service: destination.and_then(|found| self.catalog.name(found.service).cloned()),
                client: connection.client,
                real: destination.map(|destination| seen_by(destination, &connection)),
                forward: destination.map(|destination| destination.forward),
                local: connection.local,
                state: connection.state,
                expires: connection.expires,
                age: connection.age,
            }
        });
        Connections {
            list: list.collect(),
            more,
        }
    }

    /// What counts towards these real servers.
    pub(crate) fn live(&self, reals: &[RealName]) -> RealLive {
        let destinations = reals.iter();
        let destinations: BTreeSet<DestinationId> = destinations
            .flat_map(|real| destinations_of(real, self.catalog, self.view))
            .collect();
        let mut total = RealLive::default();
        for id in destinations {
            let live = self.dataplane.live(id);
            total.destinations += 1;
            total.active += u64::from(live.active);
            total.inactive += u64::from(live.inactive);
            total.templates += u64::from(live.persistent);
        }
        total
    }

    /// Persistence templates.
    pub(crate) fn templates(&self, limit: usize) -> Templates {
        let mut found = self.dataplane.templates(limit.saturating_add(1));
        let more = found.len() > limit;
        found.truncate(limit);
        let list = found.into_iter().filter_map(|template| {
            let destination = self.destination(template.destination);
            Some(TemplateStatus {
                client: template.client,
                to: target(&template)?,
                service: destination.and_then(|found| self.catalog.name(found.service).cloned()),
                real: destination.map(|destination| destination.real),
                state: template.state,
                expires: template.expires,
                connections: template.children,
            })
        });
        Templates {
            list: list.collect(),
            more,
        }
    }

    /// The gateway that leads to this address.
    fn gateway(&self, address: IpAddr) -> Option<IpAddr> {
        match self.resolutions.get(&address)? {
            Resolution::Resolved(way) => way.gateway,
            Resolution::Unresolved(_) => None,
        }
    }

    fn destination(&self, id: DestinationId) -> Option<&ActualDestination> {
        self.view.destinations().get(&id)
    }
}

/// The real server and the port that it sees the connection's packets come to. Only the service's own port becomes the
/// destination's: FTP's data connections have ports of their own.
fn seen_by(destination: &ActualDestination, connection: &Connection) -> SocketAddr {
    let asked = connection.service.port;
    let of_the_service = (destination.service.address())
        .is_none_or(|service| service.port == 0 || service.port == asked);
    let translated = !destination.forward.keeps_addresses();
    let port = if translated && of_the_service && destination.port != 0 {
        destination.port
    } else {
        asked
    };
    SocketAddr::new(destination.real, port)
}

const fn hop(way: Way) -> Option<Hop> {
    match way {
        Way::Hop(hop) => Some(hop),
        Way::Unknown | Way::Local => None,
    }
}

/// What a template's connections are to; none when no service makes such templates.
fn target(template: &Template) -> Option<ServiceIdentity> {
    match (template.protocol, template.vip) {
        (0, IpAddr::V4(mark)) => {
            let mark = Mark {
                number: NonZeroU32::new(mark.to_bits())?,
                family: Family::of(template.client),
            };
            Some(mark.into())
        }
        (protocol, vip) => {
            let address = ServiceAddress {
                protocol: Protocol::from_number(protocol)?,
                vip,
                port: template.port,
            };
            Some(address.into())
        }
    }
}

//! Neighbour entries: which Ethernet address answers for an IP address on an interface.
//!
//! An entry that nothing sends to grows stale in the kernel and is forgotten. XDP sends past the kernel's
//! neighbour table, so the kernel must be told that an entry is in use: it is marked *managed*
//! (`NTF_EXT_MANAGED`, Linux 5.16), and the kernel then keeps it resolved by itself. Each entry that dray
//! marks also carries [`PROTOCOL`], by which a later daemon knows the entries of an earlier one.

use std::{net::IpAddr, ops::RangeInclusive};

use dray_model::{Mac, NetError};
use rtnetlink::{
    packet_core::{NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE},
    packet_route::{
        RouteNetlinkMessage,
        neighbour::{
            NeighbourAddress, NeighbourAttribute, NeighbourExtFlags, NeighbourFlags,
            NeighbourMessage, NeighbourState as Nud,
        },
        route::RouteProtocol,
    },
};

use crate::{
    Netlink,
    address::family,
    netlink::{Refused, failed},
};

/// Who marked a neighbour entry (`NDA_PROTOCOL`; `ip neighbour` shows it as `proto 100`). Not one of the
/// numbers that include/uapi/linux/rtnetlink.h gives to others.
const PROTOCOL: u8 = 100;

/// Where a neighbour entry is: its address and the interface (the kernel's number) that it is asked for on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) address: IpAddr,
    pub(crate) interface: u32,
}

/// A neighbour entry of the kernel, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Neighbour {
    pub(crate) answer: Answer,
    pub(crate) keeper: Keeper,
}

/// What the kernel knows of a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Its Ethernet address; perhaps not confirmed of late.
    Known(Mac),
    /// It is being asked for.
    Awaited,
    /// Nobody answered.
    Missing,
}

/// Who sees to it that an entry stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeper {
    /// Nobody: an entry of the kernel's cache that goes when it is not used.
    Nobody,
    /// Dray: this daemon or one before it.
    Dray,
    /// An operator or a routing daemon. Such an entry must be left alone: marking it as managed would make a
    /// permanent one mutable, and take an EVPN entry from the daemon that learned it (`__neigh_update` in
    /// net/core/neighbour.c).
    Other,
}

impl Netlink {
    /// Makes a permanent neighbour entry, in place of what was known of that address before.
    ///
    /// # Errors
    /// When the interface does not exist.
    pub async fn add_neighbour(
        &self,
        link: &str,
        address: IpAddr,
        mac: Mac,
    ) -> Result<(), NetError> {
        let what = || format!("add neighbour {address} at {mac} on {link}");
        let interface = self.find_link(link).await.map_err(failed(what()))?.index;
        let mut message = entry(Place { address, interface });
        message.header.state = Nud::Permanent;
        message
            .attributes
            .push(NeighbourAttribute::LinkLayerAddress(mac.0.to_vec()));
        let request = RouteNetlinkMessage::NewNeighbour(message);
        self.tell(request, NLM_F_CREATE | NLM_F_REPLACE)
            .await
            .map_err(failed(what()))
    }

    /// Deletes a neighbour entry, whoever made it; no error if there is none.
    ///
    /// # Errors
    /// When the interface does not exist.
    pub async fn remove_neighbour(&self, link: &str, address: IpAddr) -> Result<(), NetError> {
        let what = || format!("remove neighbour {address} from {link}");
        let interface = self.find_link(link).await.map_err(failed(what()))?.index;
        let request = RouteNetlinkMessage::DelNeighbour(entry(Place { address, interface }));
        match self.tell(request, 0).await {
            Err(refused) if refused.is(libc::ENOENT) => Ok(()),
            result => result.map_err(failed(what())),
        }
    }

    /// All neighbour entries of the namespace.
    pub(crate) async fn neighbours(&self) -> Result<Vec<(Place, Neighbour)>, Refused> {
        let request = RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default());
        let answer = self.ask(request, NLM_F_DUMP).await?;
        Ok(answer.iter().filter_map(neighbour_of).collect())
    }

    /// The neighbour entry at a place, if there is one.
    async fn neighbour(&self, place: Place) -> Result<Option<Neighbour>, Refused> {
        let request = RouteNetlinkMessage::GetNeighbour(entry(place));
        match self.ask(request, 0).await {
            Ok(answer) => {
                let found = answer.iter().find_map(neighbour_of);
                Ok(found.map(|(_, neighbour)| neighbour))
            }
            Err(refused) if refused.is(libc::ENOENT) || refused.is(libc::ENODEV) => Ok(None),
            Err(refused) => Err(refused),
        }
    }

    /// Has the kernel make an entry and keep it resolved. An entry that came into being meanwhile is left as it is.
    /// Gives the entry: the kernel announces a new one only when it is answered, and not at all where no answer is needed.
    pub(crate) async fn create_kept(&self, place: Place) -> Result<Option<Neighbour>, Refused> {
        match self.tell(kept(place), NLM_F_CREATE | NLM_F_EXCL).await {
            Err(refused) if !refused.is(libc::EEXIST) => Err(refused),
            _ => self.neighbour(place).await,
        }
    }

    /// Has the kernel keep an entry of its cache resolved. No error if the entry is gone meanwhile.
    pub(crate) async fn keep(&self, place: Place) -> Result<(), Refused> {
        not_there_is_fine(self.tell(kept(place), 0).await)
    }

    /// Gives a kept entry back to the kernel's cache, which forgets it when nothing else uses it.
    pub(crate) async fn release(&self, place: Place) -> Result<(), Refused> {
        let mut message = entry(place);
        message.header.flags = NeighbourFlags::Use;
        not_there_is_fine(
            self.tell(RouteNetlinkMessage::NewNeighbour(message), 0)
                .await,
        )
    }
}

fn not_there_is_fine(result: Result<(), Refused>) -> Result<(), Refused> {
    match result {
        Err(refused) if refused.is(libc::ENOENT) || refused.is(libc::ENODEV) => Ok(()),
        result => result,
    }
}

fn entry(place: Place) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = family(place.address);
    message.header.ifindex = place.interface;
    message
        .attributes
        .push(NeighbourAttribute::Destination(place.address.into()));
    message
}

/// `NTF_USE` besides the mark makes kernels before 5.16, which do not know the mark, ask at least once.
fn kept(place: Place) -> RouteNetlinkMessage {
    let mut message = entry(place);
    message.header.flags = NeighbourFlags::Use;
    message
        .attributes
        .push(NeighbourAttribute::ExtFlags(NeighbourExtFlags::Managed));
    message
        .attributes
        .push(NeighbourAttribute::Protocol(RouteProtocol::Other(PROTOCOL)));
    RouteNetlinkMessage::NewNeighbour(message)
}

fn neighbour_of(message: &RouteNetlinkMessage) -> Option<(Place, Neighbour)> {
    match message {
        RouteNetlinkMessage::NewNeighbour(message) => {
            Some((Place::of(message)?, Neighbour::of(message)))
        }
        _ => None,
    }
}

impl Place {
    /// From the first to the last place that an address can have.
    pub(crate) fn all_of(address: IpAddr) -> RangeInclusive<Self> {
        let on = |interface| Self { address, interface };
        on(0)..=on(u32::MAX)
    }

    /// None if the entry is not of IPv4 or IPv6 (a bridge's forwarding entry).
    pub(crate) fn of(message: &NeighbourMessage) -> Option<Self> {
        let address = message
            .attributes
            .iter()
            .find_map(|attribute| match attribute {
                NeighbourAttribute::Destination(NeighbourAddress::Inet(address)) => {
                    Some((*address).into())
                }
                NeighbourAttribute::Destination(NeighbourAddress::Inet6(address)) => {
                    Some((*address).into())
                }
                _ => None,
            })?;
        Some(Self {
            address,
            interface: message.header.ifindex,
        })
    }
}

impl Neighbour {
    pub(crate) fn of(message: &NeighbourMessage) -> Self {
        let mut mac = None;
        let mut marks = NeighbourExtFlags::empty();
        let mut ours = false;
        for attribute in &message.attributes {
            match attribute {
                NeighbourAttribute::LinkLayerAddress(bytes) => {
                    mac = <[u8; 6]>::try_from(bytes.as_slice()).ok().map(Mac);
                }
                NeighbourAttribute::ExtFlags(flags) => marks = *flags,
                NeighbourAttribute::Protocol(protocol) => ours = u8::from(*protocol) == PROTOCOL,
                _ => {}
            }
        }
        let header = &message.header;
        let answer = match header.state {
            Nud::Failed => Answer::Missing,
            Nud::Reachable | Nud::Stale | Nud::Delay | Nud::Probe | Nud::Permanent | Nud::Noarp => {
                mac.map_or(Answer::Awaited, Answer::Known)
            }
            _ => Answer::Awaited,
        };
        let fixed = matches!(header.state, Nud::Permanent | Nud::Noarp);
        let keeper = if fixed || header.flags.contains(NeighbourFlags::ExtLearned) {
            Keeper::Other
        } else if !marks.contains(NeighbourExtFlags::Managed) {
            Keeper::Nobody
        } else if ours {
            Keeper::Dray
        } else {
            Keeper::Other
        };
        Self { answer, keeper }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = Mac([2, 0, 0, 0, 0, 7]);

    fn seen(state: Nud, attributes: &[NeighbourAttribute]) -> Neighbour {
        let place = Place {
            address: IpAddr::from([10, 0, 0, 7]),
            interface: 3,
        };
        let mut message = entry(place);
        message.header.state = state;
        message.attributes.extend_from_slice(attributes);
        assert_eq!(Place::of(&message), Some(place));
        Neighbour::of(&message)
    }

    fn lladdr() -> NeighbourAttribute {
        NeighbourAttribute::LinkLayerAddress(MAC.0.to_vec())
    }

    #[test]
    fn an_entry_in_use_is_known_whether_confirmed_or_not() {
        for state in [
            Nud::Reachable,
            Nud::Stale,
            Nud::Delay,
            Nud::Probe,
            Nud::Permanent,
            Nud::Noarp,
        ] {
            assert_eq!(
                seen(state, &[lladdr()]).answer,
                Answer::Known(MAC),
                "{state}"
            );
        }
    }

    #[test]
    fn an_entry_without_an_ethernet_address_is_not_known() {
        assert_eq!(seen(Nud::Reachable, &[]).answer, Answer::Awaited);
        let infiniband = NeighbourAttribute::LinkLayerAddress(vec![0; 20]);
        assert_eq!(seen(Nud::Reachable, &[infiniband]).answer, Answer::Awaited);
        assert_eq!(seen(Nud::Incomplete, &[]).answer, Answer::Awaited);
        assert_eq!(seen(Nud::None, &[]).answer, Answer::Awaited);
    }

    #[test]
    fn a_failed_entry_is_missing_even_if_it_still_shows_its_last_address() {
        assert_eq!(seen(Nud::Failed, &[lladdr()]).answer, Answer::Missing);
    }

    #[test]
    fn only_an_entry_with_both_marks_is_kept_by_dray() {
        let managed = NeighbourAttribute::ExtFlags(NeighbourExtFlags::Managed);
        let ours = NeighbourAttribute::Protocol(RouteProtocol::Other(PROTOCOL));
        assert_eq!(
            seen(Nud::Stale, &[lladdr(), managed.clone(), ours.clone()]).keeper,
            Keeper::Dray
        );
        assert_eq!(seen(Nud::Stale, &[lladdr(), managed]).keeper, Keeper::Other);
        assert_eq!(seen(Nud::Stale, &[lladdr(), ours]).keeper, Keeper::Nobody);
        assert_eq!(seen(Nud::Stale, &[lladdr()]).keeper, Keeper::Nobody);
    }

    #[test]
    fn an_entry_that_an_operator_or_a_routing_daemon_made_is_theirs() {
        assert_eq!(seen(Nud::Permanent, &[lladdr()]).keeper, Keeper::Other);
        let mut message = entry(Place {
            address: IpAddr::from([10, 0, 0, 7]),
            interface: 3,
        });
        message.header.flags = NeighbourFlags::ExtLearned;
        assert_eq!(Neighbour::of(&message).keeper, Keeper::Other);
    }
}

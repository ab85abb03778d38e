//! Destinations.

use dray_abi::{Destination, DestinationInfo};
use dray_model::{ActualDestination, Forward};

use super::{
    address_bytes, service_key,
    tunnel::{self, Fields},
};

/// What packets read of a destination, but for the number of its service.
pub(crate) fn destination(destination: &ActualDestination) -> Destination {
    let flag = |is: bool, flag: u16| if is { flag } else { 0 };
    Destination {
        hop: destination.hop.map_or(0, |hop| hop.0),
        flags: method_number(destination.forward) << Destination::METHOD_SHIFT
            | flag(destination.available, Destination::AVAILABLE)
            | flag(destination.weight == 0, Destination::QUIESCED)
            | flag(destination.local, Destination::LOCAL),
        port: destination.port.to_be_bytes(),
        weight: destination.weight,
        service: 0,
    }
}

/// Who the destination is.
pub(crate) fn info(destination: &ActualDestination) -> DestinationInfo {
    let Fields {
        tunnel,
        checksum,
        tunnel_port,
    } = match destination.forward {
        Forward::Tunnel(tunnel) => tunnel::fields(tunnel),
        _ => Fields::default(),
    };
    DestinationInfo {
        real: address_bytes(destination.real),
        service: service_key(&destination.service),
        used: 1,
        tunnel,
        checksum,
        tunnel_port,
        reserved: 0,
    }
}

/// The forwarding method of a destination; `None` if it is none of ours.
pub(crate) fn forward(destination: &Destination, info: &DestinationInfo) -> Option<Forward> {
    match destination.method() {
        Destination::NAT => Some(Forward::Nat),
        Destination::TUNNEL => {
            let fields = Fields {
                tunnel: info.tunnel,
                checksum: info.checksum,
                tunnel_port: info.tunnel_port,
            };
            tunnel::tunnel(fields).map(Forward::Tunnel)
        }
        Destination::DIRECT_ROUTING => Some(Forward::DirectRouting),
        Destination::FULLNAT => Some(Forward::FullNat),
        _ => None,
    }
}

const fn method_number(forward: Forward) -> u16 {
    match forward {
        Forward::Nat => Destination::NAT,
        Forward::Tunnel(_) => Destination::TUNNEL,
        Forward::DirectRouting => Destination::DIRECT_ROUTING,
        Forward::FullNat => Destination::FULLNAT,
    }
}

//! Tunnels, as next hops and destinations say them.

use std::num::NonZeroU16;

use dray_abi::Hop;
use dray_model::{Tunnel, TunnelChecksum};

/// What a tunnel is made of, in the fields of a [`Hop`] or of a `DestinationInfo`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    pub(crate) tunnel: u8,
    pub(crate) checksum: u8,
    pub(crate) tunnel_port: [u8; 2],
}

const NONE: u8 = 0;
const FULL: u8 = 1;
const REMOTE: u8 = 2;

/// The fields of that tunnel.
pub(crate) fn fields(tunnel: Tunnel) -> Fields {
    match tunnel {
        Tunnel::IpIp => Fields {
            tunnel: Hop::IPIP,
            ..Fields::default()
        },
        Tunnel::Gue { port, checksum } => Fields {
            tunnel: Hop::GUE,
            checksum: checksum_number(checksum),
            tunnel_port: port.get().to_be_bytes(),
        },
        Tunnel::Gre { checksum } => Fields {
            tunnel: Hop::GRE,
            checksum: checksum_number(checksum),
            ..Fields::default()
        },
    }
}

/// The tunnel of those fields; `None` if it is none of ours.
pub(crate) fn tunnel(fields: Fields) -> Option<Tunnel> {
    let checksum = match fields.checksum {
        NONE => TunnelChecksum::None,
        FULL => TunnelChecksum::Full,
        REMOTE => TunnelChecksum::Remote,
        _ => return None,
    };
    match fields.tunnel {
        Hop::IPIP => Some(Tunnel::IpIp),
        Hop::GUE => Some(Tunnel::Gue {
            port: NonZeroU16::new(u16::from_be_bytes(fields.tunnel_port))?,
            checksum,
        }),
        Hop::GRE => Some(Tunnel::Gre { checksum }),
        _ => None,
    }
}

const fn checksum_number(checksum: TunnelChecksum) -> u8 {
    match checksum {
        TunnelChecksum::None => NONE,
        TunnelChecksum::Full => FULL,
        TunnelChecksum::Remote => REMOTE,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn any_tunnel() -> impl Strategy<Value = Tunnel> {
        let checksum = || {
            prop_oneof![
                Just(TunnelChecksum::None),
                Just(TunnelChecksum::Full),
                Just(TunnelChecksum::Remote),
            ]
        };
        let port = (1..=u16::MAX).prop_map(|port| NonZeroU16::new(port).unwrap());
        prop_oneof![
            Just(Tunnel::IpIp),
            (port, checksum()).prop_map(|(port, checksum)| Tunnel::Gue { port, checksum }),
            checksum().prop_map(|checksum| Tunnel::Gre { checksum }),
        ]
    }

    proptest! {
        #[test]
        fn a_tunnel_survives_the_way_into_fields_and_back(tunnel in any_tunnel()) {
            prop_assert_eq!(super::tunnel(fields(tunnel)), Some(tunnel));
        }
    }

    #[test]
    fn what_packets_look_at_says_whether_there_is_a_checksum() {
        for checksum in [
            TunnelChecksum::None,
            TunnelChecksum::Full,
            TunnelChecksum::Remote,
        ] {
            let tunnel = Tunnel::Gre { checksum };
            assert_eq!(fields(tunnel).checksum != 0, tunnel.has_checksum());
        }
    }
}

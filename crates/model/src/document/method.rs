//! The keys of a forwarding method, of which real servers write only what is not their service's.

use crate::{Forward, Tunnel, TunnelChecksum, config::spelling};

/// The keys of a method.
#[derive(Debug, Default)]
pub(super) struct Method {
    pub(super) forward: Option<String>,
    pub(super) tunnel: Option<String>,
    pub(super) tunnel_port: Option<u16>,
    pub(super) tunnel_checksum: Option<bool>,
}

impl Method {
    /// What somebody writes to get `forward` where `inherited` holds otherwise.
    pub(super) fn beside(forward: Forward, inherited: Forward) -> Self {
        let same = forward.name() == inherited.name();
        let mut method = Self {
            forward: (!same).then(|| forward.name().to_owned()),
            ..Self::default()
        };
        let Forward::Tunnel(tunnel) = forward else {
            return method;
        };
        let base = match inherited {
            Forward::Tunnel(tunnel) => tunnel,
            _ => Tunnel::default(),
        };
        if tunnel.name() != base.name() {
            method.tunnel = Some(tunnel.name().to_owned());
        }
        if let Tunnel::Gue { port, .. } = tunnel {
            let default = match base {
                Tunnel::Gue { port, .. } => port,
                _ => spelling::GUE_PORT,
            };
            method.tunnel_port = (port != default).then_some(port.get());
        }
        if let Tunnel::Gue { checksum, .. } | Tunnel::Gre { checksum } = tunnel {
            // What comes from the wire is alike with a full checksum and IPVS's remote one.
            let is_there = checksum != TunnelChecksum::None;
            method.tunnel_checksum = (is_there != base.has_checksum()).then_some(is_there);
        }
        method
    }
}

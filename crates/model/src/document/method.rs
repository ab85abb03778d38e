//! The keys of a forwarding method, of which real servers write only what is not their service's.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Forward, Tunnel, TunnelChecksum, config::spelling};

/// Whether a tunnel has a checksum over the inner packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Checksum {
    /// It has, or has not.
    Switch(bool),
    /// `remote` for IPVS's remote checksum.
    Word(String),
}

impl From<bool> for Checksum {
    fn from(is_there: bool) -> Self {
        Self::Switch(is_there)
    }
}

impl From<TunnelChecksum> for Checksum {
    fn from(checksum: TunnelChecksum) -> Self {
        match checksum {
            TunnelChecksum::None => Self::Switch(false),
            TunnelChecksum::Full => Self::Switch(true),
            TunnelChecksum::Remote => Self::Word(spelling::REMOTE.to_owned()),
        }
    }
}

/// The keys of a method.
#[derive(Debug, Default)]
pub(super) struct Method {
    pub(super) forward: Option<String>,
    pub(super) tunnel: Option<String>,
    pub(super) tunnel_port: Option<u16>,
    pub(super) tunnel_checksum: Option<Checksum>,
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
            let default = base.checksum();
            method.tunnel_checksum = (checksum != default).then(|| checksum.into());
        }
        method
    }
}

//! How packets reach a real server.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How packets reach a real server: its keys stand beside those of what it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Forward {
    /// The forwarding method: `dr`, `tun`, `nat` or `fullnat`.
    #[serde(rename = "forward")]
    pub method: String,
    /// What its tunnel is made of; none with other methods.
    pub tunnel: Option<Tunnel>,
}

/// What a tunnel is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tunnel {
    /// `ipip`, `gre` or `gue`.
    pub kind: String,
    /// The real server's UDP port; none but with `gue`.
    pub port: Option<u16>,
    /// Whether the outer packet has a checksum over all that is inside.
    pub checksum: bool,
}

/// In a few words: `dr`, `tun gue`.
impl fmt::Display for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.method)?;
        match &self.tunnel {
            Some(tunnel) => write!(f, " {}", tunnel.kind),
            None => Ok(()),
        }
    }
}

impl From<dray_model::Forward> for Forward {
    fn from(forward: dray_model::Forward) -> Self {
        let tunnel = match forward {
            dray_model::Forward::Tunnel(tunnel) => Some(tunnel.into()),
            _ => None,
        };
        Self {
            method: forward.name().to_owned(),
            tunnel,
        }
    }
}

impl From<dray_model::Tunnel> for Tunnel {
    fn from(tunnel: dray_model::Tunnel) -> Self {
        Self {
            kind: tunnel.name().to_owned(),
            port: match tunnel {
                dray_model::Tunnel::Gue { port, .. } => Some(port.get()),
                _ => None,
            },
            checksum: tunnel.has_checksum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use dray_model::TunnelChecksum;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Weighed {
        weight: u16,
        #[serde(flatten)]
        forward: Option<Forward>,
    }

    fn both_ways(forward: Option<Forward>) -> Value {
        let weighed = Weighed { weight: 3, forward };
        let json = serde_json::to_value(&weighed).expect("JSON");
        assert_eq!(
            serde_json::from_value::<Weighed>(json.clone()).expect("as before"),
            weighed
        );
        json
    }

    #[test]
    fn a_method_stands_beside_the_other_keys() {
        let gue = dray_model::Forward::Tunnel(dray_model::Tunnel::Gue {
            port: NonZeroU16::new(6080).expect("not zero"),
            checksum: TunnelChecksum::Full,
        });
        assert_eq!(Forward::from(gue).to_string(), "tun gue");
        assert_eq!(
            both_ways(Some(gue.into())),
            json!({
                "weight": 3,
                "forward": "tun",
                "tunnel": {"kind": "gue", "port": 6080, "checksum": true},
            })
        );
        let nat = Forward::from(dray_model::Forward::Nat);
        assert_eq!(nat.to_string(), "nat");
        assert_eq!(
            both_ways(Some(nat)),
            json!({"weight": 3, "forward": "nat", "tunnel": null})
        );
        assert_eq!(both_ways(None), json!({"weight": 3}));
    }
}

//! `GET /v1/connections`: connections of the table.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    num::{NonZeroU32, ParseIntError},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use super::{Forward, Prefix, Protocol};

/// Which connections to list: those that every given filter accepts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionsQuery {
    /// Clients whose address begins so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<Prefix>,
    /// The service of this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// This real server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub real: Option<IpAddr>,
    /// This state, in IPVS's names; upper and lower case are the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// At most so many.
    #[serde(default)]
    pub limit: Limit,
}

/// How many connections one answer may hold: 1 to 100,000; 1,000 when nothing is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Limit(NonZeroU32);

/// The number is not a limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a limit is a number from 1 to {MAX}; narrow the list with client, service, real or state")]
pub struct InvalidLimit;

const MAX: u32 = 100_000;

impl Limit {
    /// A limit.
    ///
    /// # Errors
    /// When it is 0 or above 100,000: an answer is one piece in memory.
    pub fn new(limit: u32) -> Result<Self, InvalidLimit> {
        NonZeroU32::new(limit)
            .filter(|limit| limit.get() <= MAX)
            .map(Self)
            .ok_or(InvalidLimit)
    }

    /// The number.
    pub const fn value(self) -> u32 {
        self.0.get()
    }
}

impl Default for Limit {
    fn default() -> Self {
        const DEFAULT: NonZeroU32 = NonZeroU32::new(1_000).expect("1,000 is not 0");
        Self(DEFAULT)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Limit {
    type Err = InvalidLimit;

    fn from_str(text: &str) -> Result<Self, InvalidLimit> {
        text.parse()
            .map_err(|_: ParseIntError| InvalidLimit)
            .and_then(Self::new)
    }
}

impl TryFrom<u32> for Limit {
    type Error = InvalidLimit;

    fn try_from(limit: u32) -> Result<Self, InvalidLimit> {
        Self::new(limit)
    }
}

impl From<Limit> for u32 {
    fn from(limit: Limit) -> Self {
        limit.value()
    }
}

/// Connections of the table, in no order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connections {
    /// The connections.
    pub connections: Vec<Connection>,
    /// Whether there are more than the limit let through.
    pub more: bool,
}

/// One connection of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Transport protocol.
    pub protocol: Protocol,
    /// The client.
    pub client: SocketAddr,
    /// VIP and port that the client asks.
    #[serde(rename = "virtual")]
    pub virtual_: SocketAddr,
    /// Name of the service that gave it its real server; none when it is no longer in the configuration.
    pub service: Option<String>,
    /// The real server; none when the data plane no longer says.
    pub real: Option<IpAddr>,
    /// The port that its packets reach the real server at; none together with the real server.
    pub real_port: Option<u16>,
    /// How packets reach the real server; none together with it.
    #[serde(flatten)]
    pub forward: Option<Forward>,
    /// With FULLNAT, the director's address and port that the real server sees as its client; none otherwise.
    pub local: Option<SocketAddr>,
    /// State, in IPVS's names (`ESTABLISHED`, `UDP`, …).
    pub state: String,
    /// Time until it ends if no packet comes, in seconds.
    pub expires_seconds: u64,
    /// Time since its first packet, in seconds.
    pub age_seconds: u64,
}

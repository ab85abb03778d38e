//! `GET /v1/connections`: connections of the table.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    num::{NonZeroU32, ParseIntError},
    str::FromStr,
};

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Forward, Prefix, Protocol};

/// Which connections to list: those that every given filter accepts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ConnectionsQuery {
    /// Clients whose address begins so: an address, or a network such as `10.0.0.0/8`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, example = "10.0.0.0/8")]
    pub client: Option<Prefix>,
    /// The service of this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// This real server.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, example = "10.77.0.11")]
    pub real: Option<IpAddr>,
    /// This state, in IPVS's names; upper and lower case are the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// At most so many.
    #[serde(default)]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100_000)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Connections {
    /// The connections.
    pub connections: Vec<Connection>,
    /// Whether there are more than the limit let through.
    pub more: bool,
}

/// One connection of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Connection {
    /// Transport protocol.
    pub protocol: Protocol,
    /// The client.
    #[schema(value_type = String, example = "10.77.0.11:80")]
    pub client: SocketAddr,
    /// VIP and port that the client asks.
    #[serde(rename = "virtual")]
    #[schema(value_type = String, example = "10.77.0.11:80")]
    pub virtual_: SocketAddr,
    /// Name of the service that gave it its real server; none when it is no longer in the configuration.
    pub service: Option<String>,
    /// The real server; none when the data plane no longer says.
    #[schema(value_type = Option<String>, example = "10.77.0.11")]
    pub real: Option<IpAddr>,
    /// The port that its packets reach the real server at; none together with the real server.
    pub real_port: Option<u16>,
    /// How packets reach the real server; none together with it.
    #[serde(flatten)]
    pub forward: Option<Forward>,
    /// With FULLNAT, the director's address and port that the real server sees as its client; none otherwise.
    #[schema(value_type = Option<String>, example = "10.77.0.11:80")]
    pub local: Option<SocketAddr>,
    /// State, in IPVS's names (`ESTABLISHED`, `UDP`, …).
    pub state: String,
    /// Time until it ends if no packet comes, in seconds.
    pub expires_seconds: u64,
    /// Time since its first packet, in seconds.
    pub age_seconds: u64,
}

/// Which connections to end: those that every given filter accepts. There must be one, or `all`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EndQuery {
    /// Clients whose address begins so: an address, or a network such as `10.0.0.0/8`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, example = "10.0.0.0/8")]
    pub client: Option<Prefix>,
    /// The service of this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// This real server.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, example = "10.77.0.11")]
    pub real: Option<IpAddr>,
    /// This state, in IPVS's names; upper and lower case are the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Whether persistence templates end too. With `state`, none do: their states are others.
    #[serde(default)]
    #[param(required = false)]
    pub templates: bool,
    /// Every connection, which no filter says.
    #[serde(default)]
    #[param(required = false)]
    pub all: bool,
}

/// What was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ended {
    /// Connections, and templates if they were to end too.
    pub ended: u64,
}

impl EndQuery {
    /// Whether there is a filter.
    pub fn has_a_filter(&self) -> bool {
        let Self {
            client,
            service,
            real,
            state,
            templates: _,
            all: _,
        } = self;
        client.is_some() || service.is_some() || real.is_some() || state.is_some()
    }
}

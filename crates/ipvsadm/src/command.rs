//! What a command line asks for.

use std::{
    net::IpAddr,
    num::{NonZeroU16, NonZeroU32},
};

use dray_model::ServiceIdentity;

use crate::{DestinationSettings, ServiceSettings, listing::Format};

/// A command line, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// One that changes something.
    Change(Change),
    /// `-L`
    List(List, Format),
    /// `-S`
    Save {
        /// `-n`: numbers, not names.
        numeric: bool,
    },
    /// `-R`
    Restore,
    /// `-h`
    Help,
    /// `-v`
    Version,
}

/// A command that changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// `-A`
    AddService(ServiceIdentity, ServiceSettings),
    /// `-E`
    EditService(ServiceIdentity, ServiceSettings),
    /// `-D`
    DeleteService(ServiceIdentity),
    /// `-C`
    Clear,
    /// `-a`
    AddServer(ServiceIdentity, DestinationSettings),
    /// `-e`
    EditServer(ServiceIdentity, DestinationSettings),
    /// `-d`, with the real server's address and port.
    DeleteServer(ServiceIdentity, (IpAddr, u16)),
    /// `-Z`, of one service or of all.
    Zero(Option<ServiceIdentity>),
    /// `--set`
    SetTimeouts(SetTimeouts),
    /// `--start-daemon`
    StartDaemon(StartDaemon),
    /// `--stop-daemon`
    StopDaemon(Role),
}

/// What `-L` lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// All services.
    All,
    /// One service.
    One(ServiceIdentity),
    /// Connections.
    Connections,
    /// The timeouts.
    Timeouts,
    /// The synchronisation daemons.
    Daemons,
}

/// The timeouts of `--set`, in seconds; `None` leaves one as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetTimeouts {
    /// TCP ESTABLISHED.
    pub tcp: Option<NonZeroU32>,
    /// TCP FIN_WAIT.
    pub tcp_fin: Option<NonZeroU32>,
    /// UDP.
    pub udp: Option<NonZeroU32>,
}

/// Which synchronisation daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The one that sends.
    Master,
    /// The one that receives.
    Backup,
}

/// The synchronisation daemon of `--start-daemon`; what is `None` is the kernel's default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartDaemon {
    /// Which one.
    pub role: Role,
    /// The interface, 15 bytes at most.
    pub interface: String,
    /// The group's number.
    pub syncid: u8,
    /// The longest message, in bytes (1 to 65,507).
    pub longest: Option<NonZeroU16>,
    /// The multicast group.
    pub group: Option<IpAddr>,
    /// The UDP port.
    pub port: Option<NonZeroU16>,
    /// The TTL of messages, 1 to 255.
    pub ttl: Option<u8>,
}

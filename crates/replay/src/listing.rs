//! The listings of services, real servers and connections: `ipvsadm -L` and `-S`, and the files of `/proc/net`.
//!
//! The text is exactly that of `ipvsadm` 1.31 and Linux 6.1, trailing blanks included; [`normalise`] makes of it
//! what scenarios hold.

mod connections;
mod normalise;
mod proc;
mod rules;
mod sort;
mod table;

use dray_model::{DestinationId, Live, Timeouts};

use crate::ipvs::Ipvs;

pub use connections::{Connection, connections, proc_connections};
pub use normalise::normalise;
pub use proc::{proc_services, proc_statistics};
pub use rules::rules;
pub use table::{one, table};

/// What a listing of services shows, by the options of `ipvsadm -L`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Format {
    /// `--stats`
    pub stats: bool,
    /// `--rate`
    pub rate: bool,
    /// `--thresholds`
    pub thresholds: bool,
    /// `--persistent-conn`
    pub persistent_conn: bool,
    /// `--tun-info`
    pub tunnels: bool,
    /// `--nosort`
    pub nosort: bool,
    /// `--exact`
    pub exact: bool,
}

/// What the listings are made of.
pub struct Facts<'a> {
    /// The configuration.
    pub ipvs: &'a Ipvs,
    /// The connections of a real server now.
    pub live: &'a dyn Fn(DestinationId) -> Live,
}

/// The line of `ipvsadm -L --timeout`.
pub fn timeouts(timeouts: &Timeouts) -> String {
    format!(
        "Timeout (tcp tcpfin udp): {} {} {}\n",
        timeouts.tcp.as_secs(),
        timeouts.tcp_fin.as_secs(),
        timeouts.udp.as_secs()
    )
}

/// The first line of listings of all services.
const TITLE: &str = "IP Virtual Server version 1.2.1 (size=4096)\n";

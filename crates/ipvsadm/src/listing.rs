//! What `ipvsadm -L` and `-S` print: exactly the text of version 1.31, trailing blanks included.

mod connections;
mod daemons;
mod look;
mod number;
mod rules;
mod service;
mod sort;
mod table;

use dray_model::Timeouts;

pub use connections::connections;
pub use daemons::daemons;
pub use look::Look;
pub use rules::{Saved, rules};
pub use table::{one, table};

/// What a listing of services shows, by the options of `ipvsadm -L`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Format {
    /// `-n`: numbers, not names.
    pub numeric: bool,
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

/// The line of `ipvsadm -L --timeout`.
pub fn timeouts(timeouts: &Timeouts) -> String {
    format!(
        "Timeout (tcp tcpfin udp): {} {} {}\n",
        timeouts.tcp.as_secs(),
        timeouts.tcp_fin.as_secs(),
        timeouts.udp.as_secs()
    )
}

//! What a command line asks for, and what `ipvsadm` says when it does not get it.

use std::num::NonZeroU32;

use dray_model::ServiceIdentity;

use crate::{DestinationSettings, Refusal, ServiceSettings, listing::Format};

/// A command line, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
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
    /// `-d`
    DeleteServer(ServiceIdentity, DestinationSettings),
    /// `-L`
    List(List, Format),
    /// `-S`
    Save,
    /// `-R`, of which nothing is to be read.
    Restore,
    /// `-Z`
    Zero(Option<ServiceIdentity>),
    /// `--set`
    SetTimeouts(SetTimeouts),
    /// `--start-daemon`
    StartDaemon,
    /// `--stop-daemon`
    StopDaemon,
    /// `-h`
    Help,
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

/// A command line that `ipvsadm` itself refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The exit status.
    pub status: i32,
    /// What it prints, with its line end.
    pub text: String,
}

impl Usage {
    pub(crate) fn wrong(text: impl Into<String>) -> Self {
        Self {
            status: 2,
            text: text.into() + "\n",
        }
    }

    pub(crate) fn try_help() -> Self {
        Self {
            status: 255,
            text: "Try `ipvsadm -h' or 'ipvsadm --help' for more information.\n".to_owned(),
        }
    }
}

/// What `-v` prints.
pub(crate) const VERSION: &str = "ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\n";

impl Command {
    /// What `ipvsadm` prints when the kernel refuses the command so.
    pub fn refusal(&self, refusal: Refusal) -> &'static str {
        match (self, refusal) {
            (Self::AddService(..), Refusal::Exists) => "Service already exists",
            (Self::AddService(..) | Self::EditService(..), Refusal::NoEntry) => {
                "Scheduler or persistence engine not found"
            }
            (
                Self::EditService(..) | Self::DeleteService(_) | Self::Zero(_) | Self::List(..),
                Refusal::NoProcess,
            ) => "No such service",
            (
                Self::AddServer(..) | Self::EditServer(..) | Self::DeleteServer(..),
                Refusal::NoProcess,
            ) => "Service not defined",
            (Self::AddServer(..), Refusal::Exists) => "Destination already exists",
            (Self::EditServer(..) | Self::DeleteServer(..), Refusal::NoEntry) => {
                "No such destination"
            }
            (Self::StopDaemon, Refusal::NoProcess) => "No daemon is running",
            (_, Refusal::Exists) => "File exists",
            (_, Refusal::NoEntry) => "No such file or directory",
            (_, Refusal::NoProcess) => "No such process",
            (_, Refusal::Range) => "Numerical result out of range",
            (_, Refusal::Invalid) => {
                "Invalid operation.  Possibly wrong module version, address not unicast, ..."
            }
        }
    }
}

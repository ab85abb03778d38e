//! Why a command is refused, and what `ipvsadm` prints then.

use crate::Change;

/// Why a director refuses a command: the kernel's error numbers, or words. What `ipvsadm` prints depends on the command too.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// EEXIST
    #[error("File exists")]
    Exists,
    /// ENOENT
    #[error("No such file or directory")]
    NoEntry,
    /// ESRCH
    #[error("No such process")]
    NoProcess,
    /// ENODEV
    #[error("No such device")]
    NoDevice,
    /// ERANGE
    #[error("Numerical result out of range")]
    Range,
    /// EINVAL
    #[error("Invalid operation.  Possibly wrong module version, address not unicast, ...")]
    Invalid,
    /// EPERM
    #[error("Permission denied (you must be root)")]
    NotPermitted,
    /// ENOPROTOOPT
    #[error("Protocol not available")]
    NoProtocol,
    /// What no error number of IPVS says, in the director's own words.
    #[error("{0}")]
    Words(String),
}

impl Refusal {
    /// What `ipvsadm` prints when a command is refused so, without a line end.
    pub fn text(&self, change: &Change) -> String {
        match (change, self) {
            (Change::AddService(..), Self::Exists) => "Service already exists",
            (Change::AddService(..) | Change::EditService(..), Self::NoEntry) => {
                "Scheduler or persistence engine not found"
            }
            (
                Change::EditService(..) | Change::DeleteService(_) | Change::Zero(_),
                Self::NoProcess,
            ) => NO_SERVICE,
            (
                Change::AddServer(..) | Change::EditServer(..) | Change::DeleteServer(..),
                Self::NoProcess,
            ) => "Service not defined",
            (Change::AddServer(..), Self::Exists) => "Destination already exists",
            (Change::EditServer(..) | Change::DeleteServer(..), Self::NoEntry) => {
                "No such destination"
            }
            (Change::StartDaemon(_), Self::Exists) => "Daemon has already run",
            (Change::StopDaemon(_), Self::NoProcess) => "No daemon is running",
            _ => return self.to_string(),
        }
        .to_owned()
    }
}

/// What `ipvsadm` prints of a service that is not there.
pub(crate) const NO_SERVICE: &str = "No such service";

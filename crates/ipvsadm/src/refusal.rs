//! Why IPVS refuses a command.

/// Why IPVS refuses a command, as the kernel's error numbers have it. What `ipvsadm` prints depends on the command too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
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
    /// ERANGE
    #[error("Numerical result out of range")]
    Range,
    /// EINVAL
    #[error("Invalid argument")]
    Invalid,
}

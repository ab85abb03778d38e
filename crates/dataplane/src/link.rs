//! Ending a pinned link.
//!
//! Unpinning alone ends a link only some time later: the kernel lets go of it after a grace period, on a worker
//! (`bpf_link_put` in kernel/bpf/syscall.c), and not at all while somebody else holds it. Until then the program
//! goes on, and nothing else can be attached to the interface. So the program is detached first.

use std::{
    ffi::CString,
    fs, io,
    os::{
        fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd},
        unix::ffi::OsStrExt as _,
    },
    path::Path,
};

use tracing::warn;

/// Detaches the program of a pinned link, waits until that is so, and removes the pin.
///
/// # Errors
/// When the pin cannot be removed.
pub(crate) fn end(path: &Path) -> io::Result<()> {
    if let Err(error) = open(path).and_then(|link| detach(&link)) {
        warn!(%error, path = %path.display(), "failed to detach a program; unpinning it ends it too, if a little later");
    }
    fs::remove_file(path)
}

fn open(path: &Path) -> io::Result<OwnedFd> {
    /// `BPF_OBJ_GET` of the kernel's `enum bpf_cmd`, and its part of `union bpf_attr`.
    const COMMAND: libc::c_int = 7;
    #[repr(C)]
    struct Attributes {
        path: u64,
        fd: u32,
        flags: u32,
    }
    let path = CString::new(path.as_os_str().as_bytes())?;
    let attributes = Attributes {
        path: path.as_ptr() as u64,
        fd: 0,
        flags: 0,
    };
    let fd = bpf(COMMAND, &attributes)?;
    #[expect(unsafe_code, reason = "aya does not hand out the descriptor of a link")]
    // SAFETY: the kernel has just opened it for this call, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn detach(link: &OwnedFd) -> io::Result<()> {
    /// `BPF_LINK_DETACH` of the kernel's `enum bpf_cmd`, and its part of `union bpf_attr`.
    const COMMAND: libc::c_int = 34;
    #[repr(C)]
    struct Attributes {
        link: RawFd,
    }
    let attributes = Attributes {
        link: link.as_raw_fd(),
    };
    bpf(COMMAND, &attributes).map(drop)
}

fn bpf<A>(command: libc::c_int, attributes: &A) -> io::Result<RawFd> {
    #[expect(
        unsafe_code,
        reason = "aya has no call that detaches a link of another process"
    )]
    // SAFETY: the kernel reads as many bytes of `attributes` as it is told there are; the path in them, if there
    // is one, lives as long as the caller's, which outlives the call.
    let outcome = unsafe { libc::syscall(libc::SYS_bpf, command, attributes, size_of::<A>()) };
    match RawFd::try_from(outcome) {
        Ok(value) if value >= 0 => Ok(value),
        _ => Err(io::Error::last_os_error()),
    }
}

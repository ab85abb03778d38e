//! The process at the other end of a Unix socket, as the kernel knows it.

use std::{io, mem, os::fd::AsRawFd, ptr};

use dray_model::ApiReaders;
use tokio::net::UnixStream;

use crate::{Access, Caller, v1::Problem};

/// A process that has connected: what it was when it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process {
    uid: u32,
    pid: Option<i32>,
    /// Every group that it is in.
    groups: Vec<u32>,
}

/// Whom a Unix socket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owners {
    /// The daemon's user.
    pub(super) user: u32,
    /// The socket's group; none when it cannot be said.
    pub(super) group: Option<u32>,
    /// Who may read.
    pub(super) readers: ApiReaders,
}

impl Process {
    /// The process that the stream comes from.
    pub(super) fn of(stream: &UnixStream) -> io::Result<Self> {
        let credentials = stream.peer_cred()?;
        let mut groups = groups(stream)?;
        groups.push(credentials.gid());
        Ok(Self {
            uid: credentials.uid(),
            pid: credentials.pid(),
            groups,
        })
    }

    /// Lets it in, or says why not.
    pub(super) fn admit(&self, owners: &Owners) -> Result<Caller, Problem> {
        let name = match self.pid {
            Some(pid) => format!("uid {} (pid {pid})", self.uid),
            None => format!("uid {}", self.uid),
        };
        match self.access(owners) {
            Some(access) => Ok(Caller::new(name, access)),
            None => Err(Problem::forbidden(format!(
                "{name} is neither root nor in the group that owns the socket"
            ))),
        }
    }

    fn access(&self, owners: &Owners) -> Option<Access> {
        let is_member = || {
            owners
                .group
                .is_some_and(|group| self.groups.contains(&group))
        };
        if self.uid == 0 || self.uid == owners.user || is_member() {
            return Some(Access::Write);
        }
        match owners.readers {
            ApiReaders::All => Some(Access::Read),
            ApiReaders::Group => None,
        }
    }
}

/// The supplementary groups of the process at the other end (`SO_PEERGROUPS`, socket(7); Linux 4.13).
fn groups(stream: &UnixStream) -> io::Result<Vec<u32>> {
    let mut groups: Vec<libc::gid_t> = vec![0; 64];
    loop {
        let room = mem::size_of_val(&groups[..]);
        let mut length = libc::socklen_t::try_from(room).map_err(io::Error::other)?;
        #[expect(unsafe_code, reason = "no safe wrapper has this socket option")]
        // SAFETY: the kernel writes at most `length` bytes to the vector, which has that many, and the length itself; both
        // outlive the call.
        let result = unsafe {
            libc::getsockopt(
                stream.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERGROUPS,
                groups.as_mut_ptr().cast(),
                ptr::from_mut(&mut length),
            )
        };
        // The length is what was written or, when there was too little room, what is needed.
        let count = usize::try_from(length).map_err(io::Error::other)? / size_of::<libc::gid_t>();
        if result == 0 {
            groups.truncate(count);
            return Ok(groups);
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::ERANGE) || count <= groups.len() {
            return Err(error);
        }
        groups.resize(count, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(uid: u32, groups: &[u32]) -> Process {
        Process {
            uid,
            pid: Some(7),
            groups: groups.to_vec(),
        }
    }

    #[test]
    fn root_the_daemons_user_and_the_sockets_group_may_write_and_nobody_else() {
        let owners = |group, readers| Owners {
            user: 500,
            group,
            readers,
        };
        let group = owners(Some(50), ApiReaders::Group);
        let all = owners(Some(50), ApiReaders::All);
        let without = owners(None, ApiReaders::Group);
        let write = Some(Access::Write);
        let read = Some(Access::Read);
        let cases = [
            (process(0, &[0]), [write, write, write]),
            (process(500, &[500]), [write, write, write]),
            (process(1000, &[1000, 50]), [write, write, None]),
            (process(1000, &[50]), [write, write, None]),
            (process(1000, &[1000]), [None, read, None]),
            (process(1000, &[0]), [None, read, None]),
        ];
        for (process, wanted) in cases {
            let access = [&group, &all, &without].map(|owners| process.access(owners));
            let access = [access[0], access[1], access[2]];
            let all_without = wanted[2];
            assert_eq!(access, [wanted[0], wanted[1], all_without], "{process:?}");
        }
    }

    #[tokio::test]
    async fn a_process_at_the_other_end_is_known_with_all_its_groups() {
        let (here, _there) = UnixStream::pair().expect("two ends");
        let process = Process::of(&here).expect("its credentials");
        assert_eq!(process.uid, rustix::process::geteuid().as_raw());
        assert_eq!(process.pid, i32::try_from(std::process::id()).ok());
        let mut own: Vec<u32> = rustix::process::getgroups()
            .expect("our groups")
            .iter()
            .map(|group| group.as_raw())
            .collect();
        own.push(rustix::process::getegid().as_raw());
        assert_eq!(process.groups, own);
    }
}

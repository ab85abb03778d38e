//! A packet socket on one interface: packet(7), `struct sockaddr_ll`, `struct tpacket_auxdata`.

#![expect(
    unsafe_code,
    reason = "packet sockets and their control messages have no safe interface"
)]

use std::{
    io, mem,
    os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd},
    ptr,
    time::{Duration, SystemTime},
};

use super::frame::{Direction, Frame};

/// A socket that sees every frame of an interface, both ways.
pub(super) struct PacketSocket(OwnedFd);

impl PacketSocket {
    /// Opens it on an interface of the calling thread's namespace.
    pub(super) fn open(interface: &str) -> io::Result<Self> {
        // SAFETY: no memory is passed.
        let fd = unsafe {
            // Protocol 0 sees nothing until the socket is bound, so nothing of other interfaces gets in.
            libc::socket(
                libc::AF_PACKET,
                libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK,
                0,
            )
        };
        checked(fd)?;
        // SAFETY: the call above gave this descriptor, and nobody else has it.
        let socket = Self(unsafe { OwnedFd::from_raw_fd(fd) });
        let index = rustix::net::netdevice::name_to_index(&socket.0, interface)?;
        socket.set(libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, BUFFER)?;
        socket.set(libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)?;
        socket.set(libc::SOL_PACKET, libc::PACKET_AUXDATA, 1)?;
        // SAFETY: all zeros is a valid `sockaddr_ll`.
        let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
        address.sll_ifindex = index.cast_signed();
        // SAFETY: pointer and length describe `address`.
        checked(unsafe {
            libc::bind(
                socket.0.as_raw_fd(),
                (&raw const address).cast(),
                size_of_val(&address) as libc::socklen_t,
            )
        })?;
        Ok(socket)
    }

    /// The next frame, cut to the buffer's length, or `None` if there is none now.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<Frame>> {
        // SAFETY: all zeros are valid values of these two.
        let (mut from, mut message): (libc::sockaddr_ll, libc::msghdr) =
            unsafe { (mem::zeroed(), mem::zeroed()) };
        let mut control = [0_u64; 32];
        let mut piece = libc::iovec {
            iov_base: buffer.as_mut_ptr().cast(),
            iov_len: buffer.len(),
        };
        message.msg_name = (&raw mut from).cast();
        message.msg_namelen = size_of_val(&from) as libc::socklen_t;
        message.msg_iov = &raw mut piece;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = size_of_val(&control);
        // SAFETY: every pointer in `message` is to a live value of the length written beside it.
        let length =
            unsafe { libc::recvmsg(self.0.as_raw_fd(), &raw mut message, libc::MSG_TRUNC) };
        let Ok(length) = usize::try_from(length) else {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::WouldBlock {
                Ok(None)
            } else {
                Err(error)
            };
        };
        let (at, vlan) = notes(&message);
        Ok(Some(Frame {
            at,
            direction: if from.sll_pkttype == libc::PACKET_OUTGOING {
                Direction::Out
            } else {
                Direction::In
            },
            length,
            vlan,
            bytes: buffer[..length.min(buffer.len())].to_vec(),
        }))
    }

    /// How many frames the kernel had no room for since the last time this was asked.
    pub(super) fn lost(&self) -> io::Result<u32> {
        let mut counts = Counts {
            _packets: 0,
            drops: 0,
        };
        let mut length = size_of_val(&counts) as libc::socklen_t;
        // SAFETY: pointer and length describe `counts`, which has the layout of `struct tpacket_stats`.
        checked(unsafe {
            libc::getsockopt(
                self.0.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut counts).cast(),
                &raw mut length,
            )
        })?;
        Ok(counts.drops)
    }

    fn set(&self, level: libc::c_int, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
        // SAFETY: pointer and length describe `value`.
        checked(unsafe {
            libc::setsockopt(
                self.0.as_raw_fd(),
                level,
                option,
                (&raw const value).cast(),
                size_of_val(&value) as libc::socklen_t,
            )
        })
    }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// `struct tpacket_stats`.
#[repr(C)]
struct Counts {
    _packets: u32,
    drops: u32,
}

/// The time of arrival and the VLAN identifier that the kernel took off.
fn notes(message: &libc::msghdr) -> (SystemTime, Option<u16>) {
    let (mut at, mut vlan) = (SystemTime::UNIX_EPOCH, None);
    // SAFETY: `message` was filled by recvmsg and its control buffer is alive and aligned for a `cmsghdr`; the macros
    // stay within msg_controllen. Each payload is read unaligned and has the type its level and type name.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(message);
        while let Some(note) = header.as_ref() {
            let payload = libc::CMSG_DATA(header);
            match (note.cmsg_level, note.cmsg_type) {
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => {
                    let time: libc::timespec = ptr::read_unaligned(payload.cast());
                    at += Duration::new(time.tv_sec.cast_unsigned(), time.tv_nsec as u32);
                }
                (libc::SOL_PACKET, libc::PACKET_AUXDATA) => {
                    let aux: libc::tpacket_auxdata = ptr::read_unaligned(payload.cast());
                    if aux.tp_status & libc::TP_STATUS_VLAN_VALID != 0 {
                        vlan = Some(aux.tp_vlan_tci & VLAN_IDENTIFIER);
                    }
                }
                _ => {}
            }
            header = libc::CMSG_NXTHDR(message, header);
        }
    }
    (at, vlan)
}

fn checked(result: libc::c_int) -> io::Result<()> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Bytes that may wait in the kernel: a second of traffic on a busy machine.
const BUFFER: libc::c_int = 256 << 20;

/// The bits of a tag that are its identifier (IEEE 802.1Q); the others are priority and drop eligibility.
const VLAN_IDENTIFIER: u16 = 0x0fff;

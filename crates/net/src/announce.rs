//! Telling the neighbours that a VIP is here now, so that they need not wait until what they remember is stale.

mod frame;

use std::{io, mem, net::IpAddr};

use socket2::{Domain, SockAddr, Socket, Type};

use crate::Link;

/// Sends announcements in the network namespace it was opened in.
pub(crate) struct Announcer {
    socket: Socket,
}

impl Announcer {
    pub(crate) fn open() -> io::Result<Self> {
        // Protocol 0: the socket sends only; the kernel copies no frame to it.
        let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket })
    }

    /// Says to all on this link that the address is at the link's Ethernet address.
    pub(crate) fn announce(&self, link: &Link, address: IpAddr) -> io::Result<()> {
        if !link.ethernet {
            return Ok(());
        }
        let to = interface(link.index)?;
        match address {
            IpAddr::V4(address) => self
                .socket
                .send_to(&frame::gratuitous_arp(link.mac, address), &to),
            IpAddr::V6(address) => self
                .socket
                .send_to(&frame::unsolicited_advertisement(link.mac, address), &to),
        }?;
        Ok(())
    }
}

/// The address of a raw socket that means "out of this interface": the frame carries the rest.
#[expect(
    unsafe_code,
    reason = "socket2 has no safe way to make an AF_PACKET address"
)]
fn interface(index: u32) -> io::Result<SockAddr> {
    let index = i32::try_from(index).map_err(|_| io::ErrorKind::InvalidInput)?;
    let init = |storage: *mut socket2::SockAddrStorage, length: *mut libc::socklen_t| {
        let to = storage.cast::<libc::sockaddr_ll>();
        // SAFETY: `storage` is zeroed, and large and aligned enough for any socket address; all fields of
        // `sockaddr_ll` are integers, for which zero is valid.
        unsafe {
            (*to).sll_family = libc::AF_PACKET as libc::sa_family_t;
            (*to).sll_ifindex = index;
            *length = mem::size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        }
        Ok(())
    };
    // SAFETY: the family is set and the length is that of the address type of the family.
    unsafe { SockAddr::try_init(init) }.map(|((), address)| address)
}

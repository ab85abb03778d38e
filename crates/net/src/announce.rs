//! Telling the neighbours that a VIP is here now, so that they need not wait until what they remember is stale.

mod frame;

use std::{
    collections::BTreeSet,
    io, mem,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use socket2::{Domain, SockAddr, Socket, Type};

use crate::Link;

/// A frame is easily lost, so each announcement is sent twice, this long apart (`ANNOUNCE_NUM` and
/// `ANNOUNCE_INTERVAL` of RFC 5227 section 1.1; RFC 4861 section 7.2.6 allows three, a second apart).
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Sends announcements in the network namespace it was opened in.
pub(crate) struct Announcer {
    socket: Arc<Socket>,
    /// The interfaces and addresses that were announced and are still here.
    here: Arc<Mutex<BTreeSet<(String, IpAddr)>>>,
}

impl Announcer {
    pub(crate) fn open() -> io::Result<Self> {
        // Protocol 0: the socket sends only; the kernel copies no frame to it.
        let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket: Arc::new(socket),
            here: Arc::default(),
        })
    }

    /// Says to all on this link that the address is at the link's Ethernet address: now, and once more.
    /// Must be called in a tokio runtime.
    pub(crate) fn announce(&self, link: &Link, address: IpAddr) -> io::Result<()> {
        if !link.ethernet {
            return Ok(());
        }
        send(&self.socket, link, address)?;
        let place = (link.name.clone(), address);
        lock(&self.here).insert(place.clone());
        let (socket, here, link) = (
            Arc::clone(&self.socket),
            Arc::clone(&self.here),
            link.clone(),
        );
        tokio::spawn(async move {
            tokio::time::sleep(AGAIN_AFTER).await;
            // Held while sending, so that nothing is sent after `cease`.
            let here = lock(&here);
            if here.contains(&place)
                && let Err(error) = send(&socket, &link, address)
            {
                tracing::debug!(%error, "failed to announce {address} on {} again", link.name);
            }
        });
        Ok(())
    }

    /// Sends no more announcements of an address: it may be another host's in a moment.
    pub(crate) fn cease(&self, interface: &str, address: IpAddr) {
        lock(&self.here).remove(&(interface.to_owned(), address));
    }
}

/// Nothing that holds the lock leaves the set half changed, so it is good even after a panic.
fn lock(here: &Mutex<BTreeSet<(String, IpAddr)>>) -> MutexGuard<'_, BTreeSet<(String, IpAddr)>> {
    here.lock().unwrap_or_else(PoisonError::into_inner)
}

fn send(socket: &Socket, link: &Link, address: IpAddr) -> io::Result<()> {
    let to = interface(link.index)?;
    match address {
        IpAddr::V4(address) => socket.send_to(&frame::gratuitous_arp(link.mac, address), &to),
        IpAddr::V6(address) => {
            socket.send_to(&frame::unsolicited_advertisement(link.mac, address), &to)
        }
    }?;
    Ok(())
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

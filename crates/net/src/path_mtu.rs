//! News of the path MTU to real servers behind tunnels.
//!
//! A router on the way that cannot forward a tunnel's packet tells the director: ICMP "fragmentation needed" (RFC 1191), ICMPv6
//! "packet too big" (RFC 8201). The kernel remembers what it says, with the route, for ten minutes, but only on behalf of
//! a socket, and tunnels that XDP makes have none. So here are sockets, one for each protocol that carries tunnels. They
//! receive nothing but errors:
//!
//! ```text
//! router ── ICMP error ──▶ XDP passes it ──▶ kernel: route exception ──▶ socket's error queue ──▶ ask for the route again
//! ```
//!
//! What a tunnel's packet may be then, the client learns from the director, as for any other MTU.

use std::{io, mem::MaybeUninit, net::IpAddr, os::fd::AsRawFd as _, pin::Pin};

use futures_util::{Stream, StreamExt as _, stream};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use tokio::io::{Interest, unix::AsyncFd};

/// Protocols of the outer packet of a tunnel: IPv4 and IPv6 in IP, GRE, and UDP for GUE.
const TUNNELS: [i32; 4] = [
    libc::IPPROTO_IPIP,
    libc::IPPROTO_IPV6,
    libc::IPPROTO_GRE,
    libc::IPPROTO_UDP,
];

/// The real servers that routers had something to say of, one after another.
pub(crate) struct PathMtus {
    addresses: Pin<Box<dyn Stream<Item = IpAddr> + Send + Sync>>,
}

impl PathMtus {
    /// Listens in the network namespace of the calling thread, on the current tokio runtime.
    ///
    /// # Errors
    /// Without the right to open raw sockets.
    pub(crate) fn listen() -> io::Result<Self> {
        let mut sockets = Vec::new();
        for domain in [Domain::IPV4, Domain::IPV6] {
            for protocol in TUNNELS {
                sockets.push(errors_of(open(domain, protocol)?)?);
            }
        }
        Ok(Self {
            addresses: Box::pin(stream::select_all(sockets)),
        })
    }

    /// The next address whose path MTU may have changed. Never ends.
    pub(crate) async fn next(&mut self) -> IpAddr {
        match self.addresses.next().await {
            Some(address) => address,
            None => std::future::pending().await,
        }
    }
}

/// A socket that the kernel tells errors, and gives no packets.
fn open(domain: Domain, protocol: i32) -> io::Result<Socket> {
    let socket = Socket::new(
        domain,
        Type::RAW.nonblocking(),
        Some(Protocol::from(protocol)),
    )?;
    // Accept no byte of any packet.
    const NOTHING: SockFilter = SockFilter::new(libc::BPF_RET as u16, 0, 0, 0);
    socket.attach_filter(&[NOTHING])?;
    let (level, name) = if domain == Domain::IPV4 {
        (libc::IPPROTO_IP, libc::IP_RECVERR)
    } else {
        (libc::IPPROTO_IPV6, libc::IPV6_RECVERR)
    };
    switch_on(&socket, level, name)?;
    Ok(socket)
}

#[expect(unsafe_code, reason = "socket2 has no function for this option")]
fn switch_on(socket: &Socket, level: i32, name: i32) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the option's value is a C int, which lives until the call returns.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// The destinations of the packets that a socket is told errors of.
#[expect(
    unsafe_code,
    reason = "tokio cannot see that the socket owns its descriptor"
)]
fn errors_of(socket: Socket) -> io::Result<Pin<Box<dyn Stream<Item = IpAddr> + Send + Sync>>> {
    // SAFETY: a socket owns its descriptor, and has the same one until it is dropped.
    let socket = unsafe { AsyncFd::register_with_interest(socket, Interest::ERROR) }?;
    Ok(Box::pin(stream::unfold(socket, async |socket| {
        let address = socket.async_io(Interest::ERROR, take_error).await.ok()?;
        Some((address, socket))
    })))
}

/// Takes the next error off the queue: the destination of the packet that it is about.
fn take_error(socket: &Socket) -> io::Result<IpAddr> {
    let mut quoted = [MaybeUninit::uninit(); 64];
    let (_, destination) = socket.recv_from_with_flags(&mut quoted, libc::MSG_ERRQUEUE)?;
    destination
        .as_socket()
        .map(|destination| destination.ip())
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

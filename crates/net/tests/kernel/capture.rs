//! The frames that a namespace receives and sends.

use std::os::fd::OwnedFd;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use crate::{namespace::Namespace, network::soon};

/// Everything that passes the interfaces of a namespace, from when it was opened.
pub(crate) struct Capture {
    /// A packet socket. Tokio has no type of its own for one, but receiving is the same for all datagrams.
    socket: UdpSocket,
}

impl Capture {
    pub(crate) fn open(namespace: &Namespace) -> Self {
        let all = Protocol::from(i32::from((libc::ETH_P_ALL as u16).to_be()));
        let socket = namespace.within(|| Socket::new(Domain::PACKET, Type::RAW, Some(all)));
        let socket = socket.expect("capturing needs root");
        socket.set_nonblocking(true).expect("non-blocking");
        let socket = UdpSocket::from_std(OwnedFd::from(socket).into());
        Self {
            socket: socket.expect("watch the socket"),
        }
    }

    /// The next frame of which this is true.
    pub(crate) async fn next(&mut self, what: &str, is_it: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        soon(what, async {
            let mut frame = vec![0; 2048];
            loop {
                let length = self.socket.recv(&mut frame).await.expect("a frame");
                if is_it(&frame[..length]) {
                    return frame[..length].to_vec();
                }
            }
        })
        .await
    }
}

//! The real servers' programs: a web server and a name server, both from Debian, each of which tells its name.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};

use anyhow::Result;

use crate::{namespace::Namespace, process::Process};

mod dnsmasq;
mod nginx;

pub(crate) use self::{dnsmasq::serve_dns, nginx::serve_http};

/// The header of an HTTP response that names the real server.
pub const SERVER_HEADER: &str = "x-real-server";

/// The name whose TXT record names the real server.
pub const SERVER_RECORD: &str = "server.lab";

/// Bytes of the content at [`PAGE`]; that at `/` is the server's name.
pub const PAGE_BYTES: usize = 8 * 1024;

/// A path with content of [`PAGE_BYTES`].
pub const PAGE: &str = "/page";

/// A path with content of [`DOWNLOAD_BYTES`].
pub const DOWNLOAD: &str = "/download";

/// Bytes of the content at [`DOWNLOAD`].
pub const DOWNLOAD_BYTES: usize = 100 * 1024 * 1024;

/// Below it, what is sent is stored.
pub const UPLOADS: &str = "/uploads/";

/// Waits until a server takes TCP connections on a port, over IPv4 and IPv6.
fn wait_until_listening(process: &mut Process, namespace: &Namespace, port: u16) -> Result<()> {
    let addresses = [
        SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port),
        SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port),
    ];
    process.wait_until_ready(|| {
        namespace.run(|| {
            Ok(addresses
                .iter()
                .all(|address| TcpStream::connect(address).is_ok()))
        })
    })
}

//! The real servers' programs: a web server and a name server, both from Debian, each of which tells its name.

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

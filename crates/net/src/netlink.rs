//! The netlink socket: requests go in, the kernel's answers or its refusal come out.
//!
//! Everything else of this crate that reads or changes the host's network goes through the two methods
//! [`Netlink::tell`] (change something) and [`Netlink::ask`] (read something).

use std::{fmt, io, pin::pin, time::Duration};

use dray_model::NetError;
use futures_util::{Stream, StreamExt};
use rtnetlink::{
    packet_core::{
        DefaultNla, ErrorMessage, NLM_F_ACK, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload, Nla,
        NlasIterator, Parseable,
    },
    packet_route::RouteNetlinkMessage,
};
use tokio::time::timeout;

/// A handle on the network namespace that the calling thread was in when it was opened. Cheap to clone; all
/// clones share one socket.
#[derive(Clone, Debug)]
pub struct Netlink {
    handle: rtnetlink::Handle,
}

impl Netlink {
    /// Opens a netlink socket in the network namespace of the calling thread and starts the task that serves
    /// it on the current tokio runtime. The socket stays in that namespace wherever it is used from.
    ///
    /// # Errors
    /// Outside of a tokio runtime, or when the kernel gives no socket.
    pub fn open() -> Result<Self, NetError> {
        let what = "open a netlink socket";
        let runtime = tokio::runtime::Handle::try_current().map_err(failed(what))?;
        let (mut connection, handle, _) = rtnetlink::new_connection().map_err(failed(what))?;
        // Without these two the end of an answer and the death of the serving task would look the same.
        connection.set_forward_ack(true);
        connection.set_forward_done(true);
        let socket = rtnetlink::sys::AsyncSocket::socket_mut(connection.socket_mut());
        socket.set_cap_ack(true).map_err(failed(what))?;
        socket.set_ext_ack(true).map_err(failed(what))?;
        runtime.spawn(connection);
        Ok(Self { handle })
    }

    /// Sends a request that the kernel carries out or refuses.
    pub(crate) async fn tell(
        &self,
        message: RouteNetlinkMessage,
        flags: u16,
    ) -> Result<(), Refused> {
        self.exchange(message, flags | NLM_F_ACK).await.map(drop)
    }

    /// Sends a request that the kernel answers with one message, or with many if `flags` ask for a dump.
    pub(crate) async fn ask(
        &self,
        message: RouteNetlinkMessage,
        flags: u16,
    ) -> Result<Vec<RouteNetlinkMessage>, Refused> {
        self.exchange(message, flags).await
    }

    async fn exchange(
        &self,
        message: RouteNetlinkMessage,
        flags: u16,
    ) -> Result<Vec<RouteNetlinkMessage>, Refused> {
        let mut request = NetlinkMessage::from(message);
        request.header.flags = NLM_F_REQUEST | flags;
        let replies = self.handle.clone().request(request);
        let replies = replies.map_err(|_| Refused::Closed)?;
        timeout(PATIENCE, answer(replies, flags))
            .await
            .unwrap_or(Err(Refused::Silent))
    }
}

/// The kernel answers in microseconds. Should an answer get lost, the caller must not wait for ever.
const PATIENCE: Duration = Duration::from_secs(10);

/// Collects the answer to a request with these flags from what the kernel replies.
async fn answer(
    replies: impl Stream<Item = NetlinkMessage<RouteNetlinkMessage>>,
    flags: u16,
) -> Result<Vec<RouteNetlinkMessage>, Refused> {
    let mut replies = pin!(replies);
    let mut answer = Vec::new();
    let mut complete = false;
    while let Some(reply) = replies.next().await {
        match reply.payload {
            NetlinkPayload::InnerMessage(message) => {
                answer.push(message);
                // Without an acknowledgement or the end of a dump to come, one message is all.
                complete |= flags == 0;
            }
            NetlinkPayload::Error(error) if error.code.is_some() => {
                return Err(Refused::by_kernel(&error));
            }
            NetlinkPayload::Error(_) | NetlinkPayload::Done(_) => complete = true,
            _ => {}
        }
    }
    if complete {
        Ok(answer)
    } else {
        Err(Refused::Closed)
    }
}

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// The kernel said no.
    #[error("{}{}", os, Because(reason.as_deref()))]
    Kernel {
        /// The error number.
        os: io::Error,
        /// The kernel's own words (extended acknowledgement), if it had any.
        reason: Option<String>,
    },
    /// The kernel did not answer.
    #[error("the kernel did not answer within {PATIENCE:?}")]
    Silent,
    /// The task that serves the socket is gone, with the runtime that ran it.
    #[error("the netlink socket is closed")]
    Closed,
}

impl Refused {
    fn by_kernel(error: &ErrorMessage) -> Self {
        Self::Kernel {
            os: error.to_io(),
            reason: reason(&error.header),
        }
    }

    /// Whether the kernel refused with this error number (`libc::E…`).
    pub(crate) fn is(&self, number: i32) -> bool {
        matches!(self, Self::Kernel { os, .. } if os.raw_os_error() == Some(number))
    }
}

struct Because<'a>(Option<&'a str>);

impl fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}

/// The text of an extended acknowledgement. With NETLINK_CAP_ACK the kernel repeats only the header of the
/// refused request; attributes follow (Documentation/userspace-api/netlink/intro.rst, "Extended ACK").
fn reason(error: &[u8]) -> Option<String> {
    const HEADER: usize = 16;
    const NLMSGERR_ATTR_MSG: u16 = 1;
    NlasIterator::new(error.get(HEADER..)?)
        .filter_map(|nla| DefaultNla::parse(&nla.ok()?).ok())
        .find(|nla| nla.kind() == NLMSGERR_ATTR_MSG)
        .map(|nla| {
            let mut text = vec![0; nla.value_len()];
            nla.emit_value(&mut text);
            String::from_utf8_lossy(&text)
                .trim_end_matches('\0')
                .to_owned()
        })
}

/// Turns an error into a [`NetError`] that says what was tried.
pub(crate) fn failed<E>(what: impl Into<String>) -> impl FnOnce(E) -> NetError
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    move |source| NetError {
        what: what.into(),
        source: source.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header of the refused request, as the kernel repeats it.
    const REQUEST: [u8; 16] = [16, 0, 0, 0, 24, 0, 5, 0, 1, 0, 0, 0, 0, 0, 0, 0];

    #[test]
    fn the_kernels_own_words_follow_the_repeated_header() {
        let offset = [8, 0, 2, 0, 36, 0, 0, 0];
        let words = [8, 0, 1, 0, b'N', b'o', b'!', 0];
        let error = [&REQUEST[..], &offset, &words].concat();
        assert_eq!(reason(&error).as_deref(), Some("No!"));
    }

    #[test]
    fn a_refusal_without_words_or_cut_short_has_no_reason() {
        assert_eq!(reason(&REQUEST), None);
        assert_eq!(reason(&REQUEST[..7]), None);
        assert_eq!(reason(&[&REQUEST[..], &[40, 0, 1, 0, b'N']].concat()), None);
    }

    #[test]
    fn a_refusal_shows_the_error_and_the_words() {
        let os = || io::Error::from_raw_os_error(libc::EINVAL);
        let refused = Refused::Kernel {
            os: os(),
            reason: Some("Nexthop has invalid gateway".into()),
        };
        assert_eq!(
            refused.to_string(),
            "Invalid argument (os error 22): Nexthop has invalid gateway"
        );
        let refused = Refused::Kernel {
            os: os(),
            reason: None,
        };
        assert_eq!(refused.to_string(), "Invalid argument (os error 22)");
    }
}

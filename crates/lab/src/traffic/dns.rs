//! DNS over UDP (RFC 1035), to the lab's name servers: a TXT record that each answers with its own name.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::atomic::{AtomicU16, Ordering},
};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::net::UdpSocket;

use super::exchange::{Answer, Exchange};
use crate::servers::SERVER_RECORD;

/// Queries to an address; a socket, so a source port, for each connection.
#[derive(Clone, Debug)]
pub struct Dns {
    address: SocketAddr,
}

impl Dns {
    /// Queries to an address.
    pub fn new(address: SocketAddr) -> Self {
        Self { address }
    }
}

impl Exchange for Dns {
    type Connection = UdpSocket;

    async fn open(&self) -> Result<UdpSocket> {
        let any = match self.address {
            SocketAddr::V4(_) => SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0),
            SocketAddr::V6(_) => SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), 0),
        };
        let socket = UdpSocket::bind(any)
            .await
            .context("failed to open a socket")?;
        // A connected socket takes answers from the VIP alone, so an answer from a real server's own address fails.
        socket
            .connect(self.address)
            .await
            .context("failed to connect")?;
        Ok(socket)
    }

    async fn ask(&self, socket: &mut UdpSocket) -> Result<Answer> {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        socket
            .send(&query(id, SERVER_RECORD))
            .await
            .context("failed to send")?;
        let mut buffer = [0; 1232];
        loop {
            let length = socket.recv(&mut buffer).await.context("no answer")?;
            let message = &buffer[..length];
            // The answer to an earlier question, which was given up.
            if message.starts_with(&id.to_be_bytes()) {
                return Ok(Answer {
                    server: text(message)?,
                    bytes: length,
                });
            }
        }
    }
}

/// A query for the TXT record of a name (RFC 1035, 4.1).
fn query(id: u16, name: &str) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    // Recursion desired; one question, nothing else.
    message.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).expect("a label has up to 63 letters"));
        message.extend(label.as_bytes());
    }
    message.push(0);
    message.extend([TXT, IN].map(u16::to_be_bytes).as_flattened());
    message
}

/// The first text of the first record of an answer.
fn text(message: &[u8]) -> Result<String> {
    let short = "the answer is too short";
    let code = message.get(3).context(short)? & 0x0f;
    ensure!(code == 0, "the answer's code is {code}");
    ensure!(
        message.get(6..8) != Some(&[0, 0]),
        "the answer has no record"
    );
    let question = message.get(HEADER..).context(short)?;
    let record = after_name(question)
        .and_then(|rest| rest.get(4..))
        .context(short)?;
    let fixed = after_name(record).context(short)?;
    let [
        kind_high,
        kind_low,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        length,
        text @ ..,
    ] = fixed
    else {
        bail!(short)
    };
    let kind = u16::from_be_bytes([*kind_high, *kind_low]);
    ensure!(
        kind == TXT,
        "the answer's record has the type {kind}, not TXT"
    );
    let text = text.get(..usize::from(*length)).context(short)?;
    Ok(String::from_utf8(text.to_vec())?)
}

/// What follows a name (RFC 1035, 4.1.4).
fn after_name(mut bytes: &[u8]) -> Option<&[u8]> {
    loop {
        match *bytes.first()? {
            0 => return bytes.get(1..),
            // A pointer to an earlier name ends this one.
            length if length & 0xc0 == 0xc0 => return bytes.get(2..),
            length => bytes = bytes.get(1 + usize::from(length)..)?,
        }
    }
}

const HEADER: usize = 12;
const TXT: u16 = 16;
const IN: u16 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer to [`query`] with one TXT record whose name is a pointer to the question's.
    fn answer(text: &str) -> Vec<u8> {
        let mut message = query(7, SERVER_RECORD);
        message[2] |= 0x80;
        message[7] = 1;
        let length = text.len() as u8;
        message.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 0, 0, length + 1, length]);
        message.extend(text.as_bytes());
        message
    }

    #[test]
    fn the_text_of_an_answer_is_found_behind_the_question() {
        assert_eq!(text(&answer("real1")).unwrap(), "real1");
    }

    #[test]
    fn an_answer_cut_anywhere_is_an_error() {
        let whole = answer("real1");
        for length in 0..whole.len() {
            assert!(
                text(&whole[..length]).is_err(),
                "{length} of {} bytes",
                whole.len()
            );
        }
    }

    #[test]
    fn a_refusal_is_an_error_with_its_code() {
        let mut refused = answer("real1");
        refused[3] |= 5;
        assert_eq!(
            text(&refused).unwrap_err().to_string(),
            "the answer's code is 5"
        );
    }
}

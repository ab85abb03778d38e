//! A stream of server-sent events, read one by one.

use http_body_util::BodyExt;
use hyper::{
    Method,
    body::{Bytes, Incoming},
    client::conn::http1::SendRequest,
    header,
};

use super::{Answer, Call, CallError, Client, connection::Body};
use crate::v1::Event;

/// What happens from now on.
#[derive(Debug)]
pub struct Events {
    client: Client,
    /// The body comes as long as this is there.
    _sender: SendRequest<Body>,
    body: Incoming,
    /// What came after the last whole line.
    rest: Vec<u8>,
    /// The data of the event that is coming.
    data: Vec<u8>,
}

impl Client {
    /// What happens from now on. The stream ends with the daemon.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn events(&self) -> Result<Events, CallError> {
        let call = Call::new(Method::GET, "/v1/events").accept("text/event-stream");
        let (response, sender) = self.connections.send(call.request()).await?;
        let (head, body) = response.into_parts();
        let kind = head.headers.get(header::CONTENT_TYPE);
        if kind.is_some_and(|kind| kind == "text/event-stream") {
            return Ok(Events {
                client: self.clone(),
                _sender: sender,
                body,
                rest: Vec::new(),
                data: Vec::new(),
            });
        }
        let whole = body.collect().await;
        let whole = whole.map_err(|source| self.connections.broken(source))?;
        let answer = Answer {
            status: head.status,
            headers: head.headers,
            body: whole.to_bytes(),
        };
        Err(match serde_json::from_slice(&answer.body) {
            Ok(problem) => CallError::Refused(problem),
            Err(source) => self.foreign(answer.status, source),
        })
    }
}

impl Events {
    /// The next event; none when the daemon has ended.
    ///
    /// # Errors
    /// When the connection breaks, or an event is none that this version knows.
    pub async fn next(&mut self) -> Result<Option<Event>, CallError> {
        loop {
            while let Some(line) = self.line() {
                if let Some(event) = self.take(&line)? {
                    return Ok(Some(event));
                }
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Ok(frame)) => self
                    .rest
                    .extend(frame.into_data().unwrap_or_else(|_| Bytes::new())),
                Some(Err(source)) => return Err(self.client.connections.broken(source)),
            }
        }
    }

    /// The next whole line, without its end.
    fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.rest.iter().position(|byte| *byte == b'\n')?;
        let mut line: Vec<u8> = self.rest.drain(..=end).collect();
        line.truncate(end);
        Some(line)
    }

    /// The event that is whole with this line. Names, comments and empty events are passed over.
    fn take(&mut self, line: &[u8]) -> Result<Option<Event>, CallError> {
        if let Some(data) = line.strip_prefix(b"data:") {
            self.data.extend_from_slice(data.trim_ascii_start());
        }
        if !line.is_empty() || self.data.is_empty() {
            return Ok(None);
        }
        let data = std::mem::take(&mut self.data);
        let event = serde_json::from_slice(&data);
        event
            .map(Some)
            .map_err(|source| self.client.foreign(hyper::StatusCode::OK, source))
    }
}

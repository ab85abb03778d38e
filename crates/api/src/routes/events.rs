//! What happens, as it happens: server-sent events.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse,
        sse::{self, KeepAlive, Sse},
    },
};
use futures_util::stream::{self, Stream};
use tokio::sync::broadcast::{self, error::RecvError};

use super::refusals::Refusals;
use crate::{
    Backend,
    request::{Closing, Reader},
    v1::{Event, MissedEvent},
};

/// How often a stream without events says that it is there.
const ALIVE: Duration = Duration::from_secs(15);

/// What happens from now on, until the caller hangs up or the daemon ends
#[utoipa::path(
    get, path = "/v1/events", tag = "director",
    responses(
        (status = 200, description = "Server-sent events: the data of each is an Event", body = Event, content_type = "text/event-stream"),
        Refusals,
    )
)]
pub(crate) async fn events<B: Backend>(
    _: Reader,
    State(backend): State<B>,
    closing: Closing,
) -> impl IntoResponse {
    let events = stream(backend.events(), closing);
    Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE))
}

fn stream(
    events: broadcast::Receiver<Event>,
    closing: Closing,
) -> impl Stream<Item = Result<sse::Event, Infallible>> {
    stream::unfold((events, closing), |(mut events, mut closing)| async move {
        let received = tokio::select! {
            received = events.recv() => received,
            () = closing.closed() => return None,
        };
        let event = match received {
            Ok(event) => event,
            Err(RecvError::Lagged(count)) => Event::Missed(MissedEvent { count }),
            Err(RecvError::Closed) => return None,
        };
        let sent = sse::Event::default()
            .event(event.name())
            .json_data(&event)
            .expect("an event has only plain fields");
        Some((Ok(sent), (events, closing)))
    })
}

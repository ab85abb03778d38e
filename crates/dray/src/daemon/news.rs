//! What happens, for whoever listens to the API: the control room's events as the API writes them, and the daemon's own.

use dray_api::v1::{Event, MissedEvent};
use dray_control::Handle;
use tokio::sync::broadcast::{self, error::RecvError};

use super::wire;

/// How many events a slow reader may be behind.
const KEPT: usize = 4096;

/// Where events are told.
#[derive(Clone, Debug)]
pub(super) struct News(broadcast::Sender<Event>);

impl News {
    /// Tells what the control room tells, for as long as it does.
    pub(super) fn of(control: &Handle) -> Self {
        let news = Self(broadcast::Sender::new(KEPT));
        let mut events = control.events();
        let teller = news.clone();
        tokio::spawn(async move {
            loop {
                match events.recv().await {
                    Ok(event) => wire::events::events(event.what)
                        .into_iter()
                        .for_each(|event| teller.tell(event)),
                    Err(RecvError::Lagged(count)) => {
                        teller.tell(Event::Missed(MissedEvent { count }));
                    }
                    Err(RecvError::Closed) => break,
                }
            }
        });
        news
    }

    /// Tells an event. It is lost when nobody listens.
    pub(super) fn tell(&self, event: Event) {
        let _ = self.0.send(event);
    }

    /// The events from now on.
    pub(super) fn listen(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }
}

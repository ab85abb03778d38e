//! What happens to services and real servers, told as it happens.
//!
//! The task tells, and never waits for who listens: a reader that is slow loses the oldest events and learns how many from
//! [`RecvError::Lagged`](tokio::sync::broadcast::error::RecvError::Lagged).

use dray_model::{RealServer, ServiceIdentity, ServiceName, document::Endpoint};
use tokio::sync::broadcast;

use crate::{
    defence::Defences,
    snapshot::{AddedVip, Ineligible},
};

/// How many events a slow reader may be behind.
pub const EVENTS_KEPT: usize = 4096;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Goes up by one with every event since the daemon's start, from 1 on; events that nobody listened to count.
    pub number: u64,
    /// What happened.
    pub what: Happening,
}

/// What happened. A real server has the name that a configuration file gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// Another configuration is in force; the events of what it changed come before this one.
    Replaced {
        /// Services that are new.
        added: usize,
        /// Services that are not as they were.
        changed: usize,
        /// Services that are gone.
        removed: usize,
        /// Whether `[director]` or the marks are not as they were.
        director: bool,
    },
    /// A service is new.
    ServiceAdded {
        /// Its name.
        service: ServiceName,
        /// Protocol, VIP and port, or its mark.
        identity: ServiceIdentity,
    },
    /// A service has other settings, not counting its real servers.
    ServiceChanged {
        /// Its name from now on.
        service: ServiceName,
        /// Protocol, VIP and port, or its mark.
        identity: ServiceIdentity,
    },
    /// A service is gone. Its connections may go on.
    ServiceRemoved {
        /// Its name.
        service: ServiceName,
        /// Protocol, VIP and port, or its mark.
        identity: ServiceIdentity,
    },
    /// A service has a new real server. (Those of a new service are told, too.)
    RealAdded {
        /// The service's name.
        service: ServiceName,
        /// The real server.
        real: Endpoint,
        /// Its settings.
        settings: RealServer,
    },
    /// A real server has other settings.
    RealChanged {
        /// The service's name.
        service: ServiceName,
        /// The real server.
        real: Endpoint,
        /// Its settings until now.
        before: RealServer,
        /// Its settings from now on.
        after: RealServer,
    },
    /// A service has a real server no more. (Those of a removed service are told, too.)
    RealRemoved {
        /// The service's name.
        service: ServiceName,
        /// The real server.
        real: Endpoint,
        /// Its last settings.
        settings: RealServer,
    },
    /// A real server's weight is 0 from now on: it keeps its connections and gets no new ones.
    Quiesced {
        /// The service's name.
        service: ServiceName,
        /// The real server.
        real: Endpoint,
    },
    /// A real server's weight is no longer 0.
    Resumed {
        /// The service's name.
        service: ServiceName,
        /// The real server.
        real: Endpoint,
    },
    /// The way to a real server is known, so that it may get new connections.
    Reachable {
        /// The service's name.
        service: ServiceName,
        /// The real server.
        real: Endpoint,
    },
    /// A real server gets no new connections, as the way to it is not known or of no use.
    Unreachable {
        /// The service's name.
        service: ServiceName,
        /// The real server.
        real: Endpoint,
        /// Why.
        why: Ineligible,
    },
    /// A real server has reached its upper threshold (seen within 2 s).
    Overloaded {
        /// The service's name.
        service: ServiceName,
        /// The real server.
        real: Endpoint,
    },
    /// A real server that had reached its upper threshold has few enough connections again (seen within 2 s).
    Relieved {
        /// The service's name.
        service: ServiceName,
        /// The real server.
        real: Endpoint,
    },
    /// The director has put an address on an interface.
    VipAdded(AddedVip),
    /// The director has taken an address off an interface that it had put there.
    VipWithdrawn(AddedVip),
    /// Other defences are on than before.
    DefencesChanged {
        /// Those that were on.
        before: Defences,
        /// Those that are on now.
        after: Defences,
    },
    /// New connections found something used up (seen within a second).
    ShortageBegan(Shortage),
    /// For a minute, no new connection found it used up.
    ShortageEnded(Shortage),
}

/// What can be used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortage {
    /// The connection table: new connections are forwarded without an entry.
    Connections,
    /// The table of translations: new connections by NAT and FULLNAT are dropped.
    Translations,
    /// FULLNAT's local addresses and ports: new connections are dropped.
    LocalPorts,
    /// The table of templates: clients are scheduled without persistence.
    Templates,
}

/// Tells events to whoever listens.
#[derive(Debug)]
pub(crate) struct Teller {
    listeners: broadcast::Sender<Event>,
    /// The last event's number.
    number: u64,
}

impl Teller {
    pub(crate) fn new() -> Self {
        Self {
            listeners: broadcast::Sender::new(EVENTS_KEPT),
            number: 0,
        }
    }

    /// The way to listen, which ends with the teller.
    pub(crate) fn door(&self) -> Door {
        Door(self.listeners.downgrade())
    }

    /// Tells what happened.
    pub(crate) fn tell(&mut self, what: Happening) {
        self.number += 1;
        // It fails when nobody listens.
        _ = self.listeners.send(Event {
            number: self.number,
            what,
        });
    }
}

/// Where listeners come in.
#[derive(Clone, Debug)]
pub(crate) struct Door(broadcast::WeakSender<Event>);

impl Door {
    /// Events from now on; none but the end of them when the teller is gone.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Event> {
        match self.0.upgrade() {
            Some(listeners) => listeners.subscribe(),
            None => broadcast::channel(1).1,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::broadcast::error::{RecvError, TryRecvError};

    use super::*;

    const SHORT: Happening = Happening::ShortageBegan(Shortage::Connections);

    #[tokio::test]
    async fn a_slow_listener_loses_the_oldest_and_is_told_how_many() {
        let mut teller = Teller::new();
        let mut slow = teller.door().listen();
        for _ in 0..EVENTS_KEPT + 3 {
            teller.tell(SHORT);
        }
        assert_eq!(slow.recv().await, Err(RecvError::Lagged(3)));
        assert_eq!(slow.recv().await.unwrap().number, 4);
    }

    #[tokio::test]
    async fn what_nobody_heard_counts() {
        let mut teller = Teller::new();
        teller.tell(SHORT);
        let mut late = teller.door().listen();
        assert_eq!(late.try_recv(), Err(TryRecvError::Empty));
        teller.tell(SHORT);
        assert_eq!(late.recv().await.unwrap().number, 2);
    }

    #[tokio::test]
    async fn listening_ends_with_the_teller() {
        let mut teller = Teller::new();
        let door = teller.door();
        let mut early = door.listen();
        teller.tell(SHORT);
        drop(teller);
        assert_eq!(early.recv().await.unwrap().number, 1);
        assert_eq!(early.recv().await, Err(RecvError::Closed));
        assert_eq!(door.listen().recv().await, Err(RecvError::Closed));
    }
}

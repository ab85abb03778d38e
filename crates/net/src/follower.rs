//! The task that follows addresses: it moves facts from the kernel into [`Followed`], does what that asks for,
//! and publishes what comes out.

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use dray_model::Resolutions;
use futures_util::{StreamExt, future, stream};
use tokio::{
    sync::{mpsc, watch},
    time::{self, Instant, Interval, MissedTickBehavior},
};

use crate::{
    Netlink,
    event::{Event, Events},
    followed::{Followed, Upkeep},
    netlink::Refused,
    path_mtu::PathMtus,
};

/// How long a change waits for others that came with it: a switch that reboots changes many neighbours at once.
const BURST: Duration = Duration::from_millis(2);

/// How often everything is read anew, in case a change was missed (kernels do not announce every one).
const RESYNC: Duration = Duration::from_secs(10);

/// How long no route must have been asked for before those that are only suspected to have changed are: addresses of the host's
/// may come by the thousand, one by one.
const REST: Duration = Duration::from_secs(1);

/// How many requests are on their way at once. More does not help, since the kernel answers one by one.
const PIPELINE: usize = 64;

/// Another choice of addresses to follow.
pub(crate) enum Wanted {
    /// These too.
    More(BTreeSet<IpAddr>),
    /// These no more.
    Fewer(BTreeSet<IpAddr>),
}

pub(crate) struct Follower {
    pub(crate) netlink: Netlink,
    pub(crate) events: Events,
    pub(crate) path_mtus: PathMtus,
    pub(crate) wanted: mpsc::UnboundedReceiver<Wanted>,
    pub(crate) resolutions: watch::Sender<Resolutions>,
}

impl Follower {
    /// Follows until the sender of the wanted addresses is gone. Entries stay marked then: frames go on being
    /// forwarded without the daemon, and the next daemon takes the entries over.
    pub(crate) async fn run(mut self) {
        // Nothing is followed before the first call, so nothing needs to be read.
        let Some(first) = self.wanted.recv().await else {
            return;
        };
        let mut followed = Followed::default();
        choose(&mut followed, first);
        let mut times = Times::begin();
        while let Some(due) = self.change(&mut followed, &mut times).await {
            if due == Due::Read {
                let result = self.read(&mut followed).await;
                warn("read the network's state", result);
            }
            self.advance(&mut followed).await;
        }
    }

    /// Waits for a change and takes it in, with those that came with it. None when nobody wants to know any more.
    async fn change(&mut self, followed: &mut Followed, times: &mut Times) -> Option<Due> {
        let mut due = Due::Advance;
        let is_unsettled = followed.is_unsettled();
        if is_unsettled {
            times.rested = Instant::now() + REST;
        }
        tokio::select! {
            wanted = self.wanted.recv() => choose(followed, wanted?),
            event = self.events.next() => due = see(followed, event, due),
            address = self.path_mtus.next() => followed.doubt_route(address),
            _ = times.resync.tick() => due = Due::Read,
            () = future::ready(()), if is_unsettled => {}
            () = time::sleep_until(times.rested), if !is_unsettled && followed.has_suspects() => {
                followed.look_into_suspects();
            }
        }
        if due == Due::Advance && !followed.is_unsettled() {
            time::sleep(BURST).await;
        }
        while let Ok(wanted) = self.wanted.try_recv() {
            choose(followed, wanted);
        }
        while let Some(event) = self.events.ready() {
            due = see(followed, event, due);
        }
        Some(due)
    }

    async fn read(&self, followed: &mut Followed) -> Result<(), Refused> {
        let links = self.netlink.find_links().await?;
        let neighbours = self.netlink.neighbours().await?;
        followed.read(links, neighbours);
        Ok(())
    }

    /// Finds out and does what is due, then publishes what changed.
    async fn advance(&self, followed: &mut Followed) {
        let routes = self.ask_routes(followed).await;
        warn("look a route up", routes);
        let upkeep = self.keep_up(followed).await;
        if upkeep
            .as_ref()
            .is_err_and(|refused| refused.is(libc::ENOBUFS))
        {
            tracing::warn!(
                "the kernel's neighbour table is full; raise net.ipv4.neigh.default.gc_thresh3 (ipv6 alike)"
            );
        }
        warn("have the kernel keep a neighbour resolved", upkeep);
        if let Some(resolutions) = followed.settle() {
            self.resolutions.send_replace(resolutions);
        }
    }

    async fn ask_routes(&self, followed: &mut Followed) -> Result<(), Refused> {
        let netlink = &self.netlink;
        let mut answers = stream::iter(followed.lookups())
            .map(async |address| (address, netlink.route_to(address).await))
            .buffer_unordered(PIPELINE);
        let mut result = Ok(());
        while let Some((address, answer)) = answers.next().await {
            match answer {
                Ok(route) => followed.route(address, Some(route)),
                Err(refused) => {
                    followed.route(address, None);
                    result = Err(refused);
                }
            }
        }
        result
    }

    async fn keep_up(&self, followed: &mut Followed) -> Result<(), Refused> {
        let netlink = &self.netlink;
        let mut outcomes = stream::iter(followed.upkeep())
            .map(async |upkeep| {
                let outcome = match upkeep {
                    Upkeep::Create(place) => netlink.create_kept(place).await,
                    Upkeep::Keep(place) => netlink.keep(place).await.map(|()| None),
                    Upkeep::Release(place) => netlink.release(place).await.map(|()| None),
                };
                (upkeep, outcome)
            })
            .buffer_unordered(PIPELINE);
        let mut result = Ok(());
        while let Some((upkeep, outcome)) = outcomes.next().await {
            followed.done(upkeep, outcome.is_ok());
            match (upkeep, outcome) {
                (Upkeep::Create(place), Ok(Some(made))) => {
                    followed.see(Event::Neighbour(place, made));
                }
                (_, Ok(_)) => {}
                (_, Err(refused)) => result = Err(refused),
            }
        }
        result
    }
}

/// When something is to be done that nobody asks for.
struct Times {
    resync: Interval,
    /// When what is only suspected may be looked into.
    rested: Instant,
}

impl Times {
    fn begin() -> Self {
        // The first tick is at once.
        let mut resync = time::interval(RESYNC);
        resync.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            resync,
            rested: Instant::now(),
        }
    }
}

/// What a change calls for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    /// To go on from what is known.
    Advance,
    /// To read everything anew first.
    Read,
}

fn choose(followed: &mut Followed, wanted: Wanted) {
    match wanted {
        Wanted::More(addresses) => followed.follow(addresses),
        Wanted::Fewer(addresses) => followed.unfollow(addresses),
    }
}

fn see(followed: &mut Followed, event: Event, due: Due) -> Due {
    if event == Event::Lost {
        return Due::Read;
    }
    followed.see(event);
    due
}

fn warn(what: &str, result: Result<(), Refused>) {
    if let Err(error) = result {
        tracing::warn!(%error, "failed to {what}");
    }
}

//! Which options a command needs, and which it may have.

use super::verb::Verb;
use crate::Usage;

/// Which options a command needs, and which it may have.
pub(super) fn check(verb: Verb, given: &[Opt]) -> Result<(), Usage> {
    let command = verb.name();
    let mut only: Option<Opt> = None;
    for option in Opt::ALL.iter().copied() {
        let name = option.name();
        match (given.contains(&option), rule(verb, option)) {
            (false, Rule::Needed) => {
                return Err(needed(verb, option));
            }
            (true, Rule::Illegal) => {
                return Err(Usage::wrong(format!(
                    "Illegal '{name}' option with the '{command}' command"
                )));
            }
            (true, Rule::OneOf) => {
                if let Some(other) = only {
                    return Err(Usage::wrong(format!(
                        "The option '{name}' conflicts with the '{}' option in the '{command}' command",
                        other.name()
                    )));
                }
                only = Some(option);
            }
            _ => {}
        }
    }
    Ok(())
}

/// What is printed of an option that is missing.
pub(super) fn needed(verb: Verb, option: Opt) -> Usage {
    Usage::wrong(format!(
        "You need to supply the '{}' option for the '{}' command",
        option.name(),
        verb.name()
    ))
}

/// How an option goes with a verb.
#[derive(PartialEq, Eq)]
enum Rule {
    Needed,
    Illegal,
    OneOf,
    Free,
}

const fn rule(verb: Verb, option: Opt) -> Rule {
    use Opt::{
        Connection, Daemon, Engine, Exact, Forwarding, Lower, McastGroup, McastInterface,
        McastPort, McastTtl, Netmask, NoSort, Numeric, OnePacket, Persistent, PersistentConn, Rate,
        RealServer, Scheduler, SchedulerFlags, Service, Stats, SyncId, SyncMaxlen, Thresholds,
        Timeout, TunCsum, TunInfo, TunNocsum, TunPort, TunRemcsum, TunType, Upper, Weight,
    };
    match (verb, option) {
        (
            Verb::AddService
            | Verb::EditService
            | Verb::DeleteService
            | Verb::AddServer
            | Verb::DeleteServer
            | Verb::EditServer,
            Service,
        )
        | (Verb::AddServer | Verb::DeleteServer | Verb::EditServer, RealServer) => Rule::Needed,
        (Verb::List, Connection | Service | Timeout | Daemon) => Rule::OneOf,
        (
            Verb::AddService | Verb::EditService,
            Scheduler | Persistent | Netmask | OnePacket | Engine | SchedulerFlags,
        )
        | (
            Verb::List,
            Numeric | Stats | Rate | Thresholds | PersistentConn | NoSort | SyncId | Exact
            | TunInfo,
        )
        | (
            Verb::AddServer | Verb::EditServer,
            Forwarding | Weight | Upper | Lower | TunType | TunPort | TunNocsum | TunCsum
            | TunRemcsum,
        )
        | (
            Verb::StartDaemon(_),
            McastInterface | SyncId | McastGroup | McastPort | McastTtl | SyncMaxlen,
        )
        | (Verb::StopDaemon(_), SyncId)
        | (Verb::Save, Numeric)
        | (Verb::Zero, Service) => Rule::Free,
        _ => Rule::Illegal,
    }
}

macro_rules! opts {
    ($($name:ident = $text:literal,)*) => {
        /// What options are counted as, in the order in which they are checked.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Opt {
            $($name,)*
        }

        impl Opt {
            const ALL: &[Self] = &[$(Self::$name),*];

            pub(super) const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

opts! {
    Numeric = "numeric",
    Connection = "connection",
    Service = "service-address",
    Scheduler = "scheduler",
    Persistent = "persistent",
    Netmask = "netmask",
    RealServer = "real-server",
    Forwarding = "forwarding-method",
    Weight = "weight",
    Upper = "u-threshold",
    Lower = "l-threshold",
    McastInterface = "mcast-interface",
    Timeout = "timeout",
    Daemon = "daemon",
    Stats = "stats",
    Rate = "rate",
    Thresholds = "thresholds",
    PersistentConn = "persistent-conn",
    NoSort = "nosort",
    SyncId = "syncid",
    Exact = "exact",
    OnePacket = "ops",
    Engine = "pe",
    SchedulerFlags = "sched-flags",
    McastGroup = "mcast-group",
    McastPort = "mcast-port",
    McastTtl = "mcast-ttl",
    SyncMaxlen = "sync-maxlen",
    TunInfo = "tun-info",
    TunType = "tun-type",
    TunPort = "tun-port",
    TunNocsum = "tun-nocsum",
    TunCsum = "tun-csum",
    TunRemcsum = "tun-remcsum",
}

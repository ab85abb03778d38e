//! Schedulers by name.

use dray_ipvsadm::SchedulerFlags;
use dray_sched::Kind;

/// A scheduler that the kernel has, by name. `none` is one too: it never gives a real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheduler {
    name: &'static str,
}

const NONE: &str = "none";

impl Scheduler {
    /// The scheduler of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        let known = dray_model::Scheduler::from_name(name).map(dray_model::Scheduler::name);
        known
            .or((name == NONE).then_some(NONE))
            .map(|name| Self { name })
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Whether it never gives a real server.
    pub(super) fn is_none(self) -> bool {
        self.name == NONE
    }

    /// Its kind of record. `none` has that of `rr`, over a list in which nobody is eligible.
    pub(super) fn kind(self, flags: SchedulerFlags) -> Kind {
        let SchedulerFlags {
            first: fallback,
            second: port,
            ..
        } = flags;
        match self.name {
            "wrr" => Kind::WeightedRoundRobin,
            "lc" => Kind::LeastConnection,
            "wlc" => Kind::WeightedLeastConnection,
            "sed" => Kind::ShortestExpectedDelay,
            "nq" => Kind::NeverQueue,
            "lblc" => Kind::LocalityBased,
            "lblcr" => Kind::LocalityBasedReplicated,
            "dh" => Kind::DestinationHash,
            "sh" => Kind::SourceHash { fallback, port },
            "mh" => Kind::MaglevHash { fallback, port },
            "fo" => Kind::Failover,
            "ovf" => Kind::Overflow,
            "twos" => Kind::PowerOfTwo,
            _ => Kind::RoundRobin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheduler_has_a_record_of_its_own() {
        let mut kinds: Vec<Kind> = Vec::new();
        for scheduler in dray_model::Scheduler::ALL {
            let known = Scheduler::from_name(scheduler.name()).expect("it is known by name");
            let kind = known.kind(SchedulerFlags::default());
            assert!(!kinds.contains(&kind), "{}", scheduler.name());
            kinds.push(kind);
        }
        assert_eq!(Scheduler::from_name("nosuch"), None);
    }
}

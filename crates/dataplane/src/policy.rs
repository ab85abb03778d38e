//! A policy as packets see it: words in the settings of every port.

use std::{num::NonZeroU32, time::Duration};

use dray_abi::{Settings, TICK_SHIFT};
use dray_model::{KernelRules, NoDestination, Policy, Removed, Timeouts};
use dray_packet::{
    state::{State, TIMEOUTS},
    tcp,
};

/// The settings that the policy asks for; what does not follow from it is zero.
pub(crate) fn settings(policy: &Policy) -> Settings {
    Settings {
        timeouts: timeouts(&policy.timeouts),
        tcp: tcp::tables(policy.secure_tcp, policy.ipvs.null_segments_close),
        options: options(policy),
        drop_rate: policy.drop_rate.map_or(0, NonZeroU32::get),
        answers: policy.ipvs.answers_per_second.map_or(0, answers),
        ..Settings::default()
    }
}

/// Timeouts by state, in ticks: the three that can be set, and IPVS's for the others.
fn timeouts(set: &Timeouts) -> [u32; 32] {
    let mut ticks = TIMEOUTS.map(|seconds| ticks(Duration::from_secs(seconds.into())));
    ticks[State::Established as usize] = self::ticks(set.tcp);
    ticks[State::FinWait as usize] = self::ticks(set.tcp_fin);
    ticks[State::Udp as usize] = self::ticks(set.udp);
    ticks
}

/// Rounded up: like IPVS's, a connection may last longer than its timeout, never shorter.
fn ticks(time: Duration) -> u32 {
    let ticks = time.as_nanos().div_ceil(1 << TICK_SHIFT);
    ticks.try_into().unwrap_or(u32::MAX).min(u32::MAX >> 1)
}

/// Answers in 16 ticks, for so many a second.
fn answers(per_second: NonZeroU32) -> u32 {
    let nanoseconds = 16_u64 << TICK_SHIFT;
    let answers = u128::from(per_second.get()) * u128::from(nanoseconds) / 1_000_000_000;
    u32::try_from(answers).unwrap_or(u32::MAX).max(1)
}

fn options(policy: &Policy) -> u32 {
    let ipvs = &policy.ipvs;
    [
        // IPVS lets any mode but 0 do this.
        (Settings::REUSE_CLOSED, ipvs.conn_reuse_mode != 0),
        (Settings::REUSE_FIN_WAIT, ipvs.conn_reuse_mode & 2 != 0),
        (Settings::EXPIRE_NODEST_CONN, ipvs.expire_nodest_conn),
        (Settings::FINISH_REMOVED, ipvs.removed == Removed::Finish),
        (
            Settings::EXPIRE_QUIESCENT_TEMPLATE,
            ipvs.expire_quiescent_template,
        ),
        (Settings::SLOPPY_TCP, ipvs.sloppy_tcp),
        (Settings::SLOPPY_SCTP, ipvs.sloppy_sctp),
        (Settings::SCHEDULE_ICMP, ipvs.schedule_icmp),
        (Settings::KEEP_TEMPLATE_TIMEOUT, ipvs.keep_template_timeout),
        (Settings::RULES_6_1_176, ipvs.rules == KernelRules::V6_1_176),
        (
            Settings::REFUSE_BY_RESET,
            ipvs.no_destination == NoDestination::Reset,
        ),
        (
            Settings::REFUSE_SILENTLY,
            ipvs.no_destination == NoDestination::Drop,
        ),
    ]
    .into_iter()
    .filter(|(_, on)| *on)
    .fold(0, |options, (option, _)| options | option)
}

#[cfg(test)]
mod tests {
    use dray_model::IpvsOptions;

    use super::*;

    #[test]
    fn the_default_timeouts_are_those_of_ipvs_and_never_shorter() {
        let ticks = settings(&Policy::default()).timeouts;
        for (ticks, seconds) in ticks.into_iter().zip(TIMEOUTS) {
            let wanted = Duration::from_secs(seconds.into());
            let time = dray_abi::duration_of_ticks(ticks);
            assert!((wanted..wanted + dray_abi::duration_of_ticks(1)).contains(&time));
        }
    }

    #[test]
    fn the_settable_timeouts_are_of_three_states() {
        let timeouts = Timeouts {
            tcp: Duration::from_secs(1000),
            tcp_fin: Duration::from_secs(2000),
            udp: Duration::from_secs(3000),
        };
        let ticks = self::timeouts(&timeouts);
        let seconds = |state: State| dray_abi::duration_of_ticks(ticks[state as usize]).as_secs();
        assert_eq!(seconds(State::Established), 1000);
        assert_eq!(seconds(State::FinWait), 2000);
        assert_eq!(seconds(State::Udp), 3000);
        assert_eq!(seconds(State::SctpEstablished), 900);
        assert_eq!(seconds(State::SynReceived), 60);
    }

    #[test]
    fn an_endless_timeout_is_one_that_ticks_can_tell_from_the_past() {
        assert_eq!(ticks(Duration::MAX), u32::MAX >> 1);
    }

    #[test]
    fn some_answer_is_allowed_unless_all_are() {
        let answers = |number| super::answers(NonZeroU32::new(number).unwrap());
        assert_eq!((answers(1), answers(1000)), (1, 1073));
        assert_eq!(answers(u32::MAX), u32::MAX);
        let unlimited = IpvsOptions {
            answers_per_second: None,
            ..IpvsOptions::IPVS
        };
        let policy = Policy {
            ipvs: unlimited,
            ..Policy::default()
        };
        assert_eq!(settings(&policy).answers, 0);
    }

    #[test]
    fn the_mode_of_reuse_that_is_for_fin_wait_is_for_closed_connections_too() {
        let options = |conn_reuse_mode| {
            let ipvs = IpvsOptions {
                conn_reuse_mode,
                ..IpvsOptions::IPVS
            };
            let policy = Policy {
                ipvs,
                ..Policy::default()
            };
            options(&policy) & (Settings::REUSE_CLOSED | Settings::REUSE_FIN_WAIT)
        };
        let both = Settings::REUSE_CLOSED | Settings::REUSE_FIN_WAIT;
        assert_eq!(
            [0, 1, 2, 3].map(options),
            [0, Settings::REUSE_CLOSED, both, both]
        );
    }

    #[test]
    fn every_choice_has_its_option() {
        let ipvs = IpvsOptions {
            rules: KernelRules::V6_1_176,
            expire_nodest_conn: true,
            removed: Removed::Finish,
            expire_quiescent_template: true,
            sloppy_tcp: true,
            sloppy_sctp: true,
            schedule_icmp: true,
            keep_template_timeout: true,
            no_destination: NoDestination::Reset,
            conn_reuse_mode: 3,
            ..IpvsOptions::IPVS
        };
        let policy = Policy {
            ipvs,
            ..Policy::default()
        };
        assert_eq!(options(&policy), Settings::REFUSE_BY_RESET | 0x3ff);
        let silent = IpvsOptions {
            no_destination: NoDestination::Drop,
            conn_reuse_mode: 0,
            ..IpvsOptions::IPVS
        };
        let policy = Policy {
            ipvs: silent,
            ..Policy::default()
        };
        assert_eq!(options(&policy), Settings::REFUSE_SILENTLY);
    }
}

//! The life of one connection against IPVS's state table: states, timeouts, counts.

use std::cell::RefCell;

use dray_abi::{TICK_SHIFT, duration_of_ticks};
use dray_packet::{
    state::{State, TIMEOUTS, is_active},
    tcp,
};
use dray_sched::Kind;
use dray_testkit::frames::TcpFlags;
use proptest::{collection::vec, prelude::*, sample::select};

use crate::{SMALL, common::*, draft::flags};

#[test]
fn every_life_of_a_connection_goes_as_the_state_table_says() {
    let director = RefCell::new(Lives::new());
    proptest!(ProptestConfig::with_cases(400), |(events in vec(event(), 1..30))| {
        let mut lives = director.borrow_mut();
        for event in events {
            lives.live(event)?;
        }
        lives.forget();
    });
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Segment(TcpFlags),
    /// Time passes, in ticks.
    Pass(u32),
    Sweep,
}

fn event() -> impl Strategy<Value = Event> {
    // Just too short and just long enough for every timeout.
    let seconds = [1, 9, 10, 11, 59, 60, 61, 119, 121, 899, 901];
    let ticks = seconds.map(|seconds| ((seconds * 1_000_000_000_u64) >> TICK_SHIFT) as u32);
    let pass =
        (select(ticks.to_vec()), 0..3_u32).prop_map(|(ticks, more)| Event::Pass(ticks + more));
    prop_oneof![6 => flags().prop_map(Event::Segment), 2 => pass, 1 => Just(Event::Sweep)]
}

/// One client's connections to a service, one after the other, and what should become of them.
struct Lives {
    director: Director,
    /// The connection in the table, whether or not its time is over.
    present: Option<Present>,
    now: u32,
    /// New connections so far: `rr` gives them to 3, 2, 1 and so on.
    opened: u32,
}

#[derive(Clone, Copy)]
struct Present {
    state: u8,
    tick: u32,
    destination: u32,
}

impl Present {
    fn is_over(self, now: u32) -> bool {
        let seconds = u64::from(TIMEOUTS[usize::from(self.state)]);
        let timeout = (seconds * 1_000_000_000).div_ceil(1 << TICK_SHIFT);
        u64::from(now - self.tick) > timeout
    }

    fn is_closed(self) -> bool {
        self.state == State::TimeWait as u8 || self.state == State::Close as u8
    }
}

impl Lives {
    fn new() -> Self {
        let mut director = Director::with(SMALL);
        director.service("tcp://10.0.0.100:80", Kind::RoundRobin, &[1, 1, 1]);
        Self {
            director,
            present: None,
            now: 1,
            opened: 0,
        }
    }

    fn live(&mut self, event: Event) -> Result<(), TestCaseError> {
        match event {
            Event::Pass(ticks) => {
                self.now += ticks;
                self.director.advance(duration_of_ticks(ticks));
            }
            Event::Sweep => {
                self.director.sweep();
                self.present = self.present.filter(|present| !present.is_over(self.now));
            }
            Event::Segment(flags) => self.segment(flags)?,
        }
        self.compare()
    }

    fn segment(&mut self, flags: TcpFlags) -> Result<(), TestCaseError> {
        let frame = tcp("192.0.2.1:4000", "10.0.0.100:80", flags);
        let bytes = incoming(&frame);
        // The byte of the flags in a TCP header behind Ethernet's and IPv4's.
        let flags = bytes[14 + 20 + 13];
        let syn = flags & tcp::SYN != 0;
        let known = self.present.filter(|present| !present.is_over(self.now));
        let begins_anew = syn && known.is_some_and(Present::is_closed);
        if begins_anew {
            // IPVS ends it before it asks whether the segment can open another one, which with RST it cannot.
            self.present = None;
        }
        let found = known.filter(|_| !begins_anew);
        let next = match found {
            Some(found) => Some(Present {
                state: after(found.state, flags),
                tick: self.now,
                ..found
            }),
            None if tcp::opens(flags, false) => {
                self.opened += 1;
                let state = after(State::None as u8, flags);
                Some(Present {
                    state,
                    tick: self.now,
                    destination: 3 - (self.opened - 1) % 3,
                })
            }
            None => None,
        };
        let fate = self.director.fate(&bytes);
        let Some(next) = next else {
            prop_assert_eq!(fate, Fate::passed("no-connection", &bytes));
            return Ok(());
        };
        let wanted = frame.ttl(63).macs(OWN, mac_of(next.destination));
        prop_assert_eq!(fate, Fate::sent(&wanted.bytes()));
        self.present = Some(next);
        Ok(())
    }

    /// The table and the counts say the same as `present`.
    fn compare(&mut self) -> Result<(), TestCaseError> {
        let listed: Vec<_> = self
            .director
            .list()
            .into_iter()
            .map(|one| (one.state, one.destination.0))
            .collect();
        let name = |present: Present| State::from_number(present.state).map_or("", State::name);
        let wanted: Vec<_> = self
            .present
            .iter()
            .map(|present| (name(*present), present.destination))
            .collect();
        prop_assert_eq!(listed, wanted);
        for destination in 1..=3 {
            let wanted = match self
                .present
                .filter(|present| present.destination == destination)
            {
                Some(present) if is_active(present.state) => (1, 0),
                Some(_) => (0, 1),
                None => (0, 0),
            };
            prop_assert_eq!(self.director.live(destination), wanted);
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.director.private.data_plane().forget_connections();
        self.present = None;
    }
}

/// The state that a client's segment leaves its connection in, by the tables of dray's own policy.
fn after(state: u8, flags: u8) -> u8 {
    tcp::after(tcp::tables(false, false)[0][tcp::event(flags)], state)
}

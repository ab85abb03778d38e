//! Random scenarios: services, and then packets, edits, settings, waits and listings in any order.
//!
//! ```text
//! World (services, real servers, clients) ─▶ steps, each by what was drawn so far ─▶ Scenario
//! ```
//!
//! Only what the kernel answers alike each time is drawn. So:
//!
//! - waits keep away from the moments at which something expires, because the kernel's timers are coarse (`clock`);
//! - where the kernel ends a connection by a timer of its own, a tick later, a short wait follows;
//! - counters are listed only after the 2 s in which the kernel collects them.

mod clock;
mod edits;
mod method;
mod packets;
mod world;

use dray_replay::{
    Scenario,
    scenario::{Dump, Seconds, Step},
};

use super::chance::Chance;
use clock::Clock;
use packets::Flow;
use world::World;

/// Waits after which a timer that the kernel set to "now" is over: the shortest will do, unless something else would be about
/// to end then.
const SETTLED: &[f64] = &[0.05, 0.4, 1.1, 2.4, 6.0, 12.0, 25.0, 50.0, 100.0];
/// Longer than the period in which the kernel collects counters.
const COLLECTED: f64 = 2.6;

/// Scenario `number` of the run `seed`.
pub(super) fn scenario(seed: u64, number: u64) -> Scenario {
    let mut chance = Chance::new(seed, number);
    let world = World::draw(&mut chance);
    let clock = Clock::new(&mut chance, &world);
    let mut drawing = Drawing {
        chance,
        world,
        clock,
        flows: Vec::new(),
        steps: Vec::new(),
    };
    let length = drawing.chance.between(8, 45);
    for _ in 0..length {
        drawing.step();
    }
    drawing.end();
    let World {
        services,
        sysctls,
        timeouts,
        local,
        marks,
        ..
    } = drawing.world;
    Scenario {
        name: format!("fuzz-{seed}-{number}"),
        kernel: None,
        about: Some(format!("drawn by the fuzzer: seed {seed}, number {number}")),
        sysctls,
        timeouts,
        setup: Vec::new(),
        apart: false,
        random: false,
        destination: None,
        services,
        steps: drawing.steps,
        local,
        marks,
    }
}

/// A scenario while it is drawn.
struct Drawing {
    chance: Chance,
    world: World,
    clock: Clock,
    /// What clients sent so far, to be taken up again.
    flows: Vec<Flow>,
    steps: Vec<Step>,
}

#[derive(Clone, Copy)]
enum Kind {
    NewFlow,
    KnownFlow,
    Reply,
    Error,
    Odd,
    Edit,
    Setting,
    Wait,
    Listing,
}

impl Drawing {
    fn step(&mut self) {
        let waits = if self.clock.moves() { 8 } else { 0 };
        match self.chance.weighted(&[
            (38, Kind::NewFlow),
            (24, Kind::KnownFlow),
            (6, Kind::Reply),
            (4, Kind::Error),
            (5, Kind::Odd),
            (9, Kind::Edit),
            (2, Kind::Setting),
            (waits, Kind::Wait),
            (4, Kind::Listing),
        ]) {
            Kind::NewFlow => self.new_flow(),
            Kind::KnownFlow => self.known_flow(),
            Kind::Reply => self.reply(),
            Kind::Error => self.icmp_error(),
            Kind::Odd => self.odd_packet(),
            Kind::Edit => self.edit(),
            Kind::Setting => self.setting(),
            Kind::Wait => {
                let time = *self.chance.one_of(clock::WAITS);
                self.wait(time);
            }
            Kind::Listing => {
                let kind = *self.chance.one_of(&[
                    Dump::ListNosort,
                    Dump::ListNosort,
                    Dump::Conns,
                    Dump::Thresholds,
                    Dump::PersistentConn,
                ]);
                self.list(kind);
            }
        }
    }

    /// What every scenario ends with: who has which connections.
    fn end(&mut self) {
        self.list(Dump::ListNosort);
        self.list(Dump::Conns);
        self.list(Dump::PersistentConn);
        if self.clock.moves() && self.chance.percent(40) && self.wait(COLLECTED) {
            self.list(Dump::Stats);
            self.list(Dump::Conns);
        }
    }

    fn list(&mut self, kind: Dump) {
        self.steps.push(Step::Dump { kind, expect: None });
    }

    /// Lets what the kernel does a tick later be done.
    fn settle(&mut self) {
        // Where none will do, the scenario goes on without.
        let _ = SETTLED.iter().any(|time| self.wait(*time));
    }

    /// Lets time pass, unless something would then be about to expire.
    fn wait(&mut self, time: f64) -> bool {
        let may = self.clock.pass(time);
        if may {
            let seconds = Seconds::new(time).expect("waits are short");
            self.steps.push(Step::Wait(seconds));
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use dray_replay::Scenario;

    use super::scenario;

    #[test]
    fn what_is_drawn_is_a_scenario() {
        for number in 0..500 {
            let drawn = scenario(7, number);
            let text = drawn.write();
            let read = Scenario::read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert_eq!(read, drawn);
            for step in &drawn.steps {
                if let dray_replay::scenario::Step::Packet(packet) = step
                    && !matches!(packet.payload, dray_replay::scenario::Payload::Reply(_))
                {
                    dray_replay::frame::frames(&drawn, packet).expect("its packets can be built");
                }
            }
        }
    }

    #[test]
    fn a_seed_draws_the_same_again() {
        assert_eq!(scenario(7, 3), scenario(7, 3));
        assert_ne!(scenario(7, 3), scenario(8, 3));
    }
}

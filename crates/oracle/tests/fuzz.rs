//! The differential fuzzer, for a fixed time and seed; and proof that it finds what differs.

use anyhow::Result;
use dray_oracle::{
    Machine, cache,
    fuzz::{Dray, EXCEPTIONS, Extent, Subject, run, shrink},
};
use dray_replay::{
    Scenario,
    scenario::{PacketAnswer, Step},
};

/// The seed of CI's run. Any other is `cargo xtask fuzz-ipvs --seed N`.
const SEED: u64 = 2026;

fn machine() -> Machine {
    Machine::prepare(&cache()).expect("`cargo xtask setup` makes the machine ready")
}

#[test]
fn dray_answers_300_random_scenarios_as_the_kernel_does() {
    let mut dray = Dray::load().expect("root, and a kernel that takes dray's programs");
    let outcome = run(
        &machine(),
        &mut dray,
        SEED,
        Extent::Scenarios(300),
        true,
        |_| {},
    )
    .expect("both can play");
    let found: Vec<String> = outcome.findings.iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "{}", found.join("\n\n"));
    assert!(
        outcome.compared >= 295,
        "only {} compared",
        outcome.compared
    );
    assert!(
        outcome
            .explained
            .keys()
            .all(|name| EXCEPTIONS.iter().any(|it| it.name == *name)),
        "{:?}",
        outcome.explained
    );
}

/// The kernel, but for one wrong answer: it drops what the kernel rejects with a reset.
struct Wrong<'a>(&'a Machine);

impl Subject for Wrong<'_> {
    fn answer(&mut self, scenarios: &[Scenario]) -> Result<Vec<Scenario>> {
        let mut machine = self.0;
        let mut played = machine.answer(scenarios)?;
        for step in played.iter_mut().flat_map(|scenario| &mut scenario.steps) {
            if let Step::Packet(packet) = step
                && packet.expect == Some(PacketAnswer::One("rst".to_owned()))
            {
                packet.expect = Some(PacketAnswer::One("drop".to_owned()));
            }
        }
        Ok(played)
    }
}

#[test]
fn a_wrong_answer_is_found_and_made_small() {
    let machine = machine();
    let mut wrong = Wrong(&machine);
    let outcome = run(
        &machine,
        &mut wrong,
        SEED,
        Extent::Scenarios(20),
        false,
        |_| {},
    )
    .expect("both can play");
    let finding = outcome.findings.first().expect("some reset is among them");
    let small = shrink(&machine, &mut wrong, finding)
        .expect("both can play")
        .expect("it is wrong every time");
    assert_eq!(small.recorded.steps.len(), 1, "{}", small.recorded.write());
    // The service stays, because its address is the one that the packet goes to; all else is left out.
    let [service] = &small.recorded.services[..] else {
        panic!("{}", small.recorded.write());
    };
    assert!(service.reals.is_empty(), "{}", small.recorded.write());
}

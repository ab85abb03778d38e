//! The differential fuzzer, for a fixed seed; and proof that it finds what differs.

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

/// Answers as the kernel did, but for one thing: it drops what the kernel rejects with a reset.
struct Wrong;

impl Subject for Wrong {
    fn answer(&mut self, recorded: &[Scenario]) -> Result<Vec<Scenario>> {
        let mut played = recorded.to_vec();
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
    let few = Extent::Scenarios(16);
    let outcome = run(&machine, &mut Wrong, SEED, few, true, |_| {}).expect("both can play");
    // Any will do; that with the fewest steps is small soonest.
    let finding = outcome
        .findings
        .iter()
        .min_by_key(|finding| finding.recorded.steps.len())
        .expect("some reset is among them");
    let small = shrink(&machine, &mut Wrong, finding)
        .expect("both can play")
        .expect("it is wrong every time")
        .recorded;
    let text = small.write();
    let [Step::Packet(packet)] = &small.steps[..] else {
        panic!("{text}");
    };
    assert_eq!(packet.expect, Some(PacketAnswer::One("rst".to_owned())));
    // What stays is that by which the packet's address is the director's; all else is left out.
    assert_eq!(small.services.len() + small.local.len(), 1, "{text}");
    let mut services = small.services.iter();
    assert!(services.all(|service| service.reals.is_empty()), "{text}");
    assert_eq!((small.sysctls.len(), small.marks.len()), (0, 0), "{text}");
}

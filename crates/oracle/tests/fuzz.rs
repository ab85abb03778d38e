//! The differential fuzzer, for a fixed seed.

use dray_oracle::{
    Machine, cache,
    fuzz::{Dray, EXCEPTIONS, Extent, run},
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

//! The machine itself: it starts, does what a plan says, and lets waits pass at once.

use std::time::{Duration, Instant};

use dray_guest::{Event, Instruction, Plan};
use dray_oracle::{Machine, cache};

const LIMIT: Duration = Duration::from_secs(300);

fn machine() -> Machine {
    Machine::prepare(&cache()).expect("`cargo xtask setup` makes the machine ready")
}

#[test]
fn a_plan_is_played_by_a_kernel_with_ipvs() {
    let plan = Plan(vec![
        Instruction::Run("ipvsadm -A -t 10.0.0.1:80 -s rr; ipvsadm -Sn".to_owned()),
        Instruction::Start,
        Instruction::Wait(Duration::from_millis(20)),
    ]);
    // Twice the same: each has a network namespace of its own, or the second service would be there already.
    let played = machine()
        .play(&[plan.clone(), plan], LIMIT)
        .expect("the machine plays");
    assert_eq!(played.events.len(), 2);
    for events in &played.events {
        let [Event::Ran { status, output, .. }, Event::Waited { at }] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!((*status, output.as_str()), (0, "-A -t 10.0.0.1:80 -s rr\n"));
        assert!(*at >= Duration::from_millis(20));
    }
}

#[test]
fn minutes_pass_in_the_guest_and_not_here() {
    let minutes = Duration::from_secs(15 * 60);
    let start = Instant::now();
    let played = machine()
        .play(
            &[Plan(vec![Instruction::Start, Instruction::Wait(minutes)])],
            LIMIT,
        )
        .expect("the machine plays");
    let [Event::Waited { at }] = played.events[0][..] else {
        panic!("{:?}", played.events);
    };
    assert!(at >= minutes);
    assert!(start.elapsed() < minutes);
}

#[test]
fn a_machine_that_does_not_end_is_ended() {
    let forever = Plan(vec![Instruction::Run(
        "while true; do true; done".to_owned(),
    )]);
    let error = machine()
        .play(&[forever], Duration::from_secs(5))
        .expect_err("it does not end");
    assert!(
        error.to_string().contains("did not end within 5 s"),
        "{error:#}"
    );
}

//! The machine itself: it starts, does what a plan says, and leaves nothing behind.

use std::{path::Path, time::Duration};

use dray_guest::{Event, Instruction, Plan};
use dray_oracle::Machine;

#[test]
fn a_plan_is_played_by_a_kernel_with_ipvs() {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/oracle");
    let machine = Machine::prepare(&cache).expect("the machine can be made ready");
    let plan = Plan(vec![
        Instruction::Run("ipvsadm -A -t 10.0.0.1:80 -s rr; ipvsadm -Sn".to_owned()),
        Instruction::Start,
        Instruction::Wait(Duration::from_millis(20)),
    ]);
    let played = machine
        .play(&[plan.clone(), plan], Duration::from_secs(120))
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

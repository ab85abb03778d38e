//! Frames: those that were recorded are built again, and mean what was recorded.

use std::{fs, path::Path};

use dray_replay::{
    Scenario,
    frame::{Exit, describe, frames},
    scenario::{PacketAnswer, PacketStep, Payload, Step},
    site::RealServers,
};

#[test]
fn every_recorded_frame_is_built_byte_by_byte() {
    let mut built = 0;
    each_packet(|scenario, step| {
        if let (Some(sent), false) = (&step.sent, matches!(step.payload, Payload::Reply(_))) {
            let frames = frames(scenario, step).expect("a packet");
            assert_eq!(&frames[0], sent, "{}", scenario.name);
            built += 1;
        }
    });
    assert!(built >= 50, "{built} frames");
}

#[test]
fn every_recorded_frame_means_what_was_recorded() {
    let mut read = 0;
    each_packet(|scenario, step| {
        let (Some([frame]), Some(PacketAnswer::One(expected))) =
            (step.received.as_deref(), &step.expect)
        else {
            return;
        };
        let exit = if frame[6..12] == [2, 0, 0, 0, 0, 3] {
            Exit::Server
        } else {
            Exit::Client
        };
        let described =
            describe(exit, frame, &RealServers::of(scenario), step.from).expect("a packet");
        assert_eq!(&described.text, expected, "{}", scenario.name);
        assert!(
            described.bad.is_empty(),
            "{}: {:?}",
            scenario.name,
            described.bad
        );
        read += 1;
    });
    assert!(read >= 50, "{read} frames");
}

fn each_packet(mut check: impl FnMut(&Scenario, &PacketStep)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    for entry in fs::read_dir(folder).expect("the recordings") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|end| end == "json") {
            let text = fs::read_to_string(&path).expect("a text");
            let scenario = Scenario::read(&text).expect("a scenario");
            for step in &scenario.steps {
                if let Step::Packet(packet) = step {
                    check(&scenario, packet);
                }
            }
        }
    }
}

//! The format: what is read is written back as it was.

use std::{fs, path::Path};

use dray_replay::Scenario;

#[test]
fn every_recording_is_written_back_byte_by_byte() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let mut read = 0;
    for entry in fs::read_dir(folder).expect("the recordings") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|end| end == "json") {
            let text = fs::read_to_string(&path).expect("a text");
            let scenario =
                Scenario::read(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let written = scenario.write();
            for (line, (old, new)) in text.lines().zip(written.lines()).enumerate() {
                assert_eq!(old, new, "{}, line {}", path.display(), line + 1);
            }
            assert_eq!(text.len(), written.len(), "{}", path.display());
            read += 1;
        }
    }
    assert!(read >= 94, "{read} recordings");
}

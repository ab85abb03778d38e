//! Frames that come in, and what becomes of them.

use dray_testkit::frames::Frame;

use super::Director;
use crate::common::{Fate, OTHER_PORT, ROUTER, TX, incoming};

impl Director {
    /// Sends a frame; the verdict and the frame after it.
    pub fn send(&mut self, frame: &Frame) -> (u32, Vec<u8>) {
        let outcome = self
            .private
            .run(&incoming(frame))
            .expect("a frame the kernel takes");
        (outcome.verdict, outcome.frame)
    }

    /// What becomes of these bytes when they come in by the first port.
    pub fn fate(&mut self, bytes: &[u8]) -> Fate {
        self.fate_on(0, bytes)
    }

    /// What becomes of these bytes when they come in by this port.
    pub fn fate_on(&mut self, port: usize, bytes: &[u8]) -> Fate {
        let before = self.counted();
        let outcome = self.private.run_on(port, bytes);
        let outcome = outcome.expect("a frame the kernel takes");
        let after = self.counted();
        let had = |name: &str| {
            before
                .iter()
                .find(|(other, _)| *other == name)
                .map_or(0, |(_, count)| *count)
        };
        let reasons = after
            .iter()
            .flat_map(|(name, count)| vec![*name; (*count - had(name)) as usize])
            .collect();
        Fate {
            verdict: outcome.verdict,
            reasons,
            frame: outcome.frame,
        }
    }

    /// What becomes of a frame from the router.
    pub fn fate_of(&mut self, frame: &Frame) -> Fate {
        self.fate(&incoming(frame))
    }

    /// What becomes of a frame from a real server, which comes in by the second port.
    pub fn reply(&mut self, frame: &Frame) -> Fate {
        self.fate_on(1, &frame.clone().macs(ROUTER, OTHER_PORT).bytes())
    }

    /// Sends a frame that must be forwarded; the destination it went to.
    pub fn forwarded(&mut self, frame: &Frame) -> u32 {
        self.forwarded_bytes(&incoming(frame))
    }

    /// Sends bytes that must be forwarded; the destination they went to.
    pub fn forwarded_bytes(&mut self, bytes: &[u8]) -> u32 {
        let outcome = self.private.run(bytes).expect("a frame the kernel takes");
        assert_eq!(outcome.verdict, TX, "{:?}", self.counted());
        let mac = &outcome.frame[..6];
        u32::from_be_bytes([0, mac[3], mac[4], mac[5]])
    }
}

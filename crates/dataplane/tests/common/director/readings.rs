//! What can be read of a director: counts, tables, and what a new daemon would find.

use dray_model::{
    Actual, Connection, Counters, DataPlane as _, DestinationId, Live, ServiceId, Sweep, Template,
};

use super::Director;

impl Director {
    /// The reasons counted so far that are not zero.
    pub fn counted(&mut self) -> Vec<(&'static str, u64)> {
        let reasons = self.private.data_plane().reasons();
        reasons
            .into_iter()
            .filter(|reason| reason.packets > 0)
            .map(|reason| (reason.name, reason.packets))
            .collect()
    }

    /// How often this reason was counted so far.
    pub fn count(&mut self, name: &str) -> u64 {
        let counted = self.counted();
        let found = counted.iter().find(|(other, _)| *other == name);
        found.map_or(0, |(_, packets)| *packets)
    }

    pub fn counters(&mut self, destination: u32) -> Counters {
        self.private
            .data_plane()
            .counters(DestinationId(destination))
    }

    /// How often the service that was added as number `index` had no destination to give.
    pub fn refused(&mut self, index: u32) -> u64 {
        self.private.data_plane().refused(ServiceId(index))
    }

    /// Ends what is over, in the whole table.
    pub fn sweep(&mut self) -> Sweep {
        self.private.data_plane().sweep(1)
    }

    /// What a new daemon would find.
    pub fn observe(&mut self) -> Actual {
        self.private
            .data_plane()
            .observe()
            .expect("a data plane that makes sense")
    }

    /// Every connection in the table.
    pub fn list(&mut self) -> Vec<Connection> {
        self.private.data_plane().connections(&|_| true, usize::MAX)
    }

    /// Every template.
    pub fn templates(&mut self) -> Vec<Template> {
        self.private.data_plane().templates(usize::MAX)
    }

    /// The state of the only connection.
    pub fn state(&mut self) -> &'static str {
        let connections = self.list();
        assert_eq!(connections.len(), 1, "{connections:?}");
        connections[0].state
    }

    /// Active and inactive connections.
    pub fn live(&mut self, destination: u32) -> (u32, u32) {
        let live = self.all_live(destination);
        (live.active, live.inactive)
    }

    /// All that counts towards a destination.
    pub fn all_live(&mut self, destination: u32) -> Live {
        self.private.data_plane().live(DestinationId(destination))
    }
}

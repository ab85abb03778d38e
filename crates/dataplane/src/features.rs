//! The parts of the program that not every director needs: which are loaded, and loading more of them.
//!
//! A packet never meets a next hop that its program cannot serve: the programs of all ports get the part first, and packets that
//! are under way with the old ones are waited for.

use dray_abi::Features;
use dray_model::DataPlaneError;
use tracing::info;

use crate::{KernelDataPlane, grace, maps::Maps, wire};

/// Every part.
pub(crate) const ALL: u32 =
    Features::TUNNEL | Features::TRANSLATION | Features::MSS | Features::FLOW;

impl Maps {
    /// The parts that what is in the maps needs.
    pub(crate) fn features(&self) -> u32 {
        let hops = (1..self.hops.len())
            .filter_map(|number| self.hops.read(number))
            .filter(|hop| hop.used != 0)
            .map(|hop| wire::features_of(&hop));
        // A real server whose Ethernet address was lost has no next hop, but still sends replies.
        let destinations = (1..self.destinations.len())
            .filter(|number| {
                let info = self.destination_info.read(*number);
                info.is_some_and(|info| info.used != 0)
            })
            .filter_map(|number| self.destinations.read(number))
            .map(|destination| wire::features_of_method(destination.method()));
        hops.chain(destinations)
            .fold(0, |features, part| features | part)
    }
}

impl KernelDataPlane {
    /// The parts of the program that are loaded: bits of [`Features`].
    pub fn features(&self) -> u32 {
        self.ports.features()
    }

    /// Has these parts of the program loaded, besides those that are. What needs one says so itself; this is for benchmarks.
    ///
    /// # Errors
    /// When the kernel refuses the program; the old one goes on then.
    pub fn require(&mut self, features: u32) -> Result<(), DataPlaneError> {
        let wanted = self.features() | features;
        if wanted == self.features() {
            return Ok(());
        }
        info!(
            tunnels = wanted & Features::TUNNEL != 0,
            translation = wanted & Features::TRANSLATION != 0,
            mss = wanted & Features::MSS != 0,
            flow = wanted & Features::FLOW != 0,
            "loading more parts of the program"
        );
        self.ports
            .reload(wanted)
            .map_err(|error| DataPlaneError::System {
                what: "load the parts of the program that a next hop needs".to_owned(),
                source: Box::new(error),
            })?;
        grace::wait();
        Ok(())
    }
}

//! What changes meanwhile: services, real servers, their weights.

use dray_model::{
    Action, ActualDestination, DataPlane as _, DestinationId, Record, ServiceId, ServiceOptions,
    Thresholds,
};
use dray_sched::{Entry, Kind};

use super::Director;

impl Director {
    /// Takes the service that was added as number `index` away, and so all of its real servers.
    pub fn withdraw(&mut self, index: usize) {
        let id = ServiceId(index as u32);
        let service = self.services[index].identity;
        self.apply(Action::Withdraw { id, service });
        let list = std::mem::take(&mut self.services[index].list);
        for entry in list {
            self.change(entry.destination, |destination| {
                destination.available = false;
            });
        }
    }

    /// Changes how the service that was added as number `index` treats clients.
    pub fn set_options(&mut self, index: usize, options: ServiceOptions) {
        self.services[index].options = options;
        let kind = self.services[index].kind;
        self.edit(index, kind, |_| ());
    }

    /// Adds a real server to the service that was added as number `index`; the number of its destination.
    pub fn add(&mut self, index: usize, kind: Kind, weight: u32) -> u32 {
        let entry = self.direct_server(self.services[index].identity, weight, (1, None));
        self.edit(index, kind, |list| list.insert(0, entry));
        entry.destination
    }

    /// Changes a destination, and nothing of its service's record.
    pub fn change(&mut self, number: u32, change: impl FnOnce(&mut ActualDestination)) {
        let destination = self.destinations.get_mut(&number).expect("a destination");
        let before = *destination;
        change(destination);
        let destination = *destination;
        if destination != before {
            self.apply(Action::SetDestination {
                id: DestinationId(number),
                destination,
            });
        }
    }

    /// Sets the thresholds of a real server.
    pub fn limit(&mut self, number: u32, upper: u32, lower: u32) {
        self.change(number, |destination| {
            destination.thresholds = Thresholds { upper, lower };
        });
        self.edit_entry(number, |entry| entry.limited = upper != 0);
    }

    /// Sets the weight of a real server.
    pub fn weigh(&mut self, number: u32, weight: u32) {
        self.edit_entry(number, |entry| entry.weight = weight);
    }

    fn edit_entry(&mut self, number: u32, change: impl FnOnce(&mut Entry)) {
        let (index, kind) = self.service_of(number);
        self.edit(index, kind, |list| {
            let mut entries = list.iter_mut();
            change(
                entries
                    .find(|entry| entry.destination == number)
                    .expect("an entry"),
            );
        });
    }

    fn service_of(&self, number: u32) -> (usize, Kind) {
        let identity = self.destinations[&number].service;
        let mut services = self.services.iter();
        let index = services.position(|service| service.identity == identity);
        let index = index.expect("a service");
        (index, self.services[index].kind)
    }

    /// Takes a real server away from its service.
    pub fn remove(&mut self, number: u32) {
        let (index, kind) = self.service_of(number);
        self.edit(index, kind, |list| {
            list.retain(|entry| entry.destination != number);
        });
    }

    /// Gives a real server that was removed back to its service.
    pub fn restore(&mut self, number: u32) {
        let destination = self.destinations[&number];
        let (index, kind) = self.service_of(number);
        let entry = Entry {
            destination: number,
            weight: destination.weight,
            eligible: true,
            limited: destination.thresholds.upper != 0,
            address: destination.real,
            port: destination.port,
        };
        self.edit(index, kind, |list| list.insert(0, entry));
    }

    /// Changes the list of the service that was added as number `index`. Destinations follow, as the control room has it:
    /// those of the list are available and have its weights, those that it had are not.
    pub fn edit(&mut self, index: usize, kind: Kind, change: impl FnOnce(&mut Vec<Entry>)) {
        let cursor = self.private.data_plane().cursor(ServiceId(index as u32));
        let service = &mut self.services[index];
        let before = service.list.clone();
        change(&mut service.list);
        let list = service.list.clone();
        for entry in &list {
            self.change(entry.destination, |destination| {
                destination.weight = entry.weight;
                destination.available = true;
            });
        }
        let service = &mut self.services[index];
        let past = Some((&service.record.0[..], cursor));
        let record = dray_sched::build(kind, self.overhead, &list, past).expect("a record");
        service.record = Record(record);
        service.kind = kind;
        self.publish(index);
        let is_gone = |entry: &&Entry| {
            list.iter()
                .all(|kept| kept.destination != entry.destination)
        };
        for gone in before.iter().filter(is_gone) {
            self.change(gone.destination, |destination| {
                destination.available = false
            });
        }
    }
}

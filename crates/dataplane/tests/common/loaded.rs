//! Private data planes that are used again: the verifier takes seconds for the program, and a test file has many tests.

use std::{
    ops::{Deref, DerefMut},
    sync::{Mutex, PoisonError},
    thread,
};

use dray_dataplane::{Capacity, Private};

use super::{CAPACITY, OTHER_PORT, OWN};

/// Those that no test uses now.
static SPARE: Mutex<Vec<(Capacity, Private)>> = Mutex::new(Vec::new());

/// A private data plane as good as new. After the test it is kept for the next one.
pub struct Loaded(Option<(Capacity, Private)>);

impl Loaded {
    pub fn with(capacity: Capacity) -> Self {
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = spare.iter().position(|(other, _)| *other == capacity);
        let found = fits.map(|index| spare.swap_remove(index));
        drop(spare);
        let private = found.map_or_else(
            || Private::new(capacity, &[OWN, OTHER_PORT]).expect("the program loads (root needed)"),
            |(_, mut private)| {
                private.reset().expect("a data plane as good as new");
                private
            },
        );
        Self(Some((capacity, private)))
    }
}

impl Deref for Loaded {
    type Target = Private;

    fn deref(&self) -> &Private {
        &self.0.as_ref().expect("there until it is dropped").1
    }
}

impl DerefMut for Loaded {
    fn deref_mut(&mut self) -> &mut Private {
        &mut self.0.as_mut().expect("there until it is dropped").1
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        // What a failing test leaves need not be in order, and a benchmark's take a lot of memory.
        let keep = |(capacity, _): &(Capacity, Private)| {
            !thread::panicking() && capacity.connections <= CAPACITY.connections
        };
        if let Some(private) = self.0.take().filter(keep) {
            let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
            spare.push(private);
        }
    }
}

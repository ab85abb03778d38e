//! A disk that can stop before any of its steps, and what is on it then.
//!
//! It knows what programs see, and what of that is safe: the content of a file once it was synced, and a directory's
//! names once they were. What is seen and not safe may be there after a loss of power or not.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard},
};

use super::super::files::Files;

/// Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk(Arc<Mutex<Inner>>);

/// What is left after a stop.
#[derive(Clone, Copy, Debug)]
pub(super) enum Survives {
    /// A kill: what programs saw.
    All,
    /// A loss of power: what was safe.
    Safe,
    /// A loss of power: every name that programs saw, with the content that was safe.
    NamesAndSafeContent,
}

impl Survives {
    pub(super) const ALL: [Self; 3] = [Self::All, Self::Safe, Self::NamesAndSafeContent];
}

#[derive(Debug, Default)]
struct Inner {
    /// Content as programs see it, and what of it is safe.
    contents: Vec<(Vec<u8>, Vec<u8>)>,
    seen: BTreeMap<String, usize>,
    safe: BTreeMap<String, usize>,
    /// Changes of names that are not safe, by the directory that has to be synced for it.
    pending: Vec<(String, Change)>,
    /// Steps until the stop.
    left: Option<usize>,
}

#[derive(Clone, Debug)]
enum Change {
    Link(String, usize),
    Unlink(String),
    Move(String, String),
}

impl Disk {
    /// Puts a file there, safely.
    pub(super) fn put(&mut self, name: &str, content: &[u8]) {
        let mut disk = self.lock();
        let number = disk.contents.len();
        disk.contents.push((content.to_vec(), content.to_vec()));
        disk.seen.insert(name.to_owned(), number);
        disk.safe.insert(name.to_owned(), number);
    }

    pub(super) fn content(&self, name: &str) -> Option<Vec<u8>> {
        let disk = self.lock();
        disk.seen
            .get(name)
            .map(|number| disk.contents[*number].0.clone())
    }

    /// The names of all files, in order.
    pub(super) fn names(&self) -> Vec<String> {
        self.lock().seen.keys().cloned().collect()
    }

    /// Nothing happens any more after that many steps.
    pub(super) fn stop_after(&self, steps: usize) {
        self.lock().left = Some(steps);
    }

    /// Goes on with what has survived.
    pub(super) fn restart(&self, survives: Survives) {
        let mut disk = self.lock();
        let names = match survives {
            Survives::All | Survives::NamesAndSafeContent => disk.seen.clone(),
            Survives::Safe => disk.safe.clone(),
        };
        for (seen, safe) in &mut disk.contents {
            match survives {
                Survives::All => safe.clone_from(seen),
                Survives::Safe | Survives::NamesAndSafeContent => seen.clone_from(safe),
            }
        }
        disk.safe.clone_from(&names);
        disk.seen = names;
        disk.pending.clear();
        disk.left = None;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0
            .lock()
            .expect("no test panics while it holds the disk")
    }
}

impl Inner {
    /// Takes a step, unless the disk has stopped.
    fn step(&mut self) -> io::Result<()> {
        match &mut self.left {
            Some(0) => Err(io::Error::other("the disk has stopped")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn change(&mut self, directory: &str, change: Change) {
        apply(&mut self.seen, &change);
        self.pending.push((directory.to_owned(), change));
    }
}

impl Files for Disk {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.content(name))
    }

    fn write(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut disk = self.lock();
        disk.step()?;
        let number = disk.contents.len();
        disk.contents.push((Vec::new(), Vec::new()));
        disk.change(directory_of(name), Change::Link(name.to_owned(), number));
        disk.step()?;
        disk.contents[number].0 = content[..content.len() / 2].to_vec();
        disk.step()?;
        disk.contents[number].0 = content.to_vec();
        disk.step()?;
        disk.contents[number].1 = content.to_vec();
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let mut disk = self.lock();
        disk.step()?;
        let change = Change::Move(from.to_owned(), to.to_owned());
        disk.change(directory_of(from), change);
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        let mut disk = self.lock();
        disk.step()?;
        disk.change(directory_of(name), Change::Unlink(name.to_owned()));
        Ok(())
    }

    fn sync_names(&mut self, directory: &str) -> io::Result<()> {
        let mut disk = self.lock();
        disk.step()?;
        let pending = std::mem::take(&mut disk.pending);
        for (of, change) in pending {
            if of == directory {
                apply(&mut disk.safe, &change);
            } else {
                disk.pending.push((of, change));
            }
        }
        Ok(())
    }

    fn list(&mut self, directory: &str) -> io::Result<Vec<String>> {
        let mut disk = self.lock();
        disk.step()?;
        let below = |name: &String| match directory {
            "" => Some(name.split('/').next()?.to_owned()),
            directory => Some(name.strip_prefix(directory)?.strip_prefix('/')?.to_owned()),
        };
        let mut names: Vec<String> = disk.seen.keys().filter_map(below).collect();
        names.dedup();
        Ok(names)
    }
}

fn apply(names: &mut BTreeMap<String, usize>, change: &Change) {
    match change {
        Change::Link(name, number) => {
            names.insert(name.clone(), *number);
        }
        Change::Unlink(name) => {
            names.remove(name);
        }
        Change::Move(from, to) => {
            let is_below = |name: &str| {
                name.strip_prefix(from.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            let moved: Vec<String> = names
                .keys()
                .filter(|name| is_below(name))
                .cloned()
                .collect();
            for name in moved {
                let number = names.remove(&name).expect("it is there");
                names.insert(format!("{to}{}", &name[from.len()..]), number);
            }
        }
    }
}

fn directory_of(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(directory, _)| directory)
}

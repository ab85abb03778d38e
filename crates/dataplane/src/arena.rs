//! Which words of the arena are in use. Pure bookkeeping: nothing here touches the map.

use std::collections::BTreeMap;

/// Free and used stretches of words. Word 0 is never given out: a record there would read as "none".
#[derive(Debug)]
pub(crate) struct Arena {
    /// Start to length, never two that touch.
    free: BTreeMap<u32, u32>,
    /// Given back, but packets may still be reading them.
    retired: Vec<(u32, u32)>,
}

impl Arena {
    /// An arena of `words` words in which these stretches (start, length) are in use.
    pub(crate) fn new(words: u32, mut used: Vec<(u32, u32)>) -> Self {
        used.sort_unstable();
        let mut free = BTreeMap::new();
        let mut next = 1;
        for (start, length) in used {
            if start > next {
                free.insert(next, start - next);
            }
            next = next.max(start.saturating_add(length));
        }
        if words > next {
            free.insert(next, words - next);
        }
        Self {
            free,
            retired: Vec::new(),
        }
    }

    /// A stretch of `length` words, the first that fits.
    pub(crate) fn take(&mut self, length: u32) -> Option<u32> {
        let (start, room) = self
            .free
            .iter()
            .map(|(start, room)| (*start, *room))
            .find(|(_, room)| *room >= length)?;
        self.free.remove(&start);
        if room > length {
            self.free.insert(start + length, room - length);
        }
        Some(start)
    }

    /// Gives a stretch back that packets may still be reading.
    pub(crate) fn retire(&mut self, start: u32, length: u32) {
        self.retired.push((start, length));
    }

    /// After a grace period: what was retired before it is free. Says whether that was anything.
    pub(crate) fn reclaim(&mut self) -> bool {
        let retired = std::mem::take(&mut self.retired);
        let any = !retired.is_empty();
        for (start, length) in retired {
            self.release(start, length);
        }
        any
    }

    fn release(&mut self, mut start: u32, mut length: u32) {
        if let Some((before, room)) = self
            .free
            .range(..start)
            .next_back()
            .map(|(at, room)| (*at, *room))
            && before + room == start
        {
            self.free.remove(&before);
            start = before;
            length += room;
        }
        if let Some(room) = self.free.remove(&(start + length)) {
            length += room;
        }
        self.free.insert(start, length);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn word_zero_is_never_given_out() {
        assert_eq!(Arena::new(10, vec![]).take(9), Some(1));
        assert_eq!(Arena::new(10, vec![]).take(10), None);
    }

    #[test]
    fn what_is_retired_comes_back_only_after_a_grace_period() {
        let mut arena = Arena::new(11, vec![]);
        let first = arena.take(10).unwrap();
        arena.retire(first, 10);
        assert_eq!(arena.take(10), None);
        assert!(arena.reclaim());
        assert_eq!(arena.take(10), Some(first));
    }

    #[test]
    fn an_adopted_arena_gives_out_what_lies_between_the_records() {
        let mut arena = Arena::new(20, vec![(15, 5), (4, 3)]);
        assert_eq!(
            (arena.take(8), arena.take(3), arena.take(1)),
            (Some(7), Some(1), None)
        );
    }

    proptest! {
        #[test]
        fn stretches_never_overlap_and_nothing_is_lost(steps in prop::collection::vec((any::<bool>(), 1u32..40), 1..200)) {
            const WORDS: u32 = 500;
            let mut arena = Arena::new(WORDS, vec![]);
            let mut held: Vec<(u32, u32)> = Vec::new();
            for (take, length) in steps {
                if take {
                    if let Some(start) = arena.take(length) {
                        prop_assert!(start >= 1 && start + length <= WORDS);
                        prop_assert!(held.iter().all(|(at, room)| start + length <= *at || at + room <= start));
                        held.push((start, length));
                    }
                } else if !held.is_empty() {
                    let (start, room) = held.swap_remove(length as usize % held.len());
                    arena.retire(start, room);
                    arena.reclaim();
                }
            }
            for (start, room) in held {
                arena.retire(start, room);
            }
            arena.reclaim();
            prop_assert_eq!(arena.free.into_iter().collect::<Vec<_>>(), vec![(1, WORDS - 1)]);
        }
    }
}

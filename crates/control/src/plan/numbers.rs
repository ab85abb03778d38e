//! Numbers to give away.

use std::iter::Peekable;

/// The smallest numbers, from 1 on, that are not taken.
pub(super) struct FreeNumbers<'a> {
    next: u32,
    taken: Peekable<Box<dyn Iterator<Item = u32> + 'a>>,
}

impl<'a> FreeNumbers<'a> {
    /// `taken` in ascending order.
    pub(super) fn new(taken: impl Iterator<Item = u32> + 'a) -> Self {
        let taken: Box<dyn Iterator<Item = u32> + 'a> = Box::new(taken);
        Self {
            next: 1,
            taken: taken.peekable(),
        }
    }

    /// Takes the next one.
    pub(super) fn take(&mut self) -> u32 {
        while let Some(taken) = self.taken.next_if(|taken| *taken <= self.next) {
            if taken == self.next {
                self.next += 1;
            }
        }
        let number = self.next;
        self.next += 1;
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_filled_from_below() {
        let mut free = FreeNumbers::new([1, 2, 5, 7].into_iter());
        let taken: Vec<u32> = std::iter::repeat_with(|| free.take()).take(5).collect();
        assert_eq!(taken, [3, 4, 6, 8, 9]);
    }

    #[test]
    fn numbering_begins_at_one() {
        assert_eq!(FreeNumbers::new([0, 3].into_iter()).take(), 1);
    }
}

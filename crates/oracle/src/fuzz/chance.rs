//! Chance that comes out alike everywhere and always: SplitMix64 (Steele, Lea, Flood 2014), a seed's whole stream.

/// A stream of random choices.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    /// The stream of scenario `number` of the run `seed`.
    pub(super) fn new(seed: u64, number: u64) -> Self {
        let mut run = Self(seed);
        Self(run.next() ^ Self(number).next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let bound = u128::try_from(bound).expect("a length fits");
        let scaled = (u128::from(self.next()) * bound) >> 64;
        usize::try_from(scaled).expect("less than the bound")
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: u32, high: u32) -> u32 {
        let span = usize::try_from(high - low).expect("32 bits fit") + 1;
        low + u32::try_from(self.below(span)).expect("less than the span")
    }

    /// True `percent` times of a hundred.
    pub(super) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of `choices`, which are not none.
    pub(super) fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// One of `choices`, each as often as its weight says.
    pub(super) fn weighted<T: Copy>(&mut self, choices: &[(usize, T)]) -> T {
        let mut at = self.below(choices.iter().map(|(weight, _)| weight).sum());
        for (weight, choice) in choices {
            if at < *weight {
                return *choice;
            }
            at -= weight;
        }
        unreachable!("the weights were summed")
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn a_seed_gives_the_published_numbers() {
        let mut chance = Chance(1_234_567);
        assert_eq!(chance.next(), 6_457_827_717_110_365_317);
        assert_eq!(chance.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn scenarios_of_a_run_differ() {
        let first = |number| Chance::new(1, number).next();
        assert_ne!(first(0), first(1));
        assert_eq!(first(7), first(7));
    }

    #[test]
    fn choices_keep_to_their_bounds() {
        let mut chance = Chance::new(3, 4);
        for _ in 0..1000 {
            assert!(chance.below(3) < 3);
            assert!((5..=7).contains(&chance.between(5, 7)));
            assert_eq!(chance.weighted(&[(0, 'a'), (1, 'b')]), 'b');
        }
    }
}

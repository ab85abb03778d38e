//! The greatest weight, and the greatest common divisor of all.

/// What schedulers need to know of all weights together.
#[derive(Clone, Copy, Default)]
pub(crate) struct Spread {
    /// Greatest common divisor of those above 0; 0 without any.
    pub(crate) divisor: u32,
    pub(crate) greatest: u32,
}

impl Spread {
    pub(crate) fn of(weights: impl Iterator<Item = u32>) -> Self {
        weights.fold(Self::default(), Self::with)
    }

    pub(crate) fn with(self, weight: u32) -> Self {
        self.and(Self {
            divisor: weight,
            greatest: weight,
        })
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            divisor: gcd(self.divisor, other.divisor),
            greatest: self.greatest.max(other.greatest),
        }
    }
}

fn gcd(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

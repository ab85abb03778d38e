//! Rows of state tables, written in the kernel's abbreviations and kept as numbers.

/// The states of a protocol by number, as the kernel's tables abbreviate them.
pub(crate) type Names = [[u8; 2]];

/// A row of a table as one word: four bits for each state before, in order of number. `states` are the states after, each
/// by its abbreviation and separated by blanks.
pub(crate) const fn row(states: &[u8], names: &Names) -> u64 {
    assert!(states.len() + 1 == 3 * names.len(), "a column is missing");
    let mut packed = 0;
    let mut before = 0;
    while before < names.len() {
        packed |= number(&[states[before * 3], states[before * 3 + 1]], names) << (before * 4);
        before += 1;
    }
    packed
}

const fn number(name: &[u8; 2], names: &Names) -> u64 {
    let mut number = 0;
    while number < names.len() {
        if names[number][0] == name[0] && names[number][1] == name[1] {
            return number as u64;
        }
        number += 1;
    }
    panic!("no state has this abbreviation")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [[u8; 2]; 3] = [*b"NO", *b"ES", *b"CL"];

    #[test]
    fn a_row_has_four_bits_for_each_state_before() {
        assert_eq!(row(b"CL NO ES", &NAMES), 0x102);
    }

    #[test]
    #[should_panic(expected = "no state has this abbreviation")]
    fn an_unknown_abbreviation_is_a_mistake() {
        row(b"CL NO XX", &NAMES);
    }

    #[test]
    #[should_panic(expected = "a column is missing")]
    fn a_short_row_is_a_mistake() {
        row(b"CL NO", &NAMES);
    }
}

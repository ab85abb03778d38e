//! FULLNAT's local addresses: there before the first destination that needs them, gone after the last one.

use std::net::IpAddr;

use dray_model::LocalAddresses;

use super::Step;

/// The steps from the present addresses (none if nobody knows) to the wanted ones: what comes before all other steps, and what
/// comes after those that destinations are part of. A family that loses all its addresses keeps them until then.
pub(super) fn steps(
    present: Option<&LocalAddresses>,
    wanted: &LocalAddresses,
) -> (Option<Step>, Option<Step>) {
    let meanwhile = LocalAddresses {
        addresses: meanwhile(present.map_or(&[], |present| &present.addresses), wanted),
        ports: wanted.ports.clone(),
    };
    let first = present != Some(&meanwhile) && !meanwhile.addresses.is_empty();
    let then = if first { Some(&meanwhile) } else { present };
    let last = (then != Some(wanted)).then(|| Step::TakeLocals(wanted.clone()));
    (first.then_some(Step::TakeLocals(meanwhile)), last)
}

fn meanwhile(present: &[IpAddr], wanted: &LocalAddresses) -> Vec<IpAddr> {
    let wanted = &wanted.addresses;
    let is_lost = |own: &&IpAddr| !wanted.iter().any(|new| new.is_ipv4() == own.is_ipv4());
    let lost = present.iter().filter(is_lost);
    wanted.iter().chain(lost).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locals(addresses: &[&str]) -> LocalAddresses {
        LocalAddresses {
            addresses: addresses.iter().map(|own| own.parse().unwrap()).collect(),
            ..LocalAddresses::default()
        }
    }

    /// The addresses that the two steps take.
    fn taken(present: Option<&[&str]>, wanted: &[&str]) -> [Option<LocalAddresses>; 2] {
        let present = present.map(locals);
        let (first, last) = steps(present.as_ref(), &locals(wanted));
        [first, last].map(|step| match step? {
            Step::TakeLocals(locals) => Some(locals),
            other => panic!("{other} is about something else"),
        })
    }

    #[test]
    fn new_addresses_come_first_and_those_of_a_family_that_ends_go_last() {
        let (v4, other, v6) = ("10.0.0.5", "10.0.0.6", "fd00::5");
        let take = |addresses: &[&str]| Some(locals(addresses));
        for (name, present, wanted, steps) in [
            ("nothing to do", Some(vec![v4]), vec![v4], [None, None]),
            ("the first", Some(vec![]), vec![v4], [take(&[v4]), None]),
            ("all gone", Some(vec![v4]), vec![], [None, take(&[])]),
            (
                "another",
                Some(vec![v4]),
                vec![other],
                [take(&[other]), None],
            ),
            (
                "the other family",
                Some(vec![v4]),
                vec![v6],
                [take(&[v6, v4]), take(&[v6])],
            ),
            (
                "one family less",
                Some(vec![v4, v6]),
                vec![other],
                [take(&[other, v6]), take(&[other])],
            ),
            ("after a start", None, vec![v4], [take(&[v4]), None]),
            ("none after a start", None, vec![], [None, take(&[])]),
        ] {
            assert_eq!(taken(present.as_deref(), &wanted), steps, "{name}");
        }
    }

    #[test]
    fn other_ports_are_taken_first() {
        let present = locals(&["10.0.0.5"]);
        let wanted = LocalAddresses {
            ports: 5000..=5999,
            ..present.clone()
        };
        let (first, last) = steps(Some(&present), &wanted);
        assert_eq!((first, last), (Some(Step::TakeLocals(wanted)), None));
    }
}

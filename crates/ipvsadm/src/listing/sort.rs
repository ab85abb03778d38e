//! The order in which `ipvsadm` shows services and real servers.
//!
//! It subtracts unsigned numbers and takes the result for a signed one, so that numbers that are 2^31 or more apart
//! are in the wrong order, and what is in between decides about the rest: the order depends on the algorithm, which is
//! the merge sort of the C library.

use std::net::IpAddr;

use dray_model::{Family, ServiceIdentity};

use crate::snapshot::{Destination, Service};

pub(super) fn services<'a>(services: &[&'a Service]) -> Vec<&'a Service> {
    merge_sort(services, |a, b| compare_services(&a.identity, &b.identity))
}

pub(super) fn destinations<'a>(destinations: &[&'a Destination]) -> Vec<&'a Destination> {
    merge_sort(destinations, |a, b| {
        first_of(&[
            compare_addresses(a.address, b.address),
            difference(a.port, b.port),
        ])
    })
}

fn compare_services(a: &ServiceIdentity, b: &ServiceIdentity) -> i32 {
    let mark = |identity: &ServiceIdentity| match identity {
        ServiceIdentity::Mark(mark) => mark.number.get(),
        ServiceIdentity::Address(_) => 0,
    };
    let family = |identity: &ServiceIdentity| match identity.family() {
        Family::Ipv4 => 2_u32,
        Family::Ipv6 => 10,
    };
    let above = [
        mark(a).wrapping_sub(mark(b)) as i32,
        difference(family(a), family(b)),
    ];
    match (a.address(), b.address()) {
        (Some(a), Some(b)) => first_of(&[
            above[0],
            above[1],
            difference(a.protocol.number(), b.protocol.number()),
            compare_addresses(a.vip, b.vip),
            difference(a.port, b.port),
        ]),
        _ => first_of(&above),
    }
}

/// Of an IPv4 address, only the first of four numbers is compared, whatever the other address is.
fn compare_addresses(a: IpAddr, b: IpAddr) -> i32 {
    let count = if a.is_ipv4() { 1 } else { 4 };
    let differences: Vec<i32> = words(a)
        .into_iter()
        .zip(words(b))
        .take(count)
        .map(|(a, b)| a.wrapping_sub(b) as i32)
        .collect();
    first_of(&differences)
}

fn words(address: IpAddr) -> [u32; 4] {
    match address {
        IpAddr::V4(address) => [address.to_bits(), 0, 0, 0],
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            [96, 64, 32, 0].map(|shift| (bits >> shift) as u32)
        }
    }
}

fn difference(a: impl Into<u32>, b: impl Into<u32>) -> i32 {
    a.into().wrapping_sub(b.into()) as i32
}

fn first_of(differences: &[i32]) -> i32 {
    differences.iter().copied().find(|it| *it != 0).unwrap_or(0)
}

fn merge_sort<T: Copy>(items: &[T], compare: impl Fn(&T, &T) -> i32 + Copy) -> Vec<T> {
    if items.len() < 2 {
        return items.to_vec();
    }
    let (first, second) = items.split_at(items.len() / 2);
    let (first, second) = (merge_sort(first, compare), merge_sort(second, compare));
    let (mut left, mut right) = (first.iter().peekable(), second.iter().peekable());
    let mut merged = Vec::with_capacity(items.len());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let next = if compare(a, b) <= 0 {
            left.next()
        } else {
            right.next()
        };
        merged.extend(next);
    }
    merged.extend(left.chain(right));
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_far_apart_are_in_the_wrong_order() {
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert!(compare_addresses(address("192.168.0.1"), address("10.0.0.1")) < 0);
        assert!(compare_addresses(address("10.0.0.1"), address("127.0.0.1")) < 0);
        assert!(compare_addresses(address("172.16.0.1"), address("10.0.0.1")) < 0);
        assert!(compare_addresses(address("10.0.0.1"), address("10.0.0.2")) < 0);
        assert!(compare_addresses(address("fd00::1"), address("fd00::2")) < 0);
    }

    #[test]
    fn equal_items_keep_their_order() {
        let items = [(1, 'a'), (0, 'b'), (1, 'c'), (0, 'd')];
        let sorted = merge_sort(&items, |a, b| a.0 - b.0);
        assert_eq!(sorted, [(0, 'b'), (0, 'd'), (1, 'a'), (1, 'c')]);
    }
}

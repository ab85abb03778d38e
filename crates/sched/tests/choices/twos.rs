//! `twos` is random: its picks are held to their distribution.

use dray_sched::Kind;

use crate::arena::load;
use crate::service::{Service, client, number};

const PICKS: u32 = 60_000;

/// With equal loads the first draw is the pick. It is from 0 to the sum of the weights, both included, and so the first of the list
/// (the newest) gets one more than its weight.
#[test]
fn with_equal_loads_each_is_picked_by_its_weight_and_the_newest_by_one_more() {
    for weights in [
        &[3, 1, 0, 2][..],
        &[1, 1, 1, 1],
        &[1],
        &[100, 7, 1],
        &[5, 0],
    ] {
        let counts = counts(&service(weights));
        let expected = distribution(weights);
        let statistic = chi_square(&counts, &expected);
        let limit = limit(&expected);
        assert!(statistic < limit, "{weights:?}: {counts:?}, {statistic}");
    }
}

#[test]
fn the_test_finds_a_distribution_that_is_wrong_by_one() {
    let weights = [3, 1, 0, 2];
    let counts = counts(&service(&weights));
    let total = f64::from(weights.iter().sum::<u32>());
    let by_weight_alone = weights.map(|weight| f64::from(weight) / total);
    assert!(chi_square(&counts, &by_weight_alone) > limit(&by_weight_alone));
}

#[test]
fn the_less_loaded_of_two_is_taken() {
    let mut service = service(&[1, 1]);
    service.arena.live = [(0, 0), (0, 0), (3, 0)].map(load).to_vec();
    let counts = counts(&service);
    // B is the newer one: it is drawn with 2 of 3, and taken when it is drawn twice.
    let expected = [5.0 / 9.0, 4.0 / 9.0];
    assert!(
        chi_square(&counts, &expected) < limit(&expected),
        "{counts:?}"
    );
}

#[test]
fn an_overloaded_destination_is_not_drawn() {
    let mut service = service(&[1, 1, 1]);
    service.arena.live[number('B') as usize].overloaded = true;
    let counts = counts(&service);
    let expected = [1.0 / 3.0, 0.0, 2.0 / 3.0];
    assert!(
        chi_square(&counts, &expected) < limit(&expected),
        "{counts:?}"
    );
}

fn service(weights: &[u32]) -> Service {
    let mut service = Service::with(Kind::PowerOfTwo, weights);
    service.arena.live = vec![load((0, 0)); weights.len() + 1];
    service
}

/// Picks of A, B, C and so on. The random numbers are the same in every run.
fn counts(service: &Service) -> Vec<u32> {
    let mut counts = vec![0; service.list.len()];
    for _ in 0..PICKS {
        let picked = service
            .pick(&client("192.0.2.1", 0))
            .expect("a destination");
        counts[picked as usize - 1] += 1;
    }
    counts
}

fn distribution(weights: &[u32]) -> Vec<f64> {
    let range = f64::from(weights.iter().sum::<u32>() + 1);
    let newest = weights.iter().rposition(|weight| *weight > 0);
    let share = |(place, weight): (usize, &u32)| {
        let more = u32::from(Some(place) == newest);
        f64::from(weight + more) / range
    };
    weights.iter().enumerate().map(share).collect()
}

/// Pearson's statistic. What cannot be picked must not be.
fn chi_square(counts: &[u32], distribution: &[f64]) -> f64 {
    let deviation = |(count, share): (&u32, &f64)| {
        let expected = share * f64::from(PICKS);
        match (expected == 0.0, *count == 0) {
            (true, true) => 0.0,
            (true, false) => f64::INFINITY,
            _ => (f64::from(*count) - expected).powi(2) / expected,
        }
    };
    counts.iter().zip(distribution).map(deviation).sum()
}

/// The statistic of a right distribution stays below this in 9,999 of 10,000 tests.
fn limit(distribution: &[f64]) -> f64 {
    let possible = distribution.iter().filter(|share| **share > 0.0).count();
    [0.1, 15.14, 18.42, 21.11][possible - 1]
}

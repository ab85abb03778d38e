//! What the rules of marks mean.

use std::num::NonZeroU32;

use dray_model::{Family, MAX_MARK_RULES, MarkRule, Protocol, config};

use crate::read;

/// A file with a service of mark 5 and these rules.
fn with_marks(rules: &str) -> String {
    format!(
        "[director]\ninterfaces = ['eth0', 'eth1']\n[[service]]\nname = 'web'\nmark = 5\n{rules}"
    )
}

fn rule_of_5() -> MarkRule {
    MarkRule {
        mark: NonZeroU32::new(5).expect("not zero"),
        family: Family::Ipv4,
        destination: None,
        source: None,
        protocol: None,
        ports: None,
        source_ports: None,
        interface: None,
    }
}

#[test]
fn the_lists_of_a_mark_multiply_out_in_their_order() {
    let text = with_marks(
        "[[mark]]\nmark = 5\ninterface = 'eth1'\nprotocol = 'tcp'\n\
         destination = ['10.0.0.1', '10.0.1.0/24']\nports = ['80', '8000-8010']\n\
         [[mark]]\nmark = 5\nsource = ['192.0.2.0/24']\nsource_ports = ['5060']\n",
    );
    let [one, network] = [([10, 0, 0, 1], 32), ([10, 0, 1, 0], 24)];
    let first = |(address, length): ([u8; 4], u8), ports| MarkRule {
        destination: Some((address.into(), length)),
        protocol: Some(Protocol::Tcp),
        ports: Some(ports),
        interface: Some("eth1".to_owned()),
        ..rule_of_5()
    };
    let second = MarkRule {
        source: Some(([192, 0, 2, 0].into(), 24)),
        source_ports: Some(5060..=5060),
        ..rule_of_5()
    };
    let expected = [
        first(one, 80..=80),
        first(one, 8000..=8010),
        first(network, 80..=80),
        first(network, 8000..=8010),
        second,
    ];
    assert_eq!(read(&text).director.marks, expected);
}

#[test]
fn a_rule_is_of_the_family_of_its_addresses() {
    let family = |rule: &str| {
        let text = format!(
            "[director]\ninterfaces = ['eth0']\n\
             [[service]]\nname = 'four'\nmark = 5\n\
             [[service]]\nname = 'six'\nmark = 5\nfamily = 'ipv6'\n\
             [[mark]]\nmark = 5\n{rule}\n\
             [[mark]]\nmark = 5\n[[mark]]\nmark = 5\nfamily = 'ipv6'"
        );
        read(&text).director.marks[0].family
    };
    assert_eq!(family(""), Family::Ipv4);
    assert_eq!(family("destination = ['10.0.0.1']"), Family::Ipv4);
    assert_eq!(family("source = ['2001:db8::/32']"), Family::Ipv6);
    assert_eq!(family("family = 'ipv6'"), Family::Ipv6);
}

#[test]
fn a_director_has_at_most_256_rules() {
    let ports = |count: usize| -> Vec<_> { (1..=count).map(|port| format!("'{port}'")).collect() };
    let with = |count| {
        let rules = format!("[[mark]]\nmark = 5\nports = [{}]", ports(count).join(", "));
        config::parse("dray.toml", &with_marks(&rules))
    };
    let marks = with(MAX_MARK_RULES)
        .expect("as many as may be")
        .director
        .marks;
    assert_eq!(marks.len(), MAX_MARK_RULES);
    let wrong = with(MAX_MARK_RULES + 1).expect_err("one too many");
    let first = wrong.iter().next().expect("an error");
    assert!(first.cause.ends_with("make 257 rules"), "{first:?}");
}

#[test]
fn lists_that_multiply_beyond_all_bounds_are_refused_at_once() {
    let ports: Vec<_> = (1..=5_000).map(|port| format!("'{port}'")).collect();
    let ports = ports.join(", ");
    let rules = format!("[[mark]]\nmark = 5\nports = [{ports}]\nsource_ports = [{ports}]");
    let wrong = config::parse("dray.toml", &with_marks(&rules)).expect_err("25 million rules");
    assert_eq!(wrong.iter().len(), 1, "{wrong}");
}

//! The configuration file as its users meet it: what a good one means, and that nothing breaks the parser.

mod document;
mod edit;
mod forward;
mod json;
mod marks;
mod patch;
mod reference;
mod state;
mod write;

use std::{fs, net::Ipv4Addr, num::NonZeroU32, time::Duration};

use dray_model::{
    Defence, Desired, Forward, Granularity, HashFlags, IpvsOptions, KernelRules, NoDestination,
    Persistence, PersistenceEngine, RealServer, Removed, Scheduler, ServiceOptions, Thresholds,
    Timeouts, VipOwnership, Weight,
    config::{self, LoadError, MAX_REALS, Presence, TABLES},
};
use proptest::prelude::*;

use self::{state::desired, write::write};

const FULL: &str = r#"
[director]
interfaces = ["eth0", "eth1"]
max_connections = 4_096
vip_interface = "eth1"

[director.timeouts]
tcp = "1h 30m"
tcp_fin = "90s"

[[service]]
name = "web"
address = "tcp://10.77.0.100:80"     # the shop
scheduler = "wrr"
forward = "dr"
  [[service.real]]
  address = "10.77.0.11"
  weight = 3
  [[service.real]]
  address = "10.77.0.12"

[[service]]
name = "web6"
address = "tcp://[2001:db8::1]:443"
real = [
  { address = "2001:db8::11", weight = 0 },
  { address = "2001:db8::12" },
]

[[service]]
name = "all"
mark = 5
scheduler = "sh"
flags = ["sh-port"]

[[mark]]
mark = 5
destination = ["10.77.0.101", "10.77.1.0/24"]
ports = ["80"]
"#;

fn read(text: &str) -> Desired {
    config::parse("dray.toml", text).unwrap_or_else(|wrong| panic!("{wrong}"))
}

/// Real servers reached by direct routing.
fn reals(port: u16, reals: &[(&str, u16)]) -> Vec<RealServer> {
    let real = |(address, weight): &(&str, u16)| RealServer {
        address: address.parse().expect("an address"),
        port,
        forward: Forward::DirectRouting,
        weight: Weight::new(*weight),
        thresholds: Thresholds::default(),
    };
    reals.iter().map(real).collect()
}

#[test]
fn a_full_file_means_what_it_says() {
    let desired = read(FULL);
    assert_eq!(desired.director.interfaces, ["eth0", "eth1"]);
    assert_eq!(desired.director.max_connections.get(), 4_096);
    assert_eq!(
        desired.director.vips,
        VipOwnership::Director {
            interface: "eth1".to_owned()
        }
    );
    let timeouts = desired.director.timeouts;
    assert_eq!(timeouts.tcp, Duration::from_secs(5_400));
    assert_eq!(timeouts.tcp_fin, Duration::from_secs(90));
    assert_eq!(timeouts.udp, Timeouts::default().udp);
    let [web, web6, all] = &desired.services[..] else {
        panic!("{:?}", desired.services)
    };
    assert_eq!(web.name.as_str(), "web");
    assert_eq!(web.identity.to_string(), "tcp://10.77.0.100:80");
    assert_eq!(web.scheduler, Scheduler::WeightedRoundRobin);
    assert_eq!(web.forward, Forward::DirectRouting);
    assert_eq!(
        web.reals,
        reals(80, &[("10.77.0.11", 3), ("10.77.0.12", 1)])
    );
    assert_eq!(web6.identity.to_string(), "tcp://[2001:db8::1]:443");
    assert_eq!(
        web6.reals,
        reals(443, &[("2001:db8::11", 0), ("2001:db8::12", 1)])
    );
    assert_eq!(all.identity.to_string(), "mark 5");
    assert_eq!(desired.director.marks.len(), 2);
}

#[test]
fn what_a_file_leaves_out_has_the_documented_defaults() {
    let desired = read(
        "[director]\ninterfaces = ['eth0', 'eth1']\n\
         [[service]]\nname = 'a'\naddress = 'udp://10.0.0.1:53'\nreal = [{ address = '10.0.0.2' }]",
    );
    assert_eq!(desired.director.max_connections.get(), 1_048_576);
    assert_eq!(
        desired.director.vips,
        VipOwnership::Director {
            interface: "eth0".to_owned()
        }
    );
    assert_eq!(desired.director.timeouts, Timeouts::default());
    let service = &desired.services[0];
    assert_eq!(service.scheduler, Scheduler::WeightedLeastConnection);
    assert_eq!(service.forward, Forward::DirectRouting);
    assert_eq!(service.reals, reals(53, &[("10.0.0.2", 1)]));
}

#[test]
fn to_write_the_defaults_down_changes_nothing() {
    let required = |header: &str| match header {
        "[director]" => "interfaces = ['eth0']\n",
        "[[service]]" => "name = 'a'\naddress = 'udp://10.0.0.1:53'\n",
        "[[service.real]]" => "address = '10.0.0.2'\n",
        "[[mark]]" => "mark = 5\n",
        "[director.fullnat]" => "addresses = ['10.0.0.3']\n",
        "[director.api.tcp]" => {
            "listen = '10.0.0.4:7443'\ncertificate = '/a'\nkey = '/b'\ntokens = '/c'\n"
        }
        _ => "",
    };
    let mut short = String::new();
    let mut long = String::new();
    for table in TABLES.iter().filter(|table| !table.header.is_empty()) {
        let header = format!("{}\n{}", table.header, required(table.header));
        short += &header;
        long += &header;
        for key in table.keys {
            // Defaults of several words describe; all others can be written as they are.
            if let Presence::Default(default) = key.presence
                && !default.contains(' ')
                && !default.contains('\'')
            {
                let is_number = default.replace('_', "").parse::<u64>().is_ok();
                let value = if is_number || ["true", "false"].contains(&default) {
                    default.to_owned()
                } else {
                    format!("\"{default}\"")
                };
                long += &format!("{} = {value}\n", key.name);
            }
        }
    }
    assert!(long.len() > short.len() + 100, "{long}");
    let marked = "[[service]]\nname = 'b'\nmark = 5\n";
    assert_eq!(read(&(long + marked)), read(&(short + marked)));
}

#[test]
fn a_service_may_have_every_option_that_fits_it() {
    let desired = read(
        "[director]\ninterfaces = ['eth0']\n\
         [[service]]\nname = 'all'\naddress = 'tcp://10.0.0.1:0'\npersistent = '6m'\n\
         netmask = '255.255.255.0'\nscheduler = 'sh'\nflags = ['sh-port', 'sh-fallback']\n\
         [[service]]\nname = 'sip'\naddress = 'udp://[2001:db8::1]:5060'\npersistent = '1h'\n\
         netmask = 64\npersistence_engine = 'sip'\none_packet = true\n\
         [[service]]\nname = 'diameter'\naddress = 'sctp://10.0.0.1:3868'\nscheduler = 'nq'\n\
         real = [{ address = '10.0.0.2', upper_threshold = 100, lower_threshold = 80 }]\n",
    );
    let [all, sip, diameter] = &desired.services[..] else {
        panic!("{:?}", desired.services)
    };
    let flags = HashFlags {
        fallback: true,
        port: true,
    };
    assert_eq!(all.scheduler, Scheduler::SourceHash(flags));
    let persistence = Persistence {
        timeout: NonZeroU32::new(360).expect("not zero"),
        granularity: Granularity::Ipv4(Ipv4Addr::new(255, 255, 255, 0)),
        engine: None,
    };
    assert_eq!(all.options.persistence, Some(persistence));
    let persistence = Persistence {
        timeout: NonZeroU32::new(3_600).expect("not zero"),
        granularity: Granularity::Ipv6(64),
        engine: Some(PersistenceEngine::Sip),
    };
    let options = ServiceOptions {
        persistence: Some(persistence),
        one_packet: true,
    };
    assert_eq!(sip.options, options);
    assert_eq!(diameter.identity.to_string(), "sctp://10.0.0.1:3868");
    assert_eq!(diameter.scheduler, Scheduler::NeverQueue);
    let thresholds = Thresholds {
        upper: 100,
        lower: 80,
    };
    assert_eq!(diameter.reals[0].thresholds, thresholds);
}

#[test]
fn persistence_without_a_netmask_is_for_each_address() {
    let granularity = |address: &str| {
        let text = format!(
            "[director]\ninterfaces = ['eth0']\n\
             [[service]]\nname = 'a'\naddress = '{address}'\npersistent = '6m'"
        );
        let persistence = read(&text).services[0].options.persistence;
        persistence.expect("persistent").granularity
    };
    assert_eq!(
        granularity("tcp://10.0.0.1:80"),
        Granularity::Ipv4(Ipv4Addr::BROADCAST)
    );
    assert_eq!(
        granularity("tcp://[2001:db8::1]:80"),
        Granularity::Ipv6(128)
    );
}

#[test]
fn one_line_begins_with_ipvs_and_other_lines_say_otherwise_wherever_they_stand() {
    let options = |lines: &str| {
        let text = format!("[director]\ninterfaces = ['eth0']\n[director.ipvs]\n{lines}");
        read(&text).director.ipvs
    };
    assert_eq!(options(""), IpvsOptions::default());
    assert_eq!(options("compat = 'ipvs'"), IpvsOptions::IPVS);
    let both = options(
        "removed = 'finish'\nkernel = '6.1.176'\nno_destination = 'reset'\nsecure_tcp = 3\n\
         drop_entry = 1\ncompat = 'ipvs'\ndrop_packet = 'on'\nanswers_per_second = 0",
    );
    let expected = IpvsOptions {
        removed: Removed::Finish,
        rules: KernelRules::V6_1_176,
        no_destination: NoDestination::Reset,
        secure_tcp: Defence::On,
        drop_entry: Defence::Automatic,
        drop_packet: Defence::On,
        answers_per_second: None,
        ..IpvsOptions::IPVS
    };
    assert_eq!(both, expected);
}

#[test]
fn a_director_may_have_nothing_to_do_yet() {
    assert_eq!(read("[director]\ninterfaces = [\"eth0\"]").services, []);
    let no_reals = "director = { interfaces = ['eth0'] }\n\
                    [[service]]\nname = 'a'\naddress = 'tcp://10.0.0.1:1'";
    assert_eq!(read(no_reals).services[0].reals, []);
}

#[test]
fn vips_can_be_left_to_somebody_else() {
    let desired = read("[director]\ninterfaces = [\"eth0\"]\nmanage_vips = false");
    assert_eq!(desired.director.vips, VipOwnership::External);
}

#[test]
fn byte_order_marks_and_windows_line_ends_change_nothing() {
    let windows = format!("\u{feff}{}", FULL.replace('\n', "\r\n"));
    assert_eq!(read(&windows), read(FULL));
}

#[test]
fn a_service_has_at_most_4096_real_servers() {
    let with = |count: usize| {
        let mut text = "[director]\ninterfaces = ['eth0']\n\
                        [[service]]\nname = 'a'\naddress = 'tcp://10.0.0.1:1'\n"
            .to_owned();
        for number in 0..count {
            let (high, low) = (number / 250, number % 250 + 1);
            text += &format!("[[service.real]]\naddress = '10.1.{high}.{low}'\n");
        }
        config::parse("dray.toml", &text)
    };
    assert_eq!(
        with(MAX_REALS).expect("as many as may be").services[0]
            .reals
            .len(),
        MAX_REALS
    );
    let wrong = with(MAX_REALS + 1).expect_err("one too many");
    let first = wrong.iter().next().expect("an error");
    assert_eq!(first.cause, "the service has 4097 real servers");
    assert_eq!(first.place.line, 6 + 2 * MAX_REALS, "the 4097th is blamed");
}

#[test]
fn errors_of_syntax_and_of_meaning_come_in_one_run() {
    let text = "[director]\ninterfaces = [eth0]\nmax_connections = 1\n\
                [[service]]\nname = \"a\naddress = \"tcp://10.0.0.1:0\"\n";
    let wrong = config::parse("dray.toml", text).expect_err("four errors");
    let lines: Vec<_> = wrong.iter().map(|error| error.place.line).collect();
    assert_eq!(lines, [2, 3, 5, 6], "{wrong}");
}

#[test]
fn a_character_left_out_is_blamed_near_its_place_and_nowhere_else() {
    for (at, left_out) in FULL
        .char_indices()
        .filter(|(_, c)| "\"[]{},=\n".contains(*c))
    {
        let text = format!("{}{}", &FULL[..at], &FULL[at + 1..]);
        let Err(wrong) = config::parse("dray.toml", &text) else {
            continue;
        };
        let line = FULL[..at].matches('\n').count() + 1;
        assert!(
            wrong.iter().len() <= 4,
            "{left_out:?} of line {line} left out:\n{wrong}"
        );
        for error in &wrong {
            let distance = error.place.line.abs_diff(line);
            assert!(
                distance <= 3,
                "{left_out:?} of line {line} left out:\n{wrong}"
            );
        }
    }
}

#[test]
fn of_a_very_long_line_the_message_shows_a_piece_and_the_right_column() {
    let good = "{ address = '10.0.0.2' }, ".repeat(1_000);
    let text = format!(
        "[director]\ninterfaces = ['eth0']\n[[service]]\nname = 'a'\n\
                        address = 'tcp://10.0.0.1:1'\nreal = [{good}{{ adress = 'x' }}]"
    );
    let wrong = config::parse("dray.toml", &text).expect_err("twice the same, and a misspelt key");
    let last = wrong.iter().last().expect("an error");
    assert_eq!(
        (last.place.line, last.place.column),
        (6, "real = [".len() + good.len() + 3)
    );
    let rendered = wrong.render(false);
    assert!(rendered.contains(&format!("--> dray.toml:6:{}\n", last.place.column)));
    assert!(
        rendered.len() < 2_000 * wrong.iter().len(),
        "{}",
        rendered.len()
    );
}

#[test]
fn files_that_cannot_be_taken_say_why_and_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dray.toml");

    let missing = config::load(&path).expect_err("not there yet");
    assert!(matches!(missing, LoadError::Missing { .. }), "{missing:?}");
    assert!(missing.to_string().contains("create it"), "{missing}");

    let directory = config::load(folder.path()).expect_err("a directory");
    assert!(
        matches!(directory, LoadError::Directory { .. }),
        "{directory:?}"
    );

    fs::write(&path, b"[director]\n# caf\xc3\xa9 and caf\xe9\n").expect("writable");
    let latin1 = config::load(&path).expect_err("not UTF-8");
    assert!(
        matches!(
            latin1,
            LoadError::NotUtf8 {
                line: 2,
                column: 15,
                byte: 0xe9,
                ..
            }
        ),
        "{latin1:?}"
    );
    assert!(
        latin1.to_string().contains("dray.toml:2:15: byte 0xe9"),
        "{latin1}"
    );

    fs::write(&path, "[director]\ninterface = []\n").expect("writable");
    let wrong = config::load(&path).expect_err("has an error");
    assert!(matches!(wrong, LoadError::Invalid(_)), "{wrong:?}");
    assert!(wrong.to_string().contains("dray.toml:2:1"), "{wrong}");

    // A file that opens but cannot be read: nothing is mapped at address 0.
    let unreadable = config::load("/proc/self/mem".as_ref()).expect_err("no such memory");
    assert!(
        matches!(unreadable, LoadError::Unreadable { .. }),
        "{unreadable:?}"
    );

    fs::write(&path, FULL).expect("writable");
    assert_eq!(config::load(&path).expect("a good file"), read(FULL));
}

proptest! {
    #[test]
    fn every_valid_state_reads_back_as_it_was_written(desired in desired(), inline in any::<bool>()) {
        let text = write(&desired, inline);
        match config::parse("dray.toml", &text) {
            Ok(read) => prop_assert_eq!(read, desired),
            Err(wrong) => prop_assert!(false, "{}\n{}", text, wrong),
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        judge(&text)?;
    }

    #[test]
    fn no_file_like_text_makes_the_parser_panic(text in scraps()) {
        judge(&text)?;
    }

    #[test]
    fn no_slip_of_the_pen_makes_the_parser_panic(at in 0..FULL.len(), length in 0..9_usize, new in scraps()) {
        let end = (at + length).min(FULL.len());
        judge(&format!("{}{new}{}", &FULL[..at], &FULL[end..]))?;
    }
}

/// A text is taken, or refused with errors that can be shown and that point into it.
fn judge(text: &str) -> Result<(), TestCaseError> {
    let Err(wrong) = config::parse("dray.toml", text) else {
        return Ok(());
    };
    prop_assert_ne!(wrong.iter().len(), 0);
    let lines = text.split('\n').count();
    for error in &wrong {
        prop_assert!((1..=lines).contains(&error.place.line), "{:?}", error);
        prop_assert!(
            !error.cause.is_empty() && !error.cure.is_empty(),
            "{:?}",
            error
        );
    }
    let rendered = wrong.render(false);
    prop_assert!(rendered.contains("--> dray.toml:"), "{}", rendered);
    Ok(())
}

/// Texts out of the pieces that configurations are made of.
fn scraps() -> impl Strategy<Value = String> {
    let scrap = prop::sample::select(vec![
        "[director]",
        "[[service]]",
        "[[service.real]]",
        "[director.timeouts]",
        "[director.ipvs]",
        "[director.tunnel]",
        "[director.fullnat]",
        "[[mark]]",
        "interfaces",
        "name",
        "address",
        "real",
        "weight",
        "mark",
        "ports",
        "flags",
        "persistent",
        "netmask",
        "compat",
        "forward",
        "tunnel_port",
        "toa_option",
        "addresses",
        "source4",
        "\"fullnat\"",
        "\"10.0.0.1-10.0.0.9\"",
        "tcp",
        " = ",
        "=",
        "[",
        "]",
        "{",
        "}",
        ",",
        ".",
        "\"",
        "'",
        "\"\"\"",
        "'''",
        "\n",
        "\r\n",
        " ",
        "#",
        "\\",
        "\"tcp://10.0.0.1:80\"",
        "\"eth0\"",
        "10",
        "-1",
        "0x",
        "1.5",
        "true",
        "é",
        "\u{0}",
        "\t",
        "service",
        "director",
        ":",
        "2026-01-01",
    ]);
    prop::collection::vec(scrap, 0..40).prop_map(|scraps| scraps.concat())
}

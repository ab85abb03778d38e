//! The configuration file as its users meet it: what a good one means, and that nothing breaks the parser.

use std::{fs, net::IpAddr, time::Duration};

use dray_model::{
    Desired, Director, Forward, Protocol, RealServer, Scheduler, Service, ServiceAddress,
    ServiceName, Timeouts, VipOwnership, Weight,
    config::{self, Key, LoadError, MAX_REALS, Presence, TABLES},
};
use proptest::prelude::*;

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
"#;

fn read(text: &str) -> Desired {
    config::parse("dray.toml", text).unwrap_or_else(|wrong| panic!("{wrong}"))
}

fn reals(reals: &[(&str, u16)]) -> Vec<RealServer> {
    let real = |(address, weight): &(&str, u16)| RealServer {
        address: address.parse().expect("an address"),
        weight: Weight::new(*weight),
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
    let [web, web6] = &desired.services[..] else {
        panic!("{:?}", desired.services)
    };
    assert_eq!(web.name.as_str(), "web");
    assert_eq!(web.address.to_string(), "tcp://10.77.0.100:80");
    assert_eq!(web.scheduler, Scheduler::WeightedRoundRobin);
    assert_eq!(web.forward, Forward::DirectRouting);
    assert_eq!(web.reals, reals(&[("10.77.0.11", 3), ("10.77.0.12", 1)]));
    assert_eq!(web6.address.to_string(), "tcp://[2001:db8::1]:443");
    assert_eq!(
        web6.reals,
        reals(&[("2001:db8::11", 0), ("2001:db8::12", 1)])
    );
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
    assert_eq!(service.reals, reals(&[("10.0.0.2", 1)]));
}

#[test]
fn to_write_the_defaults_down_changes_nothing() {
    let required = |header: &str| match header {
        "[director]" => "interfaces = ['eth0']\n",
        "[[service]]" => "name = 'a'\naddress = 'udp://10.0.0.1:53'\n",
        "[[service.real]]" => "address = '10.0.0.2'\n",
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
                let bare = default.starts_with(|c: char| c.is_ascii_digit())
                    && !default.ends_with('m')
                    || default == "true";
                let value = if bare {
                    default.to_owned()
                } else {
                    format!("\"{default}\"")
                };
                long += &format!("{} = {value}\n", key.name);
            }
        }
    }
    assert!(long.len() > short.len() + 100, "{long}");
    assert_eq!(read(&long), read(&short));
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

const PAGE: &str = include_str!("../../../docs/reference/configuration.md");

/// The page's sections with a name in backticks: "## `[table]`", and "### `key`" with its table before it.
fn sections() -> Vec<(String, &'static str)> {
    let mut table = "";
    let headings = PAGE
        .split("\n## ")
        .skip(1)
        .flat_map(|section| section.split("\n### "));
    headings
        .filter_map(|section| {
            let name = section
                .lines()
                .next()?
                .strip_prefix('`')?
                .strip_suffix('`')?;
            if name.starts_with('[') {
                table = name;
                return Some((name.to_owned(), section));
            }
            Some((format!("{table} {name}"), section))
        })
        .collect()
}

/// Tables and keys as the parser knows them, named as the page's sections.
fn known() -> Vec<(String, Option<&'static Key>)> {
    let mut known = Vec::new();
    for table in TABLES.iter().filter(|table| !table.header.is_empty()) {
        known.push((table.header.to_owned(), None));
        // A key whose example is a header is a table, and in the list as such.
        let keys = table
            .keys
            .iter()
            .filter(|key| !key.example.starts_with('['));
        known.extend(keys.map(|key| (format!("{} {}", table.header, key.name), Some(*key))));
    }
    known
}

#[test]
fn the_reference_page_names_every_key_and_no_other() {
    let documented: Vec<_> = sections().into_iter().map(|(name, _)| name).collect();
    let known: Vec<_> = known().into_iter().map(|(name, _)| name).collect();
    assert_eq!(documented, known);
}

#[test]
fn the_reference_page_gives_the_defaults_of_every_key() {
    let known = known()
        .into_iter()
        .filter_map(|(name, key)| Some((name, key?)));
    for (name, key) in known {
        let sections = sections();
        let (_, section) = sections
            .iter()
            .find(|(section, _)| *section == name)
            .expect(&name);
        match key.presence {
            Presence::Required => assert!(section.contains("Required."), "{name}"),
            Presence::Default(default) => {
                let given = section
                    .split_once("Default: ")
                    .expect(&name)
                    .1
                    .replace(['`', '"'], "");
                assert!(
                    given.starts_with(&default.replace('`', "")),
                    "{name}: {default}, not {given}"
                );
            }
        }
    }
}

#[test]
fn the_examples_of_the_reference_page_are_good() {
    let examples: Vec<_> = PAGE
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().expect("the end of the example"))
        .collect();
    assert!(!examples.is_empty());
    for example in examples {
        read(example);
    }
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
        "interfaces",
        "name",
        "address",
        "real",
        "weight",
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

/// A desired state as a file may give it.
fn desired() -> impl Strategy<Value = Desired> {
    let interfaces = prop::collection::hash_set("[a-z][a-z0-9.@-]{0,14}", 1..4);
    let services = prop::collection::hash_map("[A-Za-z0-9._-]{1,63}", service(), 0..5);
    let timeout = || (1..=2_678_400_u64).prop_map(Duration::from_secs);
    (
        interfaces,
        1_024..=67_108_864_u32,
        any::<Option<prop::sample::Index>>(),
        (timeout(), timeout(), timeout()),
        services,
    )
        .prop_map(
            |(interfaces, connections, vips, (tcp, tcp_fin, udp), services)| {
                let interfaces: Vec<_> = interfaces.into_iter().collect();
                let vips = match vips {
                    Some(index) => VipOwnership::Director {
                        interface: index.get(&interfaces).clone(),
                    },
                    None => VipOwnership::External,
                };
                let max_connections = connections.try_into().expect("not zero");
                let timeouts = Timeouts { tcp, tcp_fin, udp };
                let director = Director {
                    interfaces,
                    max_connections,
                    vips,
                    timeouts,
                };
                Desired {
                    director,
                    services: unlike(services),
                }
            },
        )
}

/// A service without its name.
fn service() -> impl Strategy<Value = (ServiceAddress, Scheduler, Vec<RealServer>)> {
    any::<bool>().prop_flat_map(|v4| {
        let protocol = prop::sample::select(vec![Protocol::Tcp, Protocol::Udp]);
        // VIPs and real servers out of two networks, so that no real server is a VIP.
        let vip = host(v4, 1).prop_flat_map(move |vip| (Just(vip), protocol.clone(), 1_u16..));
        let reals = prop::collection::hash_map(host(v4, 2), any::<u16>(), 0..5);
        (vip, prop::sample::select(Scheduler::ALL.to_vec()), reals).prop_map(
            |((vip, protocol, port), scheduler, reals)| {
                let real = |(address, weight)| RealServer {
                    address,
                    weight: Weight::new(weight),
                };
                (
                    ServiceAddress {
                        protocol,
                        vip,
                        port,
                    },
                    scheduler,
                    reals.into_iter().map(real).collect(),
                )
            },
        )
    })
}

fn host(v4: bool, network: u8) -> impl Strategy<Value = IpAddr> {
    any::<u16>().prop_map(move |host| {
        let [high, low] = host.to_be_bytes();
        if v4 {
            [10, network, high, low].into()
        } else {
            [0x2001, 0xdb8, u16::from(network), 0, 0, 0, 0, host].into()
        }
    })
}

/// The services with a name each, those with an address that was there before left out.
fn unlike(
    services: std::collections::HashMap<String, (ServiceAddress, Scheduler, Vec<RealServer>)>,
) -> Vec<Service> {
    let mut addresses = std::collections::HashSet::new();
    services
        .into_iter()
        .filter(|(_, (address, ..))| addresses.insert(*address))
        .map(|(name, (address, scheduler, reals))| Service {
            name: ServiceName::new(&name).expect("a service name"),
            address,
            scheduler,
            forward: Forward::DirectRouting,
            reals,
        })
        .collect()
}

/// The file that means this state.
fn write(desired: &Desired, inline: bool) -> String {
    let director = &desired.director;
    let interfaces: Vec<_> = director
        .interfaces
        .iter()
        .map(|name| format!("'{name}'"))
        .collect();
    let mut text = format!("[director]\ninterfaces = [{}]\n", interfaces.join(", "));
    text += &format!("max_connections = {}\n", director.max_connections);
    text += &match &director.vips {
        VipOwnership::Director { interface } => format!("vip_interface = '{interface}'\n"),
        VipOwnership::External => "manage_vips = false\n".to_owned(),
    };
    let Timeouts { tcp, tcp_fin, udp } = director.timeouts;
    text += "[director.timeouts]\n";
    for (key, time) in [("tcp", tcp), ("tcp_fin", tcp_fin), ("udp", udp)] {
        let seconds = time.as_secs();
        text += &format!(
            "{key} = '{}h {}m{}s'\n",
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60
        );
    }
    for service in &desired.services {
        let (scheduler, forward) = (service.scheduler.name(), service.forward.name());
        text += &format!(
            "[[service]]\nname = '{}'\naddress = \"{}\"\n",
            service.name, service.address
        );
        text += &format!("scheduler = '{scheduler}'\nforward = '{forward}'\n");
        let real = |real: &RealServer| {
            (
                format!("address = '{}'", real.address),
                format!("weight = {}", real.weight),
            )
        };
        let reals = service.reals.iter().map(real);
        if inline {
            let reals: Vec<_> = reals
                .map(|(address, weight)| format!("{{ {address}, {weight} }}"))
                .collect();
            text += &format!("real = [\n  {}\n]\n", reals.join(",\n  "));
        } else {
            text.extend(
                reals.map(|(address, weight)| format!("[[service.real]]\n{address}\n{weight}\n")),
            );
        }
    }
    text
}

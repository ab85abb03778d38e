//! A desired state as a document: nothing is lost, in TOML and JSON, and it looks as somebody would have written it.

use dray_model::{
    Desired,
    config::{self, TABLES},
    document::{self, Document, Endpoint, Service},
};
use proptest::prelude::*;
use serde_json::Value;
use utoipa::PartialSchema;

use crate::{FULL, read, state};

fn json(document: &Document) -> Value {
    serde_json::to_value(document).expect("documents are JSON")
}

/// A state, some parts of its director as they are in a short file.
pub(crate) fn desired() -> BoxedStrategy<Desired> {
    let state = (state::desired().boxed(), any::<[bool; 7]>());
    state
        .prop_map(|(mut desired, plain)| {
            let names = desired.director.interfaces.join("', '");
            let short = read(&format!("[director]\ninterfaces = ['{names}']")).director;
            let director = &mut desired.director;
            if plain[0] {
                director.max_connections = short.max_connections;
            }
            if plain[1] {
                director.max_translations = short.max_translations;
            }
            if plain[2] {
                director.timeouts = short.timeouts;
            }
            if plain[3] {
                director.tunnels = short.tunnels;
            }
            if plain[4] {
                director.ipvs = short.ipvs;
            }
            if plain[5] {
                director.api = short.api;
            }
            if plain[6] {
                director.vips = short.vips;
            }
            desired
        })
        .boxed()
}

proptest! {
    #[test]
    fn a_state_written_as_toml_reads_back(desired in desired()) {
        let text = Document::from(&desired).to_toml();
        match config::parse("dray.toml", &text) {
            Ok(read) => prop_assert_eq!(read, desired, "{}", text),
            Err(wrong) => prop_assert!(false, "{}\n{}", text, wrong),
        }
    }

    #[test]
    fn a_state_written_as_json_reads_back(desired in desired()) {
        let document = json(&Document::from(&desired));
        match config::parse_json(&document) {
            Ok(read) => prop_assert_eq!(read, desired, "{}", document),
            Err(wrong) => prop_assert!(false, "{}\n{:?}", document, wrong),
        }
    }

    #[test]
    fn a_document_survives_json(desired in desired()) {
        let document = Document::from(&desired);
        prop_assert_eq!(serde_json::from_value::<Document>(json(&document)).expect("a document"), document);
    }

    #[test]
    fn every_real_server_is_found_by_its_name(desired in desired()) {
        for service in &desired.services {
            let document = Service::from(&**service);
            for (real, written) in service.reals.iter().zip(&document.real) {
                let name: Endpoint = written.address.parse().expect("a name");
                prop_assert_eq!(name, Endpoint::of(real, &service.identity));
                let named = |other| name.names(other, &service.identity);
                prop_assert_eq!(service.reals.iter().filter(|other| named(other)).collect::<Vec<_>>(), [real]);
            }
        }
    }
}

#[test]
fn a_state_is_written_as_somebody_would_have() {
    let text = Document::from(&read(FULL)).to_toml();
    let expected = r#"[director]
interfaces = ["eth0", "eth1"]
max_connections = 4_096
vip_interface = "eth1"

[director.timeouts]
tcp = "1h 30m"
tcp_fin = "1m 30s"

[[service]]
name = "web"
address = "tcp://10.77.0.100:80"
scheduler = "wrr"
real = [
    { address = "10.77.0.11", weight = 3 },
    { address = "10.77.0.12" },
]

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
    assert_eq!(text, expected);
}

#[test]
fn what_belongs_together_is_written_together() {
    let text = r#"[director]
interfaces = ["eth0"]

[director.tunnel]
source4 = "172.16.0.0/18"

[director.fullnat]
addresses = ["10.0.0.9", "10.0.0.20-10.0.0.29", "2001:db8::9"]
ports = "2000-2999"

[director.ipvs]
compat = "ipvs"
sloppy_tcp = true

[director.api]
readers = "all"

[director.api.tcp]
listen = "10.0.0.1:7443"
certificate = "/etc/dray/api.pem"
key = "/etc/dray/api.key"
tokens = "/etc/dray/tokens"

[[service]]
name = "far"
address = "tcp://10.0.0.1:80"
forward = "tun"
tunnel = "gue"
tunnel_port = 7000
real = [
    { address = "10.9.0.1" },
    { address = "10.9.0.2", tunnel_port = 7001, upper_threshold = 100, lower_threshold = 80 },
    { address = "10.9.0.3", tunnel = "gre", tunnel_checksum = true },
    { address = "10.0.1.1", forward = "dr", weight = 0 },
    { address = "10.0.1.2:8080", forward = "fullnat" },
]

[[service]]
name = "call"
mark = 7
family = "ipv6"
persistent = "6m"
netmask = 64
persistence_engine = "sip"

[[mark]]
mark = 7
source = ["2001:db8:1::/64", "2001:db8:2::/64"]
protocol = "udp"
ports = ["5060", "5080-5090"]
source_ports = ["1024-65535"]
interface = "eth0"

[[mark]]
mark = 7
protocol = "tcp"
family = "ipv6"
"#;
    assert_eq!(Document::from(&read(text)).to_toml(), text);
}

#[test]
fn marks_of_two_families_stay_two_tables() {
    let text = "[director]\ninterfaces = ['eth0']\n\
                [[mark]]\nmark = 5\ndestination = ['10.0.0.1']\n\
                [[mark]]\nmark = 5\ndestination = ['2001:db8::1']\n";
    let desired = read(text);
    let document = Document::from(&desired);
    assert_eq!(document.mark.len(), 2);
    assert_eq!(read(&document.to_toml()), desired);
}

#[test]
fn text_with_quotes_and_backslashes_is_written_so_that_it_reads_back() {
    let mut desired = read("[director]\ninterfaces = ['eth0']");
    let odd = "a\"b\\cé".to_owned();
    desired.director.interfaces.push(odd.clone());
    desired.director.vips = dray_model::VipOwnership::Director { interface: odd };
    assert_eq!(read(&Document::from(&desired).to_toml()), desired);
}

#[test]
fn documents_have_exactly_the_keys_of_the_file() {
    fn keys<D: PartialSchema>() -> Vec<String> {
        let schema = serde_json::to_value(D::schema()).expect("a schema is JSON");
        let properties = schema["properties"].as_object().expect("an object");
        properties.keys().cloned().collect()
    }
    let documents = [
        ("", keys::<Document>()),
        ("[director]", keys::<document::Director>()),
        ("[director.timeouts]", keys::<document::Timeouts>()),
        ("[director.tunnel]", keys::<document::Tunnel>()),
        ("[director.fullnat]", keys::<document::FullNat>()),
        ("[director.ipvs]", keys::<document::Ipvs>()),
        ("[director.api]", keys::<document::Api>()),
        ("[director.api.tcp]", keys::<document::ApiTcp>()),
        ("[[service]]", keys::<Service>()),
        ("[[service.real]]", keys::<document::Real>()),
        ("[[mark]]", keys::<document::Mark>()),
    ];
    assert_eq!(documents.len(), TABLES.len());
    for (header, mut keys) in documents {
        let mut tables = TABLES.iter();
        let table = tables.find(|table| table.header == header);
        let table = table.expect("a table of the file");
        let mut of_file: Vec<_> = table.keys.iter().map(|key| key.name).collect();
        keys.sort_unstable();
        of_file.sort_unstable();
        assert_eq!(keys, of_file, "{header}");
    }
}

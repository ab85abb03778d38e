//! Connections and templates: `ipvsadm -Lc`.

use dray_model::Protocol;

use super::Look;
use crate::snapshot::Connection;

/// All connections, in their order; `engines` with what persistence engines found.
pub fn connections(connections: &[Connection], engines: bool, look: Look<'_>) -> String {
    let (state, source, virtual_service, destination) =
        ("state", "source", "virtual", "destination");
    let mut text = if engines {
        format!(
            "pro expire {state:<11} {source:<18} {virtual_service:<18} {destination:<18} {:<16} pe_data\n",
            "pe name"
        )
    } else {
        format!("pro expire {state:<11} {source:<18} {virtual_service:<18} {destination}\n")
    };
    text.insert_str(0, "IPVS connection entries\n");
    for connection in connections {
        text += &line(connection, engines, look);
    }
    text
}

fn line(connection: &Connection, engines: bool, look: Look<'_>) -> String {
    let (name, protocol) = protocol(connection.protocol);
    let expires = format!(
        "{:02}:{:02}",
        connection.expires / 60,
        connection.expires % 60
    );
    let endpoint = |(address, port)| look.endpoint(address, port, protocol);
    let head = format!(
        "{name:<3} {expires:<6} {:<11} {:<18} {:<18}",
        connection.state,
        endpoint(connection.client),
        endpoint(connection.virtual_service)
    );
    let destination = endpoint(connection.destination);
    match &connection.engine {
        Some((name, data)) if engines => format!("{head} {destination:<16} {name:<18} {data}\n"),
        _ => format!("{head} {destination}\n"),
    }
}

const fn protocol(number: u8) -> (&'static str, Option<Protocol>) {
    match number {
        0 => ("IP", None),
        6 => ("TCP", Some(Protocol::Tcp)),
        17 => ("UDP", Some(Protocol::Udp)),
        132 => ("SCTP", Some(Protocol::Sctp)),
        _ => ("?", None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_engine_found_stands_in_columns_of_its_own() {
        let at = |text: &str| {
            let at: std::net::SocketAddr = text.parse().expect("an address and a port");
            (at.ip(), at.port())
        };
        let connection = Connection {
            protocol: 17,
            client: at("192.0.2.1:0"),
            virtual_service: at("10.0.0.1:5060"),
            destination: at("10.1.1.7:5060"),
            state: "UDP".to_owned(),
            expires: 6001,
            engine: Some(("sip".to_owned(), "abc@192.0.2.1".to_owned())),
        };
        assert_eq!(
            connections(std::slice::from_ref(&connection), true, Look::Numbers),
            "IPVS connection entries\n\
             pro expire state       source             virtual            destination        pe name          pe_data\n\
             UDP 100:01 UDP         192.0.2.1:0        10.0.0.1:5060      10.1.1.7:5060    sip                abc@192.0.2.1\n"
        );
        assert_eq!(
            connections(&[connection], false, Look::Numbers),
            "IPVS connection entries\n\
             pro expire state       source             virtual            destination\n\
             UDP 100:01 UDP         192.0.2.1:0        10.0.0.1:5060      10.1.1.7:5060\n"
        );
    }
}

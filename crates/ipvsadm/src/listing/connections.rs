//! Connections and templates: `ipvsadm -Lc`.

use super::table::endpoint;
use crate::snapshot::Connection;

const fn protocol(number: u8) -> &'static str {
    match number {
        0 => "IP",
        6 => "TCP",
        17 => "UDP",
        132 => "SCTP",
        _ => "?",
    }
}

/// `ipvsadm -Lnc`; `engines` with what persistence engines found.
pub fn connections(connections: &[Connection], engines: bool) -> String {
    let mut text = "IPVS connection entries\n".to_owned();
    let (state, source, virtual_service, destination) =
        ("state", "source", "virtual", "destination");
    text += &if engines {
        format!(
            "pro expire {state:<11} {source:<18} {virtual_service:<18} {destination:<18} {:<16} pe_data\n",
            "pe name"
        )
    } else {
        format!("pro expire {state:<11} {source:<18} {virtual_service:<18} {destination}\n")
    };
    for it in connections {
        let expires = format!("{:02}:{:02}", it.expires / 60, it.expires % 60);
        let client = endpoint(it.client.0, it.client.1);
        let service = endpoint(it.virtual_service.0, it.virtual_service.1);
        let destination = endpoint(it.destination.0, it.destination.1);
        text += &format!(
            "{:<3} {expires:<6} {:<11} {client:<18} {service:<18} ",
            protocol(it.protocol),
            it.state
        );
        text += &match &it.engine {
            Some((name, data)) if engines => format!("{destination:<16} {name:<18} {data}\n"),
            _ => format!("{destination}\n"),
        };
    }
    text
}

//! Connections as a person reads them, with the habits of `ipvsadm -Lnc`.

use dray_api::v1::Connection;

use crate::{
    address::real_server,
    grid::{Grid, Side},
    number::clock,
    paint::Paint,
};

/// The connections as text, in the order of client and service.
pub(super) fn table(connections: &[Connection], paint: Paint) -> String {
    let mut sorted: Vec<_> = connections.iter().collect();
    sorted.sort_by_key(|connection| (connection.client, connection.virtual_));
    let mut grid = Grid::new([
        Side::Left,
        Side::Right,
        Side::Left,
        Side::Left,
        Side::Left,
        Side::Left,
        Side::Left,
        Side::Left,
        Side::Right,
        Side::Left,
    ]);
    grid.heads(
        paint,
        &[
            "Prot",
            "Expire",
            "State",
            "Client",
            "Virtual",
            "Forward",
            "Local",
            "Real server",
            "Age",
            "Service",
        ],
    );
    for connection in sorted {
        grid.row([
            connection.protocol.name().to_uppercase(),
            clock(connection.expires_seconds),
            connection.state.clone(),
            connection.client.to_string(),
            connection.virtual_.to_string(),
            or_dash(connection.forward.as_ref()),
            or_dash(connection.local),
            or_dash(real(connection)),
            clock(connection.age_seconds),
            or_dash(connection.service.as_ref()),
        ]);
    }
    grid.text()
}

fn real(connection: &Connection) -> Option<String> {
    let asked = connection.virtual_.port();
    let port = connection.real_port.unwrap_or(asked);
    Some(real_server(connection.real?, port, asked))
}

fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use dray_api::v1::{Forward, Protocol};

    use super::*;

    #[test]
    fn connections_stand_in_the_order_of_their_clients() {
        let tcp = Connection {
            protocol: Protocol::Tcp,
            client: "10.9.8.7:40000".parse().expect("an address"),
            virtual_: "10.77.0.100:80".parse().expect("an address"),
            service: Some("web".to_owned()),
            real: Some("10.77.0.11".parse().expect("an address")),
            real_port: Some(80),
            forward: Some(method("dr")),
            local: None,
            state: "ESTABLISHED".to_owned(),
            expires_seconds: 897,
            age_seconds: 3,
        };
        let udp = Connection {
            protocol: Protocol::Udp,
            client: "[2001:db8::7]:5353".parse().expect("an address"),
            virtual_: "[2001:db8::100]:53".parse().expect("an address"),
            service: None,
            real: None,
            real_port: None,
            forward: None,
            local: None,
            state: "UDP".to_owned(),
            expires_seconds: 300,
            age_seconds: 7_265,
        };
        let earlier = Connection {
            client: "10.9.8.7:39999".parse().expect("an address"),
            ..tcp.clone()
        };
        let fullnat = Connection {
            client: "10.9.8.7:40001".parse().expect("an address"),
            real: Some("2001:db8:9::11".parse().expect("an address")),
            real_port: Some(8080),
            forward: Some(method("fullnat")),
            local: Some("[2001:db8::200]:1024".parse().expect("an address")),
            ..tcp.clone()
        };
        insta::assert_snapshot!(table(&[udp, fullnat, tcp, earlier], Paint::Plain));
    }

    fn method(name: &str) -> Forward {
        Forward {
            method: name.to_owned(),
            tunnel: None,
        }
    }

    #[test]
    fn without_connections_only_the_heads_are_left() {
        insta::assert_snapshot!(table(&[], Paint::Plain));
    }
}

//! Persistence templates as a person reads them.

use dray_api::v1::Template;

use crate::{
    grid::{Grid, Side},
    number::clock,
    paint::Paint,
};

/// The templates as text, in the order of client and what they are for.
pub(super) fn table(templates: &[Template], paint: Paint) -> String {
    let mut sorted: Vec<_> = templates.iter().collect();
    sorted.sort_by_key(|template| (template.client, template.to));
    let mut grid = Grid::new([
        Side::Right,
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
            "Expire",
            "State",
            "Client",
            "Prot VIP:Port",
            "Real server",
            "Conns",
            "Service",
        ],
    );
    for template in sorted {
        grid.row([
            clock(template.expires_seconds),
            template.state.clone(),
            template.client.to_string(),
            template.to.to_string(),
            template
                .real
                .map_or_else(|| "-".to_owned(), |real| real.to_string()),
            template.connections.to_string(),
            template.service.clone().unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    grid.text()
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use dray_api::v1::{Family, Mark, Protocol, ServiceAddress, ServiceIdentity};

    use super::*;

    #[test]
    fn templates_stand_in_the_order_of_their_clients() {
        let address = ServiceAddress {
            protocol: Protocol::Tcp,
            vip: "10.77.0.100".parse().expect("an address"),
            port: 0,
        };
        let mark = Mark {
            mark: NonZeroU32::new(5).expect("5 is not 0"),
            family: Family::Ipv6,
        };
        let web = Template {
            client: "10.9.8.0".parse().expect("an address"),
            to: ServiceIdentity::Address(address),
            service: Some("web".to_owned()),
            real: Some("10.77.0.11".parse().expect("an address")),
            state: "ASSURED".to_owned(),
            expires_seconds: 359,
            connections: 12,
        };
        let gone = Template {
            client: "2001:db8::".parse().expect("an address"),
            to: ServiceIdentity::Mark(mark),
            service: None,
            real: None,
            state: "NONE".to_owned(),
            expires_seconds: 60,
            connections: 0,
        };
        let earlier = Template {
            client: "10.9.7.0".parse().expect("an address"),
            ..web.clone()
        };
        insta::assert_snapshot!(table(&[gone, web, earlier], Paint::Plain));
    }
}

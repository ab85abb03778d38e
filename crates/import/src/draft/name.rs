//! Names of services, where the other balancer has none.

use std::collections::BTreeSet;

use dray_model::{ServiceName, document::Service};

/// The names that services have.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(BTreeSet<String>);

impl Names {
    /// A name for a service that no other has: its own if that is one, or one made of what it is.
    pub(crate) fn give(&mut self, own: Option<&str>, service: &Service) -> String {
        let own = own.filter(|own| ServiceName::new(own).is_ok());
        let made = || {
            let title = title(service).replace("://", "-").replace(['[', ']'], "");
            title.replace([':', '/', ' '], "-")
        };
        let name = own.map_or_else(made, str::to_owned);
        let mut free = name.clone();
        let mut number = 2;
        while !self.0.insert(free.clone()) {
            free = format!("{name}-{number}");
            number += 1;
        }
        free
    }
}

/// Which service it is, in a few words.
pub(crate) fn title(service: &Service) -> String {
    match (&service.address, &service.family) {
        (Some(address), _) => address.clone(),
        (None, Some(family)) => format!("mark {} {family}", service.mark.unwrap_or_default()),
        (None, None) => format!("mark {}", service.mark.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use dray_model::{ServiceName, document::Service};

    use super::Names;

    #[test]
    fn every_service_gets_a_name_of_its_own_that_dray_takes() {
        let mut names = Names::default();
        let of = |address: &str| Service {
            address: Some(address.to_owned()),
            ..Service::default()
        };
        let longest = "sctp://[2001:db8:1111:2222:3333:4444:5555:6666]:65535";
        let given = [
            names.give(None, &of("tcp://10.0.0.1:80")),
            names.give(Some("tcp-10.0.0.1-80"), &of("udp://10.0.0.1:80")),
            names.give(Some("not a name"), &of("tcp://[2001:db8::1]:80")),
            names.give(None, &of(longest)),
        ];
        assert_eq!(
            given,
            [
                "tcp-10.0.0.1-80",
                "tcp-10.0.0.1-80-2",
                "tcp-2001-db8--1-80",
                "sctp-2001-db8-1111-2222-3333-4444-5555-6666-65535"
            ]
        );
        assert!(given.iter().all(|name| ServiceName::new(name).is_ok()));
    }
}

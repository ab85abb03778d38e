//! Every key of the file, as data: what is allowed where, and what to tell somebody who wrote another.

/// One table of the file.
#[derive(Debug)]
pub struct Table {
    /// As it is written in the file (`[[service]]`); empty for the file itself.
    pub header: &'static str,
    /// The keys that it may have.
    pub keys: &'static [&'static Key],
    /// Words that belong nowhere, and what to do instead.
    pub(super) instead: &'static [(&'static str, &'static str)],
}

/// One key of a table.
#[derive(Debug)]
pub struct Key {
    /// As it is written in the file.
    pub name: &'static str,
    /// What it holds, in words that follow "must be".
    pub holds: &'static str,
    /// Whether it may be left out.
    pub presence: Presence,
    /// An example, as it would stand in the file.
    pub example: &'static str,
    /// What other balancers call it.
    pub(super) elsewhere: &'static [&'static str],
}

/// Whether a key may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It may not.
    Required,
    /// It may; then this holds.
    Default(&'static str),
}

/// Every table, from the outside in.
pub static TABLES: [&Table; 5] = [&FILE, &DIRECTOR, &TIMEOUTS, &SERVICE, &REAL];

impl Table {
    /// The place in a message: `in [[service]]`.
    pub(super) fn place(&self) -> String {
        if self.header.is_empty() {
            "at the top of the file".to_owned()
        } else {
            format!("in {}", self.header)
        }
    }

    /// Examples of the keys that it must have.
    pub(super) fn required(&self) -> impl Iterator<Item = &'static str> {
        let required = |key: &&&Key| key.presence == Presence::Required;
        self.keys.iter().filter(required).map(|key| key.example)
    }

    /// The dotted name in the header: `service.real`.
    pub(super) fn path(&self) -> &'static str {
        self.header.trim_matches(['[', ']'])
    }

    /// The key that somebody meant who wrote `word`, if it is near enough to say so.
    pub(super) fn nearest(&self, word: &str) -> Option<&'static Key> {
        let word = word.to_lowercase().replace('-', "_");
        if let Some(key) = self
            .keys
            .iter()
            .find(|key| key.elsewhere.contains(&word.as_str()))
        {
            return Some(key);
        }
        let name = nearest(&word, self.keys.iter().map(|key| key.name))?;
        self.keys.iter().copied().find(|key| key.name == name)
    }
}

/// The candidate nearest to a word: at most one slip in three letters.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    // Words of another length cannot be near; this also bounds the work for a word of any length.
    let far = |name: &str| word.len().abs_diff(name.len()) > 3;
    candidates
        .filter(|name| !far(name))
        .map(|name| (strsim::damerau_levenshtein(word, name), name))
        .filter(|(slips, name)| *slips <= (name.len() / 3).max(1))
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, name)| name)
}

/// The file itself.
pub(super) static FILE: Table = Table {
    header: "",
    keys: &[&file::DIRECTOR, &file::SERVICE],
    instead: &[],
};

/// `[director]`.
pub(super) static DIRECTOR: Table = Table {
    header: "[director]",
    keys: &[
        &director::INTERFACES,
        &director::MAX_CONNECTIONS,
        &director::MANAGE_VIPS,
        &director::VIP_INTERFACE,
        &director::TIMEOUTS,
    ],
    instead: &[],
};

/// `[director.timeouts]`.
pub(super) static TIMEOUTS: Table = Table {
    header: "[director.timeouts]",
    keys: &[&timeouts::TCP, &timeouts::TCP_FIN, &timeouts::UDP],
    instead: &[],
};

/// `[[service]]`.
pub(super) static SERVICE: Table = Table {
    header: "[[service]]",
    keys: &[
        &service::NAME,
        &service::ADDRESS,
        &service::SCHEDULER,
        &service::FORWARD,
        &service::REAL,
    ],
    instead: &[
        (
            "port",
            "the port is part of the address: `address = \"tcp://10.77.0.100:80\"`",
        ),
        (
            "protocol",
            "the protocol is part of the address: `address = \"tcp://10.77.0.100:80\"`",
        ),
    ],
};

/// `[[service.real]]`.
pub(super) static REAL: Table = Table {
    header: "[[service.real]]",
    keys: &[&real::ADDRESS, &real::WEIGHT],
    instead: &[("port", "remove it: in DR the port is always the service's")],
};

pub(super) mod file {
    use super::{Key, Presence};

    pub(in super::super) static DIRECTOR: Key = Key {
        name: "director",
        holds: "a table",
        presence: Presence::Required,
        example: "[director]",
        elsewhere: &["global", "global_defs"],
    };
    pub(in super::super) static SERVICE: Key = Key {
        name: "service",
        holds: "a list of tables",
        presence: Presence::Default("no service"),
        example: "[[service]]",
        elsewhere: &["virtual_server", "virtual_service", "virtual_services"],
    };
}

pub(super) mod director {
    use super::{Key, Presence};

    pub(in super::super) static INTERFACES: Key = Key {
        name: "interfaces",
        holds: "a list of interface names",
        presence: Presence::Required,
        example: "interfaces = [\"eth0\"]",
        elsewhere: &["iface", "ifaces", "nic", "nics", "device", "devices"],
    };
    pub(in super::super) static MAX_CONNECTIONS: Key = Key {
        name: "max_connections",
        holds: "a whole number",
        presence: Presence::Default("1_048_576"),
        example: "max_connections = 1_048_576",
        elsewhere: &["max_conns", "maxconn", "connections"],
    };
    pub(in super::super) static MANAGE_VIPS: Key = Key {
        name: "manage_vips",
        holds: "`true` or `false`",
        presence: Presence::Default("true"),
        example: "manage_vips = false",
        elsewhere: &["add_vips", "own_vips"],
    };
    pub(in super::super) static VIP_INTERFACE: Key = Key {
        name: "vip_interface",
        holds: "an interface name in quotes",
        presence: Presence::Default("the first of `interfaces`"),
        example: "vip_interface = \"eth0\"",
        elsewhere: &[],
    };
    pub(in super::super) static TIMEOUTS: Key = Key {
        name: "timeouts",
        holds: "a table",
        presence: Presence::Default("IPVS's timeouts"),
        example: "[director.timeouts]",
        elsewhere: &[],
    };
}

pub(super) mod timeouts {
    use super::{Key, Presence};

    pub(in super::super) static TCP: Key = Key {
        name: "tcp",
        holds: "a time in quotes",
        presence: Presence::Default("15m"),
        example: "tcp = \"15m\"",
        elsewhere: &["established"],
    };
    pub(in super::super) static TCP_FIN: Key = Key {
        name: "tcp_fin",
        holds: "a time in quotes",
        presence: Presence::Default("2m"),
        example: "tcp_fin = \"2m\"",
        elsewhere: &["fin", "fin_wait"],
    };
    pub(in super::super) static UDP: Key = Key {
        name: "udp",
        holds: "a time in quotes",
        presence: Presence::Default("5m"),
        example: "udp = \"5m\"",
        elsewhere: &[],
    };
}

pub(super) mod service {
    use super::{Key, Presence};

    pub(in super::super) static NAME: Key = Key {
        name: "name",
        holds: "a name in quotes",
        presence: Presence::Required,
        example: "name = \"web\"",
        elsewhere: &["id", "title"],
    };
    pub(in super::super) static ADDRESS: Key = Key {
        name: "address",
        holds: "a service address in quotes",
        presence: Presence::Required,
        example: "address = \"tcp://10.77.0.100:80\"",
        elsewhere: &["vip", "listen", "bind", "virtual_address"],
    };
    pub(in super::super) static SCHEDULER: Key = Key {
        name: "scheduler",
        holds: "a scheduler's name in quotes",
        presence: Presence::Default("wlc"),
        example: "scheduler = \"wlc\"",
        elsewhere: &[
            "lb_algo",
            "lvs_sched",
            "algorithm",
            "algo",
            "balance",
            "sched",
        ],
    };
    pub(in super::super) static FORWARD: Key = Key {
        name: "forward",
        holds: "a forwarding method's name in quotes",
        presence: Presence::Default("dr"),
        example: "forward = \"dr\"",
        elsewhere: &[
            "lb_kind",
            "lvs_method",
            "forwarding",
            "forwarding_method",
            "mode",
        ],
    };
    pub(in super::super) static REAL: Key = Key {
        name: "real",
        holds: "a list of tables",
        presence: Presence::Default("no real server"),
        example: "[[service.real]]",
        elsewhere: &[
            "real_server",
            "real_servers",
            "server",
            "servers",
            "backend",
            "backends",
            "destination",
        ],
    };
}

pub(super) mod real {
    use super::{Key, Presence};

    pub(in super::super) static ADDRESS: Key = Key {
        name: "address",
        holds: "an IP address in quotes",
        presence: Presence::Required,
        example: "address = \"10.77.0.11\"",
        elsewhere: &["ip", "host", "server", "real_server", "destination"],
    };
    pub(in super::super) static WEIGHT: Key = Key {
        name: "weight",
        holds: "a whole number",
        presence: Presence::Default("1"),
        example: "weight = 1",
        elsewhere: &[],
    };
}

//! Every key of the file, as data: what is allowed where, and what to tell somebody who wrote another.

pub(super) mod api;
pub(super) mod director;
pub(super) mod file;
pub(super) mod fullnat;
pub(super) mod ipvs;
pub(super) mod mark;
pub(super) mod real;
pub(super) mod service;
pub(super) mod timeouts;
pub(super) mod tunnel;

/// One table of the file.
#[derive(Debug)]
pub struct Table {
    /// As it is written in the file (`[[service]]`); empty for the file itself.
    pub header: &'static str,
    /// The keys that it may have.
    pub keys: &'static [&'static Key],
    /// Words that belong nowhere, and what to do instead.
    pub(super) instead: &'static [(&'static str, &'static str)],
    /// Settings of IPVS that have no meaning here.
    pub(super) meaningless: &'static [Meaningless],
}

/// A setting of IPVS that has no meaning in dray.
#[derive(Debug)]
pub(super) struct Meaningless {
    /// IPVS's name.
    pub(super) name: &'static str,
    /// Why, in words that follow a colon.
    pub(super) why: &'static str,
    /// What to do instead.
    pub(super) instead: &'static str,
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

/// The keys of the forwarding method, which services and real servers have alike.
#[derive(Debug)]
pub(super) struct MethodKeys {
    /// Its name.
    pub(super) forward: &'static Key,
    /// The kind of a tunnel.
    pub(super) tunnel: &'static Key,
    /// The real server's UDP port, of GUE.
    pub(super) tunnel_port: &'static Key,
    /// Whether the tunnel has a checksum.
    pub(super) tunnel_checksum: &'static Key,
}

/// Whether a key may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It may not.
    Required,
    /// It may only where the other key of this name is there.
    Unless(&'static str),
    /// It may; then this holds.
    Default(&'static str),
}

/// Every table, from the outside in.
pub static TABLES: [&Table; 11] = [
    &FILE, &DIRECTOR, &TIMEOUTS, &TUNNEL, &FULLNAT, &IPVS, &API, &API_TCP, &SERVICE, &REAL, &MARK,
];

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
        let required =
            |key: &&&Key| matches!(key.presence, Presence::Required | Presence::Unless(_));
        self.keys.iter().filter(required).map(|key| key.example)
    }

    /// The dotted name in the header: `service.real`.
    pub(super) fn path(&self) -> &'static str {
        self.header.trim_matches(['[', ']'])
    }

    /// The key that somebody meant who wrote `word`, if it is near enough to say so.
    pub(super) fn nearest(&self, word: &str) -> Option<&'static Key> {
        if let Some(key) = self.next_to(word) {
            return Some(key);
        }
        let name = nearest(&plain(word), self.keys.iter().map(|key| key.name))?;
        self.keys.iter().copied().find(|key| key.name == name)
    }

    /// The key that is surely meant: `word` is what other balancers call it, or one slip away.
    pub(super) fn next_to(&self, word: &str) -> Option<&'static Key> {
        let word = plain(word);
        let is_meant = |key: &&&Key| {
            let one_slip = || strsim::damerau_levenshtein(&word, key.name) <= 1;
            key.elsewhere.contains(&word.as_str())
                || word.len().abs_diff(key.name.len()) <= 1 && one_slip()
        };
        self.keys.iter().find(is_meant).copied()
    }
}

/// A word in the letters of keys.
fn plain(word: &str) -> String {
    word.to_lowercase().replace('-', "_")
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
    keys: &[&file::DIRECTOR, &file::SERVICE, &file::MARK],
    instead: &[("net", WITHOUT_PREFIX)],
    meaningless: &[],
};

/// `[director]`.
pub(super) static DIRECTOR: Table = Table {
    header: "[director]",
    keys: &[
        &director::INTERFACES,
        &director::MAX_CONNECTIONS,
        &director::MAX_TRANSLATIONS,
        &director::MANAGE_VIPS,
        &director::VIP_INTERFACE,
        &director::TIMEOUTS,
        &director::TUNNEL,
        &director::FULLNAT,
        &director::IPVS,
        &director::API,
    ],
    instead: &[],
    meaningless: &[],
};

/// `[director.timeouts]`.
pub(super) static TIMEOUTS: Table = Table {
    header: "[director.timeouts]",
    keys: &[&timeouts::TCP, &timeouts::TCP_FIN, &timeouts::UDP],
    instead: &[],
    meaningless: &[],
};

/// `[director.tunnel]`.
pub(super) static TUNNEL: Table = Table {
    header: "[director.tunnel]",
    keys: &[&tunnel::SOURCE4, &tunnel::SOURCE6],
    instead: &[
        (
            "source",
            "write `source4` for tunnels over IPv4, `source6` for those over IPv6",
        ),
        (
            "tunnel",
            "write `tunnel` in `[[service]]` or `[[service.real]]`: each tunnel is of its own kind",
        ),
    ],
    meaningless: &[],
};

/// `[director.fullnat]`.
pub(super) static FULLNAT: Table = Table {
    header: "[director.fullnat]",
    keys: &[&fullnat::ADDRESSES, &fullnat::PORTS],
    instead: &[],
    meaningless: &[],
};

/// `[director.ipvs]`.
pub(super) static IPVS: Table = Table {
    header: "[director.ipvs]",
    keys: &[
        &ipvs::COMPAT,
        &ipvs::KERNEL,
        &ipvs::CONN_REUSE_MODE,
        &ipvs::EXPIRE_NODEST_CONN,
        &ipvs::REMOVED,
        &ipvs::NO_DESTINATION,
        &ipvs::EXPIRE_QUIESCENT_TEMPLATE,
        &ipvs::KEEP_TEMPLATE_TIMEOUT,
        &ipvs::SLOPPY_TCP,
        &ipvs::SLOPPY_SCTP,
        &ipvs::NULL_SEGMENTS_CLOSE,
        &ipvs::SCHEDULE_ICMP,
        &ipvs::ANSWERS_PER_SECOND,
        &ipvs::DROP_ENTRY,
        &ipvs::DROP_PACKET,
        &ipvs::AM_DROPRATE,
        &ipvs::SECURE_TCP,
        &ipvs::DEFENCE_THRESHOLD,
    ],
    instead: &[("net", WITHOUT_PREFIX)],
    meaningless: ipvs::MEANINGLESS,
};

/// `[director.api]`.
pub(super) static API: Table = Table {
    header: "[director.api]",
    keys: &[&api::READERS, &api::TCP],
    instead: &[(
        "writers",
        "remove it: root and the group of the daemon's socket may write",
    )],
    meaningless: &[],
};

/// `[director.api.tcp]`.
pub(super) static API_TCP: Table = Table {
    header: "[director.api.tcp]",
    keys: &[
        &api::LISTEN,
        &api::CERTIFICATE,
        &api::KEY,
        &api::CLIENT_CA,
        &api::TOKENS,
    ],
    instead: &[(
        "port",
        "the port is part of `listen`: `listen = \"10.0.0.1:7443\"`",
    )],
    meaningless: &[],
};

/// What to do with the name that `sysctl` shows.
const WITHOUT_PREFIX: &str =
    "write IPVS's settings in `[director.ipvs]`, without `net.ipv4.vs.` before the name";

/// `[[service]]`.
pub(super) static SERVICE: Table = Table {
    header: "[[service]]",
    keys: &[
        &service::NAME,
        &service::ADDRESS,
        &service::MARK,
        &service::FAMILY,
        &service::SCHEDULER,
        &service::FLAGS,
        &service::PERSISTENT,
        &service::NETMASK,
        &service::PERSISTENCE_ENGINE,
        &service::ONE_PACKET,
        &service::FORWARD,
        &service::TUNNEL,
        &service::TUNNEL_PORT,
        &service::TUNNEL_CHECKSUM,
        &service::CLIENT_ADDRESS,
        &service::TOA_OPTION,
        &service::MSS,
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
    meaningless: &[],
};

/// `[[service.real]]`.
pub(super) static REAL: Table = Table {
    header: "[[service.real]]",
    keys: &[
        &real::ADDRESS,
        &real::FORWARD,
        &real::TUNNEL,
        &real::TUNNEL_PORT,
        &real::TUNNEL_CHECKSUM,
        &real::WEIGHT,
        &real::UPPER_THRESHOLD,
        &real::LOWER_THRESHOLD,
    ],
    instead: &[(
        "port",
        "the port is part of the address: `address = \"10.77.0.11:8080\"`",
    )],
    meaningless: &[],
};

/// `[[mark]]`.
pub(super) static MARK: Table = Table {
    header: "[[mark]]",
    keys: &[
        &mark::MARK,
        &mark::DESTINATION,
        &mark::SOURCE,
        &mark::PROTOCOL,
        &mark::PORTS,
        &mark::SOURCE_PORTS,
        &mark::INTERFACE,
        &mark::FAMILY,
    ],
    instead: &[],
    meaningless: &[],
};

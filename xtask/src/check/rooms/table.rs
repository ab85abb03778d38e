//! The rooms, from the ground up.

/// A crate's place: its duty, and what it may use.
#[derive(Debug)]
pub(super) struct Room {
    /// Its name, without the `dray-` that its package has.
    pub(super) name: &'static str,
    /// What it is for, in one line.
    pub(super) duty: &'static str,
    /// The rooms it may use.
    pub(super) may_use: &'static [&'static str],
    /// The rooms that its tests and benchmarks may use besides.
    pub(super) tests_may_use: &'static [&'static str],
    /// It runs in the kernel too.
    pub(super) no_std: bool,
    /// It has no clock, files, sockets or tasks.
    pub(super) pure: bool,
}

impl Room {
    /// The name of its package.
    pub(super) fn package(&self) -> String {
        match self.name {
            "dray" | "xtask" => self.name.to_owned(),
            name => format!("dray-{name}"),
        }
    }
}

/// The room that all tests may use, and nothing but tests.
pub(super) const TEST_ROOM: &str = "testkit";

const ROOM: Room = Room {
    name: "",
    duty: "",
    may_use: &[],
    tests_may_use: &[],
    no_std: false,
    pure: false,
};

/// Every crate, from the ground up.
pub(super) const ROOMS: &[Room] = &[
    Room {
        name: "abi",
        duty: "what crosses the kernel boundary: keys, values, map names, limits, the numbered reasons, `ABI_VERSION`",
        no_std: true,
        pure: true,
        ..ROOM
    },
    Room {
        name: "packet",
        duty: "bounds-checked headers, checksums, hashes, the TCP state table: pure, for kernel and host",
        no_std: true,
        pure: true,
        ..ROOM
    },
    Room {
        name: "sched",
        duty: "every scheduler: pick functions for kernel and host, sequence and table builders for the host",
        no_std: true,
        pure: true,
        ..ROOM
    },
    Room {
        name: "ebpf",
        duty: "the XDP program: entry points, maps, stages; a workspace of its own",
        may_use: &["abi", "packet", "sched"],
        no_std: true,
        ..ROOM
    },
    Room {
        name: "bpf",
        duty: "compiles `ebpf/` and holds the object; nothing else",
        ..ROOM
    },
    Room {
        name: "model",
        duty: "configuration, desired and actual state, actions, validation; the ports `DataPlane` and `Net`",
        pure: true,
        ..ROOM
    },
    Room {
        name: "dataplane",
        duty: "loads, pins, adopts and attaches; typed maps and counters; implements `DataPlane`; alone names aya",
        may_use: &["abi", "bpf", "model", "packet", "sched"],
        ..ROOM
    },
    Room {
        name: "net",
        duty: "links, addresses, routes, neighbours, gratuitous ARP; implements `Net`; alone names netlink",
        may_use: &["model"],
        ..ROOM
    },
    Room {
        name: "control",
        duty: "observe → plan (pure) → apply; one task owns the state; snapshots out",
        may_use: &["model", "packet", "sched"],
        ..ROOM
    },
    Room {
        name: "intent",
        duty: "what the operator wants and how it came about: applied configurations, edits, drains; and its directory",
        may_use: &["model"],
        ..ROOM
    },
    Room {
        name: "api",
        duty: "versioned wire types, router, server, typed client; alone names axum",
        may_use: &["model"],
        ..ROOM
    },
    Room {
        name: "ipvsadm",
        duty: "`ipvsadm` 1.31: its command lines, texts, exit statuses and listings, over plain values",
        may_use: &["model"],
        pure: true,
        ..ROOM
    },
    Room {
        name: "import",
        duty: "other balancers' configurations as dray's, with a report of every line",
        may_use: &["ipvsadm", "model"],
        pure: true,
        ..ROOM
    },
    Room {
        name: "lab",
        duty: "topologies as values, brought up through `net` and `dataplane`; real servers, traffic, captures",
        may_use: &["dataplane", "model", "net", "packet"],
        ..ROOM
    },
    Room {
        name: "replay",
        duty: "plays recorded scenarios on a private data plane and compares",
        may_use: &["abi", "dataplane", "ipvsadm", "model", "packet", "sched"],
        ..ROOM
    },
    Room {
        name: TEST_ROOM,
        duty: "frame builder, fake ports; for tests only",
        may_use: &["model", "packet"],
        ..ROOM
    },
    Room {
        name: "dray",
        duty: "the binary: daemon and command line; reads flags, wires rooms, holds no logic",
        may_use: &[
            "abi",
            "api",
            "control",
            "dataplane",
            "import",
            "intent",
            "ipvsadm",
            "lab",
            "model",
            "net",
            "packet",
            "replay",
            "sched",
        ],
        ..ROOM
    },
    Room {
        name: "clock",
        duty: "the time of the oracle's kernel: waits pass at once; a library that is loaded into it",
        ..ROOM
    },
    Room {
        name: "guest",
        duty: "what runs inside the oracle's kernel: plays plans and reports; the format of both",
        ..ROOM
    },
    Room {
        name: "oracle",
        duty: "the real kernel's IPVS in User-Mode-Linux, and the fuzzer that compares",
        may_use: &["guest", "model", "replay"],
        ..ROOM
    },
    Room {
        name: "xtask",
        duty: "the one door for people and CI: set-up, build, demo, test, bench, check",
        may_use: &["abi"],
        ..ROOM
    },
];

/// Crates, or families of crates written `name-*`, that one room alone may name, tests included.
pub(super) const KEPT_BY_ONE: &[(&str, &str)] = &[
    ("aya", "dataplane"),
    ("aya-obj", "dataplane"),
    ("aya-ebpf", "ebpf"),
    ("axum", "api"),
    ("rtnetlink", "net"),
    ("netlink-*", "net"),
];

/// Others' crates that need no std, and so may be used, without their default features, by what the kernel runs.
pub(super) const NO_STD_CRATES: &[&str] = &["zerocopy"];

/// Crates by which a clock, a file, a socket or a task would get into a pure room.
pub(super) const NOT_IN_PURE_ROOMS: &[&str] = &[
    "libc",
    "nix",
    "rustix",
    "socket2",
    "tokio",
    "tracing-subscriber",
];

/// The table as docs/architecture.md shows it.
pub(crate) fn as_markdown() -> String {
    let rows = ROOMS.iter().map(|room| {
        let kinds = [(room.no_std, "no_std"), (room.pure && !room.no_std, "pure")];
        let kinds: Vec<&str> = kinds
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, kind)| *kind)
            .collect();
        let kinds = if kinds.is_empty() {
            String::new()
        } else {
            format!(" ({})", kinds.join(", "))
        };
        let uses = if room.may_use.is_empty() {
            "–".to_owned()
        } else {
            room.may_use.join(", ")
        };
        format!("| `{}`{kinds} | {} | {uses} |\n", room.name, room.duty)
    });
    format!(
        "| room | duty | may use |\n|---|---|---|\n{}",
        rows.collect::<String>()
    )
}

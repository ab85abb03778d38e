//! A scenario: a director's services, and the steps that are played on it, with the answers that were recorded.
//!
//! ```text
//! file ─ read ─▶ Scenario ─ player ─▶ Scenario with other answers ─ write ─▶ file
//! ```
//!
//! The types hold what a file can say and nothing else: every text is parsed once, in `read.rs`, and errors name
//! the line. The format itself is documented in `docs/replay.md`.

mod json;
mod packet;
mod read;
mod service;
mod write;

pub use packet::{
    About, IcmpKind, Kind, Observed, PacketStep, Payload, Reply, Segment, Side, TcpFlags,
};
pub use read::ReadError;
pub use service::{
    Forward, Kernel, MarkRule, MarkedProtocol, Prefix, RealServer, Service, ServiceName, Timeouts,
};

/// A whole scenario file.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// Whose answers these are.
    pub kernel: Option<Kernel>,
    /// What it is about, in a line.
    pub about: Option<String>,
    /// Settings made before the services: name (`net.ipv4.vs.sloppy_tcp`) and value, in order.
    pub sysctls: Vec<(String, String)>,
    /// The timeouts set before the services.
    pub timeouts: Option<Timeouts>,
    /// Shell lines run before the services.
    pub setup: Vec<String>,
    /// What commands write to standard output and error is kept apart.
    pub apart: bool,
    /// The scheduler draws lots: of repeated packets, the counts are compared, and loosely.
    pub random: bool,
    /// The destination of every packet that names none.
    pub destination: Option<crate::Endpoint>,
    /// The services that there are from the start, each with its real servers in the order in which they are added.
    pub services: Vec<Service>,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// Prefixes that are the director's own, beside the VIPs.
    pub local: Vec<Prefix>,
    /// Rules of netfilter that mark packets before IPVS sees them. A later one that fits overrules an earlier one.
    pub marks: Vec<MarkRule>,
}

impl Scenario {
    /// Reads a scenario from the text of a file.
    ///
    /// # Errors
    /// When it is not JSON, has a key or step that the format has not, or contradicts itself. The error names the line.
    pub fn read(text: &str) -> Result<Self, ReadError> {
        read::read(text)
    }

    /// The text of its file: a line for each service, real server and step.
    pub fn write(&self) -> String {
        write::write(self)
    }

    /// The scenario without answers, to be played anew.
    pub fn without_answers(mut self) -> Self {
        for step in &mut self.steps {
            step.forget_answer();
        }
        self
    }
}

/// A step, with its answer if it was played.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Packets come in.
    Packet(PacketStep),
    /// A command line for `ipvsadm`, without that word.
    Ipvsadm {
        /// The words after `ipvsadm`.
        line: String,
        /// Its standard input, if it has any.
        input: Option<String>,
        /// How it ended.
        expect: Option<CommandAnswer>,
    },
    /// A setting changes.
    Sysctl {
        /// Its name, as `net.ipv4.vs.sloppy_tcp`.
        name: String,
        /// Its new value.
        value: String,
        /// How the write ended.
        expect: Option<CommandAnswer>,
    },
    /// A shell line.
    Shell {
        /// The line.
        line: String,
        /// How it ended.
        expect: Option<CommandAnswer>,
    },
    /// Time passes.
    Wait(Seconds),
    /// A listing is taken.
    Dump {
        /// Which one.
        kind: Dump,
        /// Its lines.
        expect: Option<Vec<String>>,
    },
}

impl Step {
    /// Whether it has an answer, if it can have one.
    pub fn is_answered(&self) -> bool {
        match self {
            Self::Packet(packet) => packet.expect.is_some(),
            Self::Ipvsadm { expect, .. }
            | Self::Sysctl { expect, .. }
            | Self::Shell { expect, .. } => expect.is_some(),
            Self::Dump { expect, .. } => expect.is_some(),
            Self::Wait(_) => true,
        }
    }

    /// Forgets the answer.
    pub fn forget_answer(&mut self) {
        match self {
            Self::Packet(packet) => packet.forget_answer(),
            Self::Ipvsadm { expect, .. }
            | Self::Sysctl { expect, .. }
            | Self::Shell { expect, .. } => {
                *expect = None;
            }
            Self::Dump { expect, .. } => *expect = None,
            Self::Wait(_) => {}
        }
    }
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct CommandAnswer {
    /// Its exit status.
    pub rc: i32,
    /// The lines that it wrote to standard output, and those to standard error behind them if they are not kept apart.
    pub out: Vec<String>,
    /// The lines that it wrote to standard error; `None` where they are not kept apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub err: Option<Vec<String>>,
}

impl CommandAnswer {
    /// A command that did its work without a word.
    pub const fn silent() -> Self {
        Self {
            rc: 0,
            out: Vec::new(),
            err: None,
        }
    }

    /// A command that ended with a status and wrote this; `apart` in a scenario that keeps outputs apart.
    pub fn of(status: i32, output: &str, errors: &str, apart: bool) -> Self {
        let (mut out, errors) = (lines(output), lines(errors));
        let err = if apart {
            Some(errors)
        } else {
            out.extend(errors);
            None
        };
        Self {
            rc: status,
            out,
            err,
        }
    }
}

/// The lines of a text. That a last line has no end is a line of its own, as `diff` has it.
fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    if let Some(last) = lines.last_mut() {
        if last.is_empty() {
            lines.pop();
        } else {
            lines.push("\\ no end of line".to_owned());
        }
    }
    lines
}

/// What became of packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PacketAnswer {
    /// What the one frame meant that came out, or `drop`.
    One(String),
    /// What each of several frames meant.
    Several(Vec<String>),
    /// Of a repeated packet: how often each answer came, in the order of their first time.
    Counts(Vec<(String, u64)>),
}

impl PacketAnswer {
    /// The answer that these frames are.
    pub fn of(mut frames: Vec<String>) -> Self {
        match frames.len() {
            0 => Self::One("drop".to_owned()),
            1 => Self::One(frames.remove(0)),
            _ => Self::Several(frames),
        }
    }
}

/// A number of seconds, not negative.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Seconds(f64);

impl Seconds {
    /// So many seconds, if that is a length of time up to a year.
    pub fn new(seconds: f64) -> Option<Self> {
        (0.0..=31_536_000.0)
            .contains(&seconds)
            .then_some(Self(seconds))
    }

    /// As a duration, to the millisecond.
    pub fn duration(self) -> std::time::Duration {
        std::time::Duration::from_millis((self.0 * 1000.0).round() as u64)
    }

    /// The number.
    pub const fn value(self) -> f64 {
        self.0
    }
}

macro_rules! dumps {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A listing.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Dump {
            $($(#[$doc])* $name,)*
        }

        impl Dump {
            /// Every kind of listing.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name in a file.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

dumps! {
    /// `ipvsadm -Ln`
    List = "list",
    /// `ipvsadm -Ln --nosort`
    ListNosort = "list-nosort",
    /// `ipvsadm -Lnc`
    Conns = "conns",
    /// `ipvsadm -Ln --stats`
    Stats = "stats",
    /// `ipvsadm -Ln --stats --exact`
    StatsExact = "stats-exact",
    /// `ipvsadm -Ln --thresholds`
    Thresholds = "thresholds",
    /// `ipvsadm -Ln --persistent-conn`
    PersistentConn = "persistent-conn",
    /// `ipvsadm -Ln --timeout`
    Timeout = "timeout",
    /// `ipvsadm -Sn`
    Save = "save",
    /// `/proc/net/ip_vs`
    Proc = "proc",
    /// `/proc/net/ip_vs_conn`
    ProcConns = "proc-conns",
    /// `/proc/net/ip_vs_stats`
    ProcStats = "proc-stats",
}

impl Dump {
    /// The listing of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|dump| dump.name() == name)
    }
}

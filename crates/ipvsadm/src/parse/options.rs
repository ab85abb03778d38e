//! Options as popt reads them: short ones in bundles, long ones with or without `=`.

/// An option of `ipvsadm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    AddService,
    EditService,
    DeleteService,
    Clear,
    List,
    Zero,
    AddServer,
    EditServer,
    DeleteServer,
    Set,
    Help,
    Version,
    Restore,
    Save,
    StartDaemon,
    StopDaemon,
    Tcp,
    Udp,
    Sctp,
    Mark,
    Scheduler,
    Persistent,
    Netmask,
    RealServer,
    Masquerading,
    Ipip,
    Gatewaying,
    Weight,
    Upper,
    Lower,
    Numeric,
    Connection,
    McastInterface,
    SyncId,
    Timeout,
    Daemon,
    Stats,
    Rate,
    Thresholds,
    PersistentConn,
    NoSort,
    Sort,
    Exact,
    Ipv6,
    OnePacket,
    Engine,
    SchedulerFlags,
    McastGroup,
    McastPort,
    McastTtl,
    SyncMaxlen,
    TunInfo,
    TunType,
    TunPort,
    TunNocsum,
    TunCsum,
    TunRemcsum,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Argument {
    None,
    Needed,
    Optional,
}

use Argument::{Needed, None as Without, Optional};

const NO_SHORT: char = '\0';

/// Long name, short name, argument, option.
const TABLE: &[(&str, char, Argument, Tag)] = &[
    ("add-service", 'A', Without, Tag::AddService),
    ("edit-service", 'E', Without, Tag::EditService),
    ("delete-service", 'D', Without, Tag::DeleteService),
    ("clear", 'C', Without, Tag::Clear),
    ("list", 'L', Without, Tag::List),
    ("list", 'l', Without, Tag::List),
    ("zero", 'Z', Without, Tag::Zero),
    ("add-server", 'a', Without, Tag::AddServer),
    ("edit-server", 'e', Without, Tag::EditServer),
    ("delete-server", 'd', Without, Tag::DeleteServer),
    ("set", NO_SHORT, Without, Tag::Set),
    ("help", 'h', Without, Tag::Help),
    ("version", 'v', Without, Tag::Version),
    ("restore", 'R', Without, Tag::Restore),
    ("save", 'S', Without, Tag::Save),
    ("start-daemon", NO_SHORT, Needed, Tag::StartDaemon),
    ("stop-daemon", NO_SHORT, Needed, Tag::StopDaemon),
    ("tcp-service", 't', Needed, Tag::Tcp),
    ("udp-service", 'u', Needed, Tag::Udp),
    ("sctp-service", NO_SHORT, Needed, Tag::Sctp),
    ("fwmark-service", 'f', Needed, Tag::Mark),
    ("scheduler", 's', Needed, Tag::Scheduler),
    ("persistent", 'p', Optional, Tag::Persistent),
    ("netmask", 'M', Needed, Tag::Netmask),
    ("real-server", 'r', Needed, Tag::RealServer),
    ("masquerading", 'm', Without, Tag::Masquerading),
    ("ipip", 'i', Without, Tag::Ipip),
    ("gatewaying", 'g', Without, Tag::Gatewaying),
    ("weight", 'w', Needed, Tag::Weight),
    ("u-threshold", 'x', Needed, Tag::Upper),
    ("l-threshold", 'y', Needed, Tag::Lower),
    ("numeric", 'n', Without, Tag::Numeric),
    ("connection", 'c', Without, Tag::Connection),
    ("mcast-interface", NO_SHORT, Needed, Tag::McastInterface),
    ("syncid", NO_SHORT, Needed, Tag::SyncId),
    ("timeout", NO_SHORT, Without, Tag::Timeout),
    ("daemon", NO_SHORT, Without, Tag::Daemon),
    ("stats", NO_SHORT, Without, Tag::Stats),
    ("rate", NO_SHORT, Without, Tag::Rate),
    ("thresholds", NO_SHORT, Without, Tag::Thresholds),
    ("persistent-conn", NO_SHORT, Without, Tag::PersistentConn),
    ("nosort", NO_SHORT, Without, Tag::NoSort),
    ("sort", NO_SHORT, Without, Tag::Sort),
    ("exact", 'X', Without, Tag::Exact),
    ("ipv6", '6', Without, Tag::Ipv6),
    ("ops", 'o', Without, Tag::OnePacket),
    ("pe", NO_SHORT, Needed, Tag::Engine),
    ("sched-flags", 'b', Needed, Tag::SchedulerFlags),
    ("mcast-group", NO_SHORT, Needed, Tag::McastGroup),
    ("mcast-port", NO_SHORT, Needed, Tag::McastPort),
    ("mcast-ttl", NO_SHORT, Needed, Tag::McastTtl),
    ("sync-maxlen", NO_SHORT, Needed, Tag::SyncMaxlen),
    ("tun-info", NO_SHORT, Without, Tag::TunInfo),
    ("tun-type", NO_SHORT, Needed, Tag::TunType),
    ("tun-port", NO_SHORT, Needed, Tag::TunPort),
    ("tun-nocsum", NO_SHORT, Without, Tag::TunNocsum),
    ("tun-csum", NO_SHORT, Without, Tag::TunCsum),
    ("tun-remcsum", NO_SHORT, Without, Tag::TunRemcsum),
];

/// An option and its argument.
pub(super) type Given<'a> = (Tag, Option<&'a str>);

/// Why an option cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadOption {
    Unknown,
    MissingArgument,
    UnwantedArgument,
}

impl BadOption {
    /// In popt's words.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Unknown => "unknown option",
            Self::MissingArgument => "missing argument",
            Self::UnwantedArgument => "option does not take an argument",
        }
    }
}

/// Reads options one after the other.
pub(super) struct Options<'a> {
    words: &'a [String],
    next: usize,
    /// What is left of a bundle of short options.
    bundle: &'a str,
    /// Words that are no options.
    pub(super) others: Vec<&'a str>,
    only_others: bool,
}

impl<'a> Options<'a> {
    pub(super) const fn of(words: &'a [String]) -> Self {
        Self {
            words,
            next: 0,
            bundle: "",
            others: Vec::new(),
            only_others: false,
        }
    }

    /// The next option; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Given<'a>>, BadOption> {
        loop {
            if let Some(letter) = self.bundle.chars().next() {
                self.bundle = &self.bundle[letter.len_utf8()..];
                return self.short(letter).map(Some);
            }
            let Some(word) = self.words.get(self.next) else {
                return Ok(None);
            };
            self.next += 1;
            match word.strip_prefix('-') {
                Some(rest) if !rest.is_empty() && !self.only_others => match rest.strip_prefix('-')
                {
                    Some("") => self.only_others = true,
                    Some(long) => return self.long(long).map(Some),
                    None => self.bundle = rest,
                },
                _ => self.others.push(word),
            }
        }
    }

    fn short(&mut self, letter: char) -> Result<Given<'a>, BadOption> {
        let (_, _, argument, tag) = TABLE
            .iter()
            .find(|(_, short, _, _)| *short == letter)
            .ok_or(BadOption::Unknown)?;
        if *argument == Without {
            return if self.bundle.starts_with('=') {
                Err(BadOption::UnwantedArgument)
            } else {
                Ok((*tag, None))
            };
        }
        let rest = std::mem::take(&mut self.bundle);
        if rest.is_empty() {
            Ok((*tag, self.argument(*argument)?))
        } else {
            Ok((*tag, Some(rest.strip_prefix('=').unwrap_or(rest))))
        }
    }

    fn long(&mut self, text: &'a str) -> Result<Given<'a>, BadOption> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let (_, _, argument, tag) = TABLE
            .iter()
            .find(|(long, _, _, _)| *long == name)
            .ok_or(BadOption::Unknown)?;
        match (argument, value) {
            (Without, None) => Ok((*tag, None)),
            (Without, Some(_)) => Err(BadOption::UnwantedArgument),
            (_, Some(value)) => Ok((*tag, Some(value))),
            (argument, None) => Ok((*tag, self.argument(*argument)?)),
        }
    }

    /// The next word as an argument; one that looks like an option is none if it may be missing.
    fn argument(&mut self, argument: Argument) -> Result<Option<&'a str>, BadOption> {
        match self.words.get(self.next) {
            None if argument == Needed => Err(BadOption::MissingArgument),
            Some(word) if argument == Needed || !word.starts_with('-') => {
                self.next += 1;
                Ok(Some(word))
            }
            _ => Ok(None),
        }
    }

    /// The word that was read last.
    pub(super) fn word(&self) -> &'a str {
        let last = self
            .next
            .checked_sub(1)
            .and_then(|last| self.words.get(last));
        last.map_or("", String::as_str)
    }
}

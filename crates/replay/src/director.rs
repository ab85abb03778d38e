//! The director of a scenario: IPVS's configuration, a private data plane, and the host around both.
//!
//! ```text
//!   frame ─▶ host: martian? ─▶ data plane ─┬─ sent: to a client or a real server
//!                                          ├─ left to the host ─▶ answered, routed, or nothing
//!                                          └─ dropped
//! ```
//!
//! IPVS looks at what is for the host itself, and at answers of real servers that pass through; so the data plane gets
//! those frames and no others. While there are no services of a packet's family, IPVS has taken its hooks out of the
//! kernel, and the data plane gets none.

use std::{net::IpAddr, time::Duration};

use dray_dataplane::{Capacity, LoadError, Private, RunError};
use dray_ipvsadm::{Answer, SetTimeouts};
use dray_model::{DataPlane as _, DataPlaneError, Defence, Family, KernelRules, Protocol};

use crate::{
    console::{self, Console, ConsoleError},
    frame::{Exit, Packet},
    host::{Host, Sent},
    ipvs::{Surroundings as _, TICK},
    scenario::{CommandAnswer, Dump, Kernel, MarkedProtocol, Scenario, Side},
    shell,
    site::{CLIENT_PORT, SERVER_PORT, SOME_REAL},
    sysctl,
};

/// The scenario cannot be played on.
#[derive(Debug, thiserror::Error)]
pub enum DirectorError {
    /// A command could not be carried out, or dray does not do what the step asks for.
    #[error(transparent)]
    Console(#[from] ConsoleError),
    /// The data plane refuses an action.
    #[error(transparent)]
    DataPlane(#[from] DataPlaneError),
    /// The data plane cannot look at a frame.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The program ended by an error.
    #[error("the XDP program ended with verdict {0}, which it must never do")]
    Verdict(u32),
}

/// Room for what scenarios need.
const CAPACITY: Capacity = Capacity {
    connections: 8192,
    translations: 8192,
    services: 1024,
    destinations: 4096,
    words: 1 << 18,
    hops: 2048,
};

/// How much time passes between two looks at what is over.
const STEP: Duration = Duration::from_millis(250);

/// How often the `drop_entry` defence works.
const DEFENCE: Duration = Duration::from_secs(1);

// XDP's verdicts (`enum xdp_action` of the kernel).
const DROP: u32 = 1;
const PASS: u32 = 2;
const TX: u32 = 3;
const REDIRECT: u32 = 4;

/// Makes a private data plane for directors.
///
/// # Errors
/// When the kernel does not take the program; root is needed.
pub fn data_plane() -> Result<Private, LoadError> {
    Private::new(CAPACITY, &[CLIENT_PORT, SERVER_PORT])
}

/// The director of a scenario.
pub struct Director<'a> {
    private: &'a mut Private,
    console: Console,
    next_tick: Duration,
    next_defence: Duration,
}

impl<'a> Director<'a> {
    /// Makes one with the addresses, marks and real servers of a scenario, and without services, on a private data plane that
    /// is as good as new.
    ///
    /// # Errors
    /// When the scenario asks for marks that dray cannot give.
    pub fn new(private: &'a mut Private, scenario: &Scenario) -> Result<Self, DirectorError> {
        let rules = rules(scenario.kernel.as_ref());
        let mut director = Self {
            private,
            console: Console::new(rules, Host::new(scenario)),
            next_tick: TICK,
            next_defence: DEFENCE,
        };
        director
            .private
            .data_plane()
            .set_policy(&director.console.policy);
        director.mark(scenario)?;
        Ok(director)
    }

    /// The host.
    pub const fn host(&self) -> &Host {
        &self.console.host
    }

    /// netfilter's rules go on after one that fits, so that the last one counts; the data plane's stop at the first.
    fn mark(&mut self, scenario: &Scenario) -> Result<(), DirectorError> {
        let rules: Vec<_> = scenario
            .marks
            .iter()
            .rev()
            .map(mark_rule)
            .collect::<Result<_, _>>()?;
        Ok(self.private.data_plane().set_mark_rules(&rules)?)
    }

    /// What comes out when a frame comes in.
    ///
    /// # Errors
    /// When the data plane fails.
    pub fn receive(&mut self, side: Side, frame: &[u8]) -> Result<Vec<Sent>, DirectorError> {
        let Some(data) = frame.get(14..) else {
            return Ok(Vec::new());
        };
        let parsed = Packet::parse(data).ok();
        if let Some(packet) = &parsed {
            if self.console.host.is_martian(packet.source) {
                return Ok(Vec::new());
            }
            let concerns = side == Side::Real
                || self.console.host.is_own(packet.destination)
                || self.console.host.is_own(packet.source);
            if !concerns || !self.has_services(packet.destination) {
                return Ok(self.console.host.receive(data));
            }
        }
        let port = match side {
            Side::Client => 0,
            Side::Real => 1,
        };
        let frame = self.with_its_real_server(frame, parsed.map(|packet| packet.source));
        let outcome = self.private.run_on(port, &frame)?;
        match outcome.verdict {
            TX | REDIRECT => Ok(vec![(exit(&outcome.frame), outcome.frame)]),
            PASS => Ok(self.console.host.receive(&outcome.frame[14..])),
            DROP => Ok(Vec::new()),
            verdict => Err(DirectorError::Verdict(verdict)),
        }
    }

    fn has_services(&self, address: IpAddr) -> bool {
        let family = Family::of(address);
        self.console
            .ipvs
            .services()
            .iter()
            .any(|service| service.identity.family() == family)
    }

    /// The frame with the Ethernet address of the real server that its source address names, in place of that which stands for
    /// any of them.
    fn with_its_real_server(&self, frame: &[u8], source: Option<IpAddr>) -> Vec<u8> {
        let mut frame = frame.to_vec();
        let real = source.and_then(|source| self.console.host.reals().mac(source));
        if let Some(mac) = real.filter(|_| frame[6..12] == SOME_REAL.0) {
            frame[6..12].copy_from_slice(&mac.0);
        }
        frame
    }

    /// Lets time pass.
    ///
    /// # Errors
    /// When the data plane fails.
    pub fn wait(&mut self, time: Duration) -> Result<(), DirectorError> {
        let end = self.private.now() + time;
        while self.private.now() < end {
            let step = STEP.min(end - self.private.now());
            self.private.advance(step);
            self.private.data_plane().sweep(1);
            self.keep_time()?;
        }
        Ok(())
    }

    /// The kernel's timers.
    fn keep_time(&mut self) -> Result<(), DirectorError> {
        let now = self.private.now();
        let plane = self.private.data_plane();
        while self.next_tick <= now {
            self.console.ipvs.count(plane);
            self.console.ipvs.show_counts();
            self.next_tick += TICK;
        }
        while self.next_defence <= now {
            sysctl::defend(&mut self.console.policy);
            plane.set_policy(&self.console.policy);
            if self.console.policy.ipvs.drop_entry == Defence::On {
                plane.drop_entries();
            }
            self.next_defence += DEFENCE;
        }
        let forgotten = self.console.ipvs.forget_removed(plane, now);
        Ok(console::apply(plane, &forgotten)?)
    }

    /// Runs `ipvsadm` with the words of a line and a standard input.
    ///
    /// # Errors
    /// As [`Console::ipvsadm`].
    pub fn ipvsadm(&mut self, line: &str, input: &str) -> Result<Answer, DirectorError> {
        let now = self.private.now();
        let plane = self.private.data_plane();
        Ok(self.console.ipvsadm(line, input, plane, now)?)
    }

    /// Changes a setting of the kernel.
    ///
    /// # Errors
    /// As [`Console::sysctl`].
    pub fn sysctl(&mut self, name: &str, value: &str) -> Result<CommandAnswer, DirectorError> {
        let plane = self.private.data_plane();
        Ok(self.console.sysctl(name, value, plane)?)
    }

    /// Sets timeouts, those of 0 s as they were.
    pub fn set_timeouts(&mut self, timeouts: &SetTimeouts) {
        self.console
            .set_timeouts(timeouts, self.private.data_plane());
    }

    /// A listing, as a scenario holds it.
    pub fn dump(&mut self, kind: Dump) -> Vec<String> {
        self.console.dump(kind, self.private.data_plane())
    }

    /// Does what a shell line does.
    ///
    /// # Errors
    /// When it is not one of those that are known.
    pub fn shell(&mut self, line: &str) -> Result<CommandAnswer, DirectorError> {
        let line = shell::read(line).map_err(|error| ConsoleError::NotPlayed(error.to_string()))?;
        let now = self.private.now();
        let plane = self.private.data_plane();
        match line {
            shell::Line::Nothing => {}
            shell::Line::Listen(listener) => self.console.host.listen(listener),
            shell::Line::Sleep(seconds) => self.wait(seconds.duration())?,
            shell::Line::Ipvsadm(words) => {
                let answer = self.console.command(&words, "", plane, now)?;
                return Ok(CommandAnswer::of(
                    answer.status,
                    &answer.out,
                    &answer.err,
                    false,
                ));
            }
            shell::Line::Show(kind) => {
                let text = self.console.show(kind, plane);
                return Ok(CommandAnswer::of(0, &text, "", false));
            }
        }
        Ok(CommandAnswer::silent())
    }
}

/// Whose rules a scenario was recorded by: the newest, if it does not say.
fn rules(kernel: Option<&Kernel>) -> KernelRules {
    match kernel.and_then(Kernel::version) {
        Some(version) if version < (6, 1, 192) => KernelRules::V6_1_176,
        _ => KernelRules::V6_1_192,
    }
}

fn mark_rule(rule: &crate::scenario::MarkRule) -> Result<dray_model::MarkRule, ConsoleError> {
    let mark = std::num::NonZeroU32::new(rule.mark).ok_or_else(|| {
        ConsoleError::NotPlayed("a rule takes a mark away, which dray's rules cannot".to_owned())
    })?;
    if rule.dport.is_some() && rule.proto.is_none() {
        return Err(ConsoleError::NotPlayed(
            "a rule for a port names no protocol, which iptables refuses".to_owned(),
        ));
    }
    Ok(dray_model::MarkRule {
        mark,
        family: Family::of(rule.dst.address),
        destination: Some((network(rule.dst.address, rule.dst.bits()), rule.dst.bits())),
        source: None,
        protocol: rule.proto.map(|protocol| match protocol {
            MarkedProtocol::Tcp => Protocol::Tcp,
            MarkedProtocol::Udp => Protocol::Udp,
            MarkedProtocol::Sctp => Protocol::Sctp,
        }),
        ports: rule.dport.map(|port| port..=port),
        source_ports: None,
        interface: None,
    })
}

/// The address with the bits behind the first `length` cleared.
fn network(address: IpAddr, length: u8) -> IpAddr {
    let length = u32::from(length);
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            IpAddr::V4((address.to_bits() & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            IpAddr::V6((address.to_bits() & mask).into())
        }
    }
}

/// By which side a frame left: each has its own Ethernet address.
fn exit(frame: &[u8]) -> Exit {
    if frame[6..12] == SERVER_PORT.0 {
        Exit::Server
    } else {
        Exit::Client
    }
}

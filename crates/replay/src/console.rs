//! What the director's operator has: commands, settings and listings, over any data plane.

mod connections;
mod kernel;

use std::time::Duration;

use dray_ipvsadm::{
    Answer, SetTimeouts,
    listing::{Format, Look},
    names::Tables,
    run,
};
use dray_model::{Action, DataPlane, DataPlaneError, IpvsOptions, KernelRules, Policy};

use crate::{
    host::Host,
    ipvs::Ipvs,
    listing::{self, Facts},
    scenario::{CommandAnswer, Dump},
    site::{HOSTS, SERVICES},
    sysctl,
    words::words,
};

use kernel::Kernel;

/// A command could not be carried out at all.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// dray does not do what it asks for.
    #[error("{0}")]
    NotPlayed(String),
    /// The data plane refuses an action.
    #[error(transparent)]
    DataPlane(#[from] DataPlaneError),
}

/// The director as its operator sees it.
#[derive(Debug)]
pub struct Console {
    /// The configuration.
    pub(crate) ipvs: Ipvs,
    /// The host.
    pub(crate) host: Host,
    /// The settings.
    pub(crate) policy: Policy,
}

impl Console {
    /// One without services, with the settings that IPVS begins with, by the rules of one kernel.
    pub fn new(rules: KernelRules, host: Host) -> Self {
        Self {
            ipvs: Ipvs::new(rules),
            host,
            policy: Policy {
                ipvs: IpvsOptions {
                    rules,
                    answers_per_second: None,
                    ..IpvsOptions::IPVS
                },
                ..Policy::default()
            },
        }
    }

    /// Runs `ipvsadm` with the words of a line and a standard input.
    ///
    /// # Errors
    /// When the line needs a shell or something that dray does not do.
    pub fn ipvsadm(
        &mut self,
        line: &str,
        input: &str,
        plane: &mut dyn DataPlane,
        now: Duration,
    ) -> Result<Answer, ConsoleError> {
        let words =
            words(line).map_err(|error| ConsoleError::NotPlayed(format!("`{line}`: {error}")))?;
        self.command(&words, input, plane, now)
    }

    pub(crate) fn command(
        &mut self,
        words: &[String],
        input: &str,
        plane: &mut dyn DataPlane,
        now: Duration,
    ) -> Result<Answer, ConsoleError> {
        let names = Tables::read(HOSTS, SERVICES);
        let mut input = input.split_inclusive('\n').map(str::to_owned);
        let mut answer = Answer::default();
        let mut kernel = Kernel {
            console: self,
            plane,
            now,
        };
        let ended = run(
            "ipvsadm",
            words,
            &names,
            &mut input,
            &mut kernel,
            &mut answer,
        );
        plane.sweep(1);
        ended.map(|()| answer)
    }

    /// Sets timeouts, those of 0 s as they were.
    pub fn set_timeouts(&mut self, timeouts: &SetTimeouts, plane: &mut dyn DataPlane) {
        let of = &mut self.policy.timeouts;
        let set = |timeout: &mut Duration, seconds: Option<std::num::NonZeroU32>| {
            if let Some(seconds) = seconds {
                *timeout = Duration::from_secs(seconds.get().into());
            }
        };
        set(&mut of.tcp, timeouts.tcp);
        set(&mut of.tcp_fin, timeouts.tcp_fin);
        set(&mut of.udp, timeouts.udp);
        plane.set_policy(&self.policy);
    }

    /// A listing, as a scenario holds it.
    pub fn dump(&self, kind: Dump, plane: &mut dyn DataPlane) -> Vec<String> {
        plane.sweep(1);
        listing::normalise(kind, &self.show(kind, plane))
    }

    /// A listing, as it is printed.
    pub(crate) fn show(&self, kind: Dump, plane: &dyn DataPlane) -> String {
        let format = |change: fn(&mut Format)| {
            let mut format = Format {
                numeric: true,
                ..Format::default()
            };
            change(&mut format);
            format
        };
        let format = match kind {
            Dump::Conns => {
                let connections = self.connections(plane);
                return dray_ipvsadm::listing::connections(&connections, false, Look::Numbers);
            }
            Dump::ProcConns => return listing::proc_connections(&self.connections(plane)),
            Dump::Timeout => return dray_ipvsadm::listing::timeouts(&self.policy.timeouts),
            Dump::Save => {
                return self.with_facts(plane, |facts| {
                    dray_ipvsadm::listing::rules(&facts.snapshot(), Look::Numbers).text
                });
            }
            Dump::Proc => return self.with_facts(plane, listing::proc_services),
            Dump::ProcStats => return self.with_facts(plane, listing::proc_statistics),
            Dump::List => Format::default(),
            Dump::ListNosort => format(|format| format.nosort = true),
            Dump::Stats => format(|format| format.stats = true),
            Dump::StatsExact => format(|format| {
                format.stats = true;
                format.exact = true;
            }),
            Dump::Thresholds => format(|format| format.thresholds = true),
            Dump::PersistentConn => format(|format| format.persistent_conn = true),
        };
        self.with_facts(plane, |facts| {
            dray_ipvsadm::listing::table(&facts.snapshot(), format, Look::Numbers)
        })
    }

    pub(crate) fn with_facts<T>(&self, plane: &dyn DataPlane, read: impl Fn(&Facts<'_>) -> T) -> T {
        read(&Facts {
            ipvs: &self.ipvs,
            live: &|id| plane.live(id),
        })
    }

    /// Changes a setting of the kernel.
    ///
    /// # Errors
    /// When dray does not have it, or not with that value.
    pub fn sysctl(
        &mut self,
        name: &str,
        value: &str,
        plane: &mut dyn DataPlane,
    ) -> Result<CommandAnswer, ConsoleError> {
        sysctl::set(&mut self.policy, name, value)
            .map_err(|error| ConsoleError::NotPlayed(error.to_string()))?;
        plane.set_policy(&self.policy);
        plane.sweep(1);
        Ok(CommandAnswer::silent())
    }
}

/// Carries actions out.
pub(crate) fn apply(plane: &mut dyn DataPlane, actions: &[Action]) -> Result<(), DataPlaneError> {
    actions.iter().try_for_each(|action| plane.apply(action))
}

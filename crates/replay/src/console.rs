//! What the director's operator has: commands, settings and listings, over any data plane.

mod connections;

use std::time::Duration;

use dray_ipvsadm::{Command, List, Refusal, SetTimeouts, Usage, listing::Format};
use dray_model::{Action, DataPlane, DataPlaneError, IpvsOptions, KernelRules, Policy};

use crate::{
    host::Host,
    ipvs::{CommandError, Ipvs},
    listing::{self, Facts},
    scenario::{CommandAnswer, Dump},
    sysctl,
    words::words,
};

/// What a command prints, and its exit status.
struct Printed {
    status: i32,
    text: String,
}

impl Printed {
    const fn nothing() -> Self {
        Self {
            status: 0,
            text: String::new(),
        }
    }

    const fn text(text: String) -> Self {
        Self { status: 0, text }
    }

    fn answer(self) -> CommandAnswer {
        CommandAnswer {
            rc: self.status,
            out: self.text.lines().map(str::to_owned).collect(),
        }
    }
}

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

    /// Runs `ipvsadm` with the words of a line.
    ///
    /// # Errors
    /// When the line needs a shell or something that dray does not do.
    pub fn ipvsadm(
        &mut self,
        line: &str,
        plane: &mut dyn DataPlane,
        now: Duration,
    ) -> Result<CommandAnswer, ConsoleError> {
        let words =
            words(line).map_err(|error| ConsoleError::NotPlayed(format!("`{line}`: {error}")))?;
        self.command(&words, plane, now)
    }

    pub(crate) fn command(
        &mut self,
        words: &[String],
        plane: &mut dyn DataPlane,
        now: Duration,
    ) -> Result<CommandAnswer, ConsoleError> {
        let printed = match dray_ipvsadm::parse(words) {
            Ok(command) => self.run(&command, plane, now)?,
            Err(Usage { status, text }) => Printed { status, text },
        };
        plane.sweep(1);
        Ok(printed.answer())
    }

    fn run(
        &mut self,
        command: &Command,
        plane: &mut dyn DataPlane,
        now: Duration,
    ) -> Result<Printed, ConsoleError> {
        self.ipvs.count(plane);
        let actions = match command {
            Command::AddService(service, settings) => self.ipvs.add_service(*service, settings),
            Command::EditService(service, settings) => {
                self.ipvs.edit_service(service, settings, plane)
            }
            Command::DeleteService(service) => self.ipvs.delete_service(service, now),
            Command::Clear => self.ipvs.clear(now),
            Command::AddServer(service, real) => {
                self.ipvs.add_destination(service, real, plane, &self.host)
            }
            Command::EditServer(service, real) => {
                self.ipvs.edit_destination(service, real, plane, &self.host)
            }
            Command::DeleteServer(service, real) => {
                self.ipvs
                    .delete_destination(service, real.address, real.port, plane, now)
            }
            Command::Zero(service) => self
                .ipvs
                .zero(service.as_ref())
                .map(|()| Vec::new())
                .map_err(CommandError::from),
            Command::SetTimeouts(timeouts) => {
                self.set_timeouts(timeouts, plane);
                Ok(Vec::new())
            }
            // There are no daemons.
            Command::StopDaemon => Err(Refusal::NoProcess.into()),
            Command::StartDaemon => {
                return Err(ConsoleError::NotPlayed(
                    "dray has no synchronisation daemons".to_owned(),
                ));
            }
            Command::Help => {
                return Err(ConsoleError::NotPlayed(
                    "`ipvsadm --help` is not known here".to_owned(),
                ));
            }
            // Nothing is on its standard input.
            Command::Restore => Ok(Vec::new()),
            Command::Save => return Ok(Printed::text(self.show(Dump::Save, plane))),
            Command::List(list, format) => return Ok(self.list(*list, *format, plane)),
        };
        match actions {
            Ok(actions) => {
                apply(plane, &actions)?;
                Ok(Printed::nothing())
            }
            Err(error) => Ok(Printed {
                status: 255,
                text: format!("{}\n", command.refusal(refusal(error)?)),
            }),
        }
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

    fn list(&self, list: List, format: Format, plane: &dyn DataPlane) -> Printed {
        match list {
            List::Connections => Printed::text(dray_ipvsadm::listing::connections(
                &self.connections(plane),
                format.persistent_conn,
            )),
            List::Timeouts => Printed::text(dray_ipvsadm::listing::timeouts(&self.policy.timeouts)),
            List::Daemons => Printed::nothing(),
            List::All => Printed::text(self.with_facts(plane, |facts| {
                dray_ipvsadm::listing::table(&facts.snapshot(), format)
            })),
            List::One(identity) => {
                let text = self.with_facts(plane, |facts| {
                    let service = facts.ipvs.service(&identity)?;
                    Some(dray_ipvsadm::listing::one(&facts.service(service), format))
                });
                text.map_or_else(
                    || Printed {
                        status: 1,
                        text: "No such service\n".to_owned(),
                    },
                    Printed::text,
                )
            }
        }
    }

    /// A listing, as a scenario holds it.
    pub fn dump(&self, kind: Dump, plane: &mut dyn DataPlane) -> Vec<String> {
        plane.sweep(1);
        listing::normalise(kind, &self.show(kind, plane))
    }

    /// A listing, as it is printed.
    pub(crate) fn show(&self, kind: Dump, plane: &dyn DataPlane) -> String {
        let format = |change: fn(&mut Format)| {
            let mut format = Format::default();
            change(&mut format);
            format
        };
        let format = match kind {
            Dump::Conns => {
                return dray_ipvsadm::listing::connections(&self.connections(plane), false);
            }
            Dump::ProcConns => return listing::proc_connections(&self.connections(plane)),
            Dump::Timeout => return dray_ipvsadm::listing::timeouts(&self.policy.timeouts),
            Dump::Save => {
                return self.with_facts(plane, |facts| {
                    dray_ipvsadm::listing::rules(&facts.snapshot())
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
            dray_ipvsadm::listing::table(&facts.snapshot(), format)
        })
    }

    fn with_facts<T>(&self, plane: &dyn DataPlane, read: impl Fn(&Facts<'_>) -> T) -> T {
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

/// IPVS's refusals are answers, and what remains are errors.
fn refusal(error: CommandError) -> Result<Refusal, ConsoleError> {
    match error {
        CommandError::Refused(refusal) => Ok(refusal),
        error @ CommandError::Record { .. } => Err(ConsoleError::NotPlayed(format!(
            "{error}: {}",
            std::error::Error::source(&error).map_or_else(String::new, ToString::to_string)
        ))),
    }
}

//! Commands that the director's operator gives.

use std::time::Duration;

use dray_model::DataPlane as _;

use super::{Director, DirectorError, refusal};
use crate::{
    ipvs::{CommandError, Refusal},
    ipvsadm::{self, Command, List, SetTimeouts, Usage},
    listing::{self, Facts, Format},
    scenario::{CommandAnswer, Dump},
    shell, sysctl,
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

impl Director<'_> {
    /// Runs `ipvsadm` with the words of a line.
    ///
    /// # Errors
    /// When the line needs a shell or something that dray does not do.
    pub fn ipvsadm(&mut self, line: &str) -> Result<CommandAnswer, DirectorError> {
        let words = ipvsadm::words(line)
            .map_err(|error| DirectorError::NotPlayed(format!("`{line}`: {error}")))?;
        self.command(&words)
    }

    fn command(&mut self, words: &[String]) -> Result<CommandAnswer, DirectorError> {
        let printed = match ipvsadm::parse(words) {
            Ok(command) => self.run(&command)?,
            Err(Usage { status, text }) => Printed { status, text },
        };
        self.private.data_plane().sweep(1);
        Ok(printed.answer())
    }

    fn run(&mut self, command: &Command) -> Result<Printed, DirectorError> {
        let now = self.private.now();
        let plane = self.private.data_plane();
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
            Command::EditServer(service, real) => self.ipvs.edit_destination(service, real, plane),
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
                self.set_timeouts(timeouts);
                Ok(Vec::new())
            }
            // There are no daemons.
            Command::StopDaemon => Err(Refusal::NoProcess.into()),
            Command::StartDaemon => {
                return Err(DirectorError::NotPlayed(
                    "dray has no synchronisation daemons".to_owned(),
                ));
            }
            Command::Help => {
                return Err(DirectorError::NotPlayed(
                    "`ipvsadm --help` is not known here".to_owned(),
                ));
            }
            // Nothing is on its standard input.
            Command::Restore => Ok(Vec::new()),
            Command::Save => return Ok(Printed::text(self.show(Dump::Save))),
            Command::List(list, format) => return Ok(self.list(*list, *format)),
        };
        match actions {
            Ok(actions) => {
                self.apply(&actions)?;
                Ok(Printed::nothing())
            }
            Err(error) => Ok(Printed {
                status: 255,
                text: format!("{}\n", command.refusal(refusal(error)?)),
            }),
        }
    }

    /// Sets timeouts, those of 0 s as they were.
    pub(crate) fn set_timeouts(&mut self, timeouts: &SetTimeouts) {
        let of = &mut self.policy.timeouts;
        let set = |timeout: &mut Duration, seconds: Option<std::num::NonZeroU32>| {
            if let Some(seconds) = seconds {
                *timeout = Duration::from_secs(seconds.get().into());
            }
        };
        set(&mut of.tcp, timeouts.tcp);
        set(&mut of.tcp_fin, timeouts.tcp_fin);
        set(&mut of.udp, timeouts.udp);
        self.set_policy();
    }

    fn list(&mut self, list: List, format: Format) -> Printed {
        match list {
            List::Connections => Printed::text(listing::connections(
                &self.connections(),
                format.persistent_conn,
            )),
            List::Timeouts => Printed::text(listing::timeouts(&self.policy.timeouts)),
            List::Daemons => Printed::nothing(),
            List::All => Printed::text(self.with_facts(|facts| listing::table(facts, format))),
            List::One(identity) => {
                let text = self.with_facts(|facts| {
                    let service = facts.ipvs.service(&identity)?;
                    Some(listing::one(facts, service, format))
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
    pub fn dump(&mut self, kind: Dump) -> Vec<String> {
        self.private.data_plane().sweep(1);
        listing::normalise(kind, &self.show(kind))
    }

    fn show(&mut self, kind: Dump) -> String {
        let format = |change: fn(&mut Format)| {
            let mut format = Format::default();
            change(&mut format);
            format
        };
        let format = match kind {
            Dump::Conns => return listing::connections(&self.connections(), false),
            Dump::ProcConns => return listing::proc_connections(&self.connections()),
            Dump::Timeout => return listing::timeouts(&self.policy.timeouts),
            Dump::Save => return self.with_facts(listing::rules),
            Dump::Proc => return self.with_facts(listing::proc_services),
            Dump::ProcStats => return self.with_facts(listing::proc_statistics),
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
        self.with_facts(|facts| listing::table(facts, format))
    }

    fn with_facts<T>(&mut self, read: impl Fn(&Facts<'_>) -> T) -> T {
        let plane = self.private.data_plane();
        read(&Facts {
            ipvs: &self.ipvs,
            live: &|id| plane.live(id),
        })
    }

    /// Changes a setting of the kernel.
    ///
    /// # Errors
    /// When dray does not have it, or not with that value.
    pub fn sysctl(&mut self, name: &str, value: &str) -> Result<CommandAnswer, DirectorError> {
        sysctl::set(&mut self.policy, name, value)
            .map_err(|error| DirectorError::NotPlayed(error.to_string()))?;
        self.set_policy();
        self.private.data_plane().sweep(1);
        Ok(CommandAnswer::silent())
    }

    /// Does what a shell line does.
    ///
    /// # Errors
    /// When it is not one of those that are known.
    pub fn shell(&mut self, line: &str) -> Result<CommandAnswer, DirectorError> {
        match shell::read(line).map_err(|error| DirectorError::NotPlayed(error.to_string()))? {
            shell::Line::Nothing => {}
            shell::Line::Listen(listener) => self.host.listen(listener),
            shell::Line::Sleep(seconds) => self.wait(seconds.duration())?,
            shell::Line::Ipvsadm(words) => return self.command(&words),
            shell::Line::Show(kind) => return Ok(Printed::text(self.show(kind)).answer()),
        }
        Ok(CommandAnswer::silent())
    }
}

//! A whole command line, from its words to what it prints and its exit status.

use dray_model::{ServiceIdentity, Timeouts};

use crate::{
    Change, Command, List, Names, Refusal, Usage,
    listing::{self, Format, Look},
    parse,
    refusal::NO_SERVICE,
    restore,
    snapshot::{Connection, Daemon, Service, Snapshot},
    usage::{VERSION, help},
};

/// What has the services: the kernel for `ipvsadm`.
pub trait Director {
    /// Why it cannot answer at all.
    type Error;

    /// All services.
    ///
    /// # Errors
    /// When it cannot answer.
    fn snapshot(&mut self) -> Result<Snapshot, Self::Error>;

    /// One service, if it is there.
    ///
    /// # Errors
    /// When it cannot answer.
    fn service(&mut self, identity: &ServiceIdentity) -> Result<Option<Service>, Self::Error>;

    /// The connections and templates.
    ///
    /// # Errors
    /// When it cannot answer.
    fn connections(&mut self) -> Result<Vec<Connection>, Self::Error>;

    /// The timeouts.
    ///
    /// # Errors
    /// When it cannot answer.
    fn timeouts(&mut self) -> Result<Timeouts, Self::Error>;

    /// The synchronisation daemons that run, the master first.
    ///
    /// # Errors
    /// When it cannot answer.
    fn daemons(&mut self) -> Result<Vec<Daemon>, Self::Error>;

    /// Makes a change, or refuses it.
    ///
    /// # Errors
    /// When it cannot answer.
    fn change(&mut self, change: &Change) -> Result<Result<(), Refusal>, Self::Error>;
}

/// What a command line prints, and its exit status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The exit status: 0 when it did what it was to do, 1 or 2 when it could not be done, 255 when it was refused.
    pub status: i32,
    /// What goes to standard output.
    pub out: String,
    /// What goes to standard error.
    pub err: String,
}

/// Carries out the words that follow `program`. `input` is the standard input, line by line and with the line ends; only `-R`
/// reads it.
///
/// # Errors
/// When the director cannot answer. What was printed until then is in `answer`.
pub fn run<D: Director>(
    program: &str,
    words: &[String],
    names: &dyn Names,
    input: &mut dyn Iterator<Item = String>,
    director: &mut D,
    answer: &mut Answer,
) -> Result<(), D::Error> {
    let mut call = Call {
        program,
        names,
        director,
        answer,
    };
    if call.line(words)? == After::Restore {
        for words in input.filter_map(|line| restore::words(&line)) {
            match call.line(&words)? {
                After::GoOn => {}
                After::Restore => {
                    call.refuse(Usage::try_help(program));
                    break;
                }
                After::End => break,
            }
        }
    }
    Ok(())
}

struct Call<'a, D> {
    program: &'a str,
    names: &'a dyn Names,
    director: &'a mut D,
    answer: &'a mut Answer,
}

/// What comes after a line.
#[derive(PartialEq, Eq)]
enum After {
    /// The next line, if there is one.
    GoOn,
    /// The lines of the standard input.
    Restore,
    /// Nothing: the program ends.
    End,
}

impl<'a, D: Director> Call<'a, D> {
    fn line(&mut self, words: &[String]) -> Result<After, D::Error> {
        self.answer.status = 0;
        match parse(self.program, words, self.names) {
            Err(usage) => Ok(self.refuse(usage)),
            Ok(Command::Help) => {
                self.answer.out += &help(self.program);
                Ok(After::End)
            }
            Ok(Command::Version) => {
                self.answer.out += VERSION;
                Ok(After::End)
            }
            Ok(Command::Restore) => Ok(After::Restore),
            Ok(Command::Save { numeric }) => {
                let saved = listing::rules(&self.director.snapshot()?, self.look(numeric));
                self.answer.out += &saved.text;
                for left_out in saved.left_out {
                    self.answer.status = 255;
                    self.answer.err += &format!("{left_out}\n");
                }
                Ok(After::GoOn)
            }
            Ok(Command::List(list, format)) => self.list(list, format),
            Ok(Command::Change(change)) => {
                if let Err(refusal) = self.director.change(&change)? {
                    self.answer.status = 255;
                    self.answer.err += &format!("{}\n", refusal.text(&change));
                }
                Ok(After::GoOn)
            }
        }
    }

    fn list(&mut self, list: List, format: Format) -> Result<After, D::Error> {
        let look = self.look(format.numeric);
        self.answer.out += &match list {
            List::All => listing::table(&self.director.snapshot()?, format, look),
            List::One(identity) => match self.director.service(&identity)? {
                Some(service) => listing::one(&service, format, look),
                None => {
                    self.answer.status = 1;
                    self.answer.err += &format!("{NO_SERVICE}\n");
                    return Ok(After::End);
                }
            },
            List::Connections => {
                listing::connections(&self.director.connections()?, format.persistent_conn, look)
            }
            List::Timeouts => listing::timeouts(&self.director.timeouts()?),
            List::Daemons => listing::daemons(&self.director.daemons()?),
        };
        Ok(After::GoOn)
    }

    const fn look(&self, numeric: bool) -> Look<'a> {
        if numeric {
            Look::Numbers
        } else {
            Look::Names(self.names)
        }
    }

    fn refuse(&mut self, usage: Usage) -> After {
        self.answer.status = usage.status;
        self.answer.err += &usage.text;
        if usage.ends { After::End } else { After::GoOn }
    }
}

//! `dray ipvsadm`: the command lines and texts of `ipvsadm` 1.31; also what a link to this program by that name does.

mod director;
mod names;

use std::{
    env,
    ffi::{OsStr, OsString},
    io::{self, BufRead, Read},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use dray_ipvsadm::{Answer, Usage, run, wrappers};

use super::{RUNTIME_DIR, RuntimeDirArg};
use crate::output;

use director::Daemon;

/// Do what `ipvsadm` 1.31 does: the same words, texts and exit codes
///
/// A link to this program by the name `ipvsadm`, `ipvsadm-save` or `ipvsadm-restore` does the same. There, the environment variable
/// DRAY_RUNTIME_DIR takes the place of --runtime-dir.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(super) struct Ipvsadm {
    #[command(flatten)]
    runtime_dir: RuntimeDirArg,
    /// The words of `ipvsadm`; `-h` lists them
    #[arg(
        value_name = "WORDS",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    words: Vec<OsString>,
}

impl Ipvsadm {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        Tool::Ipvsadm.run(&self.runtime_dir.path, &texts(self.words))
    }
}

/// What this program is called as, if it is one of `ipvsadm`'s names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    Ipvsadm,
    Save,
    Restore,
}

/// Where the daemon of a linked tool is, in the environment.
const RUNTIME_DIR_VARIABLE: &str = "DRAY_RUNTIME_DIR";

/// The name that `ipvsadm` prints of itself.
const PROGRAM: &str = "ipvsadm";

impl Tool {
    /// The tool of the name that a program was started by.
    pub(super) fn named(program: &OsStr) -> Option<Self> {
        match Path::new(program).file_name()?.to_str()? {
            "ipvsadm" => Some(Self::Ipvsadm),
            "ipvsadm-save" => Some(Self::Save),
            "ipvsadm-restore" => Some(Self::Restore),
            _ => None,
        }
    }

    /// Does what the words of this process say.
    pub(super) fn main(self) -> ExitCode {
        let runtime_dir = env::var_os(RUNTIME_DIR_VARIABLE)
            .map_or_else(|| PathBuf::from(RUNTIME_DIR), PathBuf::from);
        let words = texts(env::args_os().skip(1));
        self.run(&runtime_dir, &words).unwrap_or_else(|error| {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        })
    }

    fn run(self, runtime_dir: &Path, words: &[String]) -> anyhow::Result<ExitCode> {
        let mut daemon = Daemon::at(runtime_dir)?;
        match self {
            Self::Ipvsadm => print(&answer(&mut daemon, words, &mut standard_input())),
            Self::Save => match wrappers::save(words) {
                Ok(words) => print(&answer(&mut daemon, &words, &mut standard_input())),
                Err(Usage { status, text, .. }) => print(&Answer {
                    status,
                    err: text,
                    ..Answer::default()
                }),
            },
            Self::Restore => {
                let mut dump = String::new();
                io::stdin().read_to_string(&mut dump)?;
                let dump = wrappers::restored(&dump);
                let mut lines = dump.split_inclusive('\n').map(str::to_owned);
                let line = |word: &str| [word.to_owned()];
                print(&answer(&mut daemon, &line("-C"), &mut lines))?;
                print(&answer(&mut daemon, &line("-R"), &mut lines))
            }
        }
    }
}

/// What `ipvsadm` answers.
fn answer(
    daemon: &mut Daemon<'_>,
    words: &[String],
    input: &mut dyn Iterator<Item = String>,
) -> Answer {
    let mut answer = Answer::default();
    let names = names::OfThisHost::read();
    if let Err(error) = run(PROGRAM, words, &names, input, daemon, &mut answer) {
        answer.status = 2;
        answer.err += &format!("Can't initialize ipvs: {error:#}\n");
    }
    answer
}

fn print(answer: &Answer) -> anyhow::Result<ExitCode> {
    output::text(&answer.out)?;
    eprint!("{}", answer.err);
    Ok(ExitCode::from(
        u8::try_from(answer.status).unwrap_or(u8::MAX),
    ))
}

/// The lines of the standard input, with their ends, as they come.
fn standard_input() -> impl Iterator<Item = String> {
    let mut input = io::stdin().lock();
    std::iter::from_fn(move || {
        let mut line = Vec::new();
        let read = input.read_until(b'\n', &mut line).ok()?;
        (read > 0).then(|| String::from_utf8_lossy(&line).into_owned())
    })
}

/// Words that are no text name nothing that there is, and stay so when what is none is replaced.
fn texts(words: impl IntoIterator<Item = OsString>) -> Vec<String> {
    let text = |word: OsString| word.to_string_lossy().into_owned();
    words.into_iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_the_tool_that_it_is_called() {
        let named = |program: &str| Tool::named(OsStr::new(program));
        assert_eq!(named("/usr/sbin/ipvsadm"), Some(Tool::Ipvsadm));
        assert_eq!(named("ipvsadm-save"), Some(Tool::Save));
        assert_eq!(named("./ipvsadm-restore"), Some(Tool::Restore));
        assert_eq!(named("/usr/bin/dray"), None);
    }
}

//! What the kernel's verifier says about the object's programs: how much work they are to verify, how large they are.
//!
//! ```text
//! load ─▶ bpf_prog_info: instructions looked at, size ─┐
//! load again, refused at its very end ─▶ log: states, ─┴─▶ Statistics ─▶ a table
//!                                        stack, time
//! ```
//!
//! aya keeps the verifier's log only of programs that are refused, and these are accepted. But the kernel verifies
//! first and makes the descriptor last: a load for which there is no descriptor left is refused together with the log
//! of a program that was found good.

use std::{
    fmt, fs,
    fs::File,
    io,
    os::fd::{AsRawFd as _, RawFd},
    time::Duration,
};

use aya::{
    VerifierLogLevel,
    programs::{ProgramError, Xdp},
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{
    Capacity, LoadError,
    decapsulator::DECAPSULATOR,
    features, lab,
    open::fresh_identity,
    program::{self, DIRECTOR, Loader},
};

/// Instructions that the verifier looks at before it gives up (`BPF_COMPLEXITY_LIMIT_INSNS` of the kernel).
pub const LIMIT: u32 = 1_000_000;

/// The object's programs.
const PROGRAMS: [&str; 4] = [DIRECTOR, DECAPSULATOR, lab::PASS, lab::TAG];

/// What the running kernel's verifier says. Displayed, it is a table in Markdown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// The kernel's release, such as `6.1.0-53-cloud-amd64`.
    pub kernel: String,
    /// Every program of the object.
    pub programs: Vec<Verified>,
}

/// One program, found good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The program's name.
    pub name: &'static str,
    /// Instructions after the kernel has rewritten them.
    pub instructions: u32,
    /// Bytes of machine code; 0 when the kernel interprets.
    pub machine_code: u32,
    /// What it was to verify it.
    pub effort: Effort,
}

/// The verifier's own account of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Instructions looked at, each as often as it was, of [`LIMIT`].
    pub processed: u32,
    /// States that were kept at the same time at most.
    pub peak_states: u32,
    /// States that were made.
    pub total_states: u32,
    /// Bytes of stack of the program itself and then of each function that is not inlined. The kernel refuses more than
    /// 512 over a chain of calls.
    pub frames: Vec<u32>,
    /// How long it took.
    pub time: Duration,
}

/// The verifier's statistics could not be had.
#[derive(Debug, thiserror::Error)]
pub enum StatisticsError {
    /// The object could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The kernel wrote another log than the one that is known.
    #[error(
        "the verifier's log of `{program}` has no statistics as Linux 5.2 and newer write them: {log}"
    )]
    Log {
        /// The program's name.
        program: &'static str,
        /// What was written.
        log: String,
    },
    /// A system call failed.
    #[error("failed to {what}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

/// Has the running kernel verify every program, with maps of this capacity.
///
/// Meanwhile the process can open no file: this is for benchmarks and for tests that have a process of their own.
///
/// # Errors
/// When a program is refused, and when the kernel says other things than expected. Needs CAP_BPF and CAP_NET_ADMIN.
pub fn statistics(capacity: &Capacity) -> Result<Statistics, StatisticsError> {
    let system = |what| move |source| StatisticsError::System { what, source };
    let release = fs::read_to_string("/proc/sys/kernel/osrelease")
        .map_err(system("read the kernel's release"))?;
    let identity = fresh_identity(capacity, 0).map_err(system("make a hash key"))?;
    let loader = Loader {
        identity,
        own_clock: false,
        pins: None,
        log: VerifierLogLevel::STATS,
    };
    let mut ebpf = loader.load(0, features::ALL)?;
    let mut programs = Vec::new();
    for name in PROGRAMS {
        let xdp = program::verify(&mut ebpf, name)?;
        let info = xdp.info().map_err(|error| refused(name, error))?;
        let (translated, machine_code) = (info.size_translated(), info.size_jitted());
        xdp.unload().map_err(|error| refused(name, error))?;
        let log = log_of(name, xdp)?;
        programs.push(Verified {
            name,
            instructions: translated.unwrap_or(0) / INSTRUCTION_BYTES,
            machine_code,
            effort: Effort::read(&log).ok_or(StatisticsError::Log { program: name, log })?,
        });
    }
    Ok(Statistics {
        kernel: release.trim().to_owned(),
        programs,
    })
}

const INSTRUCTION_BYTES: u32 = 8;

/// What the verifier writes about a program that it finds good.
fn log_of(name: &'static str, program: &mut Xdp) -> Result<String, StatisticsError> {
    let loaded =
        without_descriptors(|| program.load()).map_err(|source| StatisticsError::System {
            what: "limit the number of open files",
            source,
        })?;
    match loaded {
        Err(ProgramError::LoadError {
            io_error,
            verifier_log,
        }) if io_error.raw_os_error() == Some(libc::EMFILE) => Ok(verifier_log.to_string()),
        Err(error) => Err(refused(name, error).into()),
        Ok(()) => Err(StatisticsError::Log {
            program: name,
            log: "(another thread closed a file, so that the load went through)".to_owned(),
        }),
    }
}

fn refused(program: &'static str, source: ProgramError) -> LoadError {
    LoadError::Program {
        program,
        source: Box::new(source),
    }
}

/// Does `attempt` while this process can open no file.
fn without_descriptors<T>(attempt: impl FnOnce() -> T) -> io::Result<T> {
    let before = getrlimit(Resource::Nofile);
    let limit = Rlimit {
        current: Some(lowest_free()? as u64),
        maximum: before.maximum,
    };
    setrlimit(Resource::Nofile, limit)?;
    let outcome = attempt();
    setrlimit(Resource::Nofile, before)?;
    Ok(outcome)
}

/// The number that the next file will have: the kernel gives the lowest that is free.
fn lowest_free() -> io::Result<RawFd> {
    Ok(File::open("/dev/null")?.as_raw_fd())
}

impl Effort {
    /// Reads the log of `BPF_LOG_STATS`:
    ///
    /// ```text
    /// verification time 71044 usec
    /// stack depth 208+0+136
    /// processed 124865 insns (limit 1000000) max_states_per_insn 29 total_states 3530 peak_states 1406 mark_read 123
    /// ```
    fn read(log: &str) -> Option<Self> {
        let words: Vec<&str> = log.split_whitespace().collect();
        let after = |key: &[&str]| {
            let at = words.windows(key.len()).position(|window| window == key)?;
            words.get(at + key.len()).copied()
        };
        let number = |key: &[&str]| after(key)?.parse().ok();
        let frames = after(&["stack", "depth"])?.split('+').map(str::parse);
        Some(Self {
            processed: number(&["processed"])?,
            peak_states: number(&["peak_states"])?,
            total_states: number(&["total_states"])?,
            frames: frames.collect::<Result<_, _>>().ok()?,
            time: Duration::from_micros(number(&["verification", "time"])?.into()),
        })
    }
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Linux {}:\n", self.kernel)?;
        writeln!(
            f,
            "| program | instructions looked at | of the limit | states | at a time | own stack, bytes | functions' stacks | instructions | machine code, bytes | time |"
        )?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")?;
        for program in &self.programs {
            writeln!(f, "{program}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Effort {
            processed,
            peak_states,
            total_states,
            frames,
            time,
        } = &self.effort;
        let share = f64::from(*processed) * 100.0 / f64::from(LIMIT);
        let (own, functions) = frames.split_first().unwrap_or((&0, &[]));
        let functions = match functions.iter().max() {
            Some(largest) => format!("{} of at most {largest}", functions.len()),
            None => "none".to_owned(),
        };
        write!(
            f,
            "| `{}` | {processed} | {share:.1} % | {total_states} | {peak_states} | {own} | {functions} | {} | {} | {:.1} ms |",
            self.name,
            self.instructions,
            self.machine_code,
            time.as_secs_f64() * 1000.0,
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Effort, Statistics, Verified};

    /// From Linux 6.1.
    const LOG: &str = "verification time 6141123 usec\nstack depth 256+240+8\nprocessed 124793 insns (limit 1000000) \
                       max_states_per_insn 29 total_states 7317 peak_states 4937 mark_read 123\n";

    fn effort() -> Effort {
        Effort {
            processed: 124_793,
            peak_states: 4937,
            total_states: 7317,
            frames: vec![256, 240, 8],
            time: Duration::from_micros(6_141_123),
        }
    }

    #[test]
    fn the_kernels_log_is_read() {
        assert_eq!(Effort::read(LOG), Some(effort()));
    }

    #[test]
    fn a_log_that_lacks_something_is_not_read_in_part() {
        assert_eq!(Effort::read(""), None);
        for missing in ["stack depth", "usec", "peak_states 4937", "insns"] {
            let line = LOG.lines().filter(|line| !line.contains(missing));
            let rest: Vec<&str> = line.collect();
            assert_eq!(Effort::read(&rest.join("\n")), None, "without {missing}");
        }
    }

    #[test]
    fn statistics_are_shown_as_a_table() {
        let statistics = Statistics {
            kernel: "6.1.0".to_owned(),
            programs: vec![Verified {
                name: "director",
                instructions: 9410,
                machine_code: 40_429,
                effort: effort(),
            }],
        };
        let shown = statistics.to_string();
        let lines: Vec<&str> = shown.lines().collect();
        let cells = |line: &str| line.matches('|').count();
        assert_eq!(lines[0], "Linux 6.1.0:");
        assert_eq!(cells(lines[2]), cells(lines[4]));
        assert_eq!(
            lines[4],
            "| `director` | 124793 | 12.5 % | 7317 | 4937 | 256 | 2 of at most 240 | 9410 | 40429 | 6141.1 ms |"
        );
    }
}

//! What `ipvsadm` says of itself: its help, its version, and that a command line is wrong.

/// A command line that `ipvsadm` itself refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The exit status.
    pub status: i32,
    /// What it prints on standard error, with its line end.
    pub text: String,
    /// Whether the program ends there, with what it still had to do: the lines that follow in a restore.
    pub ends: bool,
}

impl Usage {
    /// Words that do not go together.
    pub(crate) fn wrong(text: impl Into<String>) -> Self {
        Self {
            status: 2,
            text: text.into() + "\n",
            ends: true,
        }
    }

    /// An option that popt cannot read.
    pub(crate) fn bad_option(word: &str, why: &str) -> Self {
        Self {
            status: 255,
            text: format!("{word}: {why}\n"),
            ends: false,
        }
    }

    /// A line that does not begin with a command.
    pub(crate) fn try_help(program: &str) -> Self {
        Self {
            status: 255,
            text: format!("Try `{program} -h' or '{program} --help' for more information.\n"),
            ends: true,
        }
    }
}

/// What `-v` prints.
pub(crate) const VERSION: &str = "ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\n";

/// What `-h` prints.
pub(crate) fn help(program: &str) -> String {
    VERSION.to_owned() + &include_str!("help.txt").replace("{program}", program)
}

//! What host and guest tell each other: lines of words.

use std::fmt;

/// A program of tests that the guest is to run. As a line: its name, its path, its arguments; none has spaces in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Suite {
    pub(super) name: String,
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
}

/// What the guest has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// A suite ended well.
    Passed { suite: String, seconds: u64 },
    /// A suite ended otherwise.
    Failed { suite: String, status: String },
    /// The guest itself could not go on.
    Broken { why: String },
}

impl Suite {
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace().map(str::to_owned);
        Some(Self {
            name: words.next()?,
            program: words.next()?,
            arguments: words.collect(),
        })
    }
}

impl Report {
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (kind, rest) = line.trim().split_once(' ')?;
        if kind == "broken" {
            return Some(Self::Broken {
                why: rest.to_owned(),
            });
        }
        let (suite, rest) = rest.split_once(' ')?;
        let (suite, rest) = (suite.to_owned(), rest.to_owned());
        match kind {
            "passed" => Some(Self::Passed {
                suite,
                seconds: rest.parse().ok()?,
            }),
            "failed" => Some(Self::Failed {
                suite,
                status: rest,
            }),
            _ => None,
        }
    }

    pub(super) fn is_of(&self, name: &str) -> bool {
        match self {
            Self::Passed { suite, .. } | Self::Failed { suite, .. } => suite == name,
            Self::Broken { .. } => false,
        }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.program)?;
        self.arguments
            .iter()
            .try_for_each(|argument| write!(f, " {argument}"))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed { suite, seconds } => write!(f, "passed {suite} {seconds}"),
            Self::Failed { suite, status } => write!(f, "failed {suite} {status}"),
            Self::Broken { why } => write!(f, "broken {}", why.replace('\n', " ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Report, Suite};

    #[test]
    fn what_is_written_is_what_is_read() {
        let suite = Suite {
            name: "forwarding".to_owned(),
            program: "/tests/forwarding".to_owned(),
            arguments: vec!["--skip".to_owned(), "one_test".to_owned()],
        };
        assert_eq!(Suite::parse(&suite.to_string()), Some(suite));
        let reports = [
            Report::Passed {
                suite: "pinned".to_owned(),
                seconds: 12,
            },
            Report::Failed {
                suite: "pinned".to_owned(),
                status: "exit status: 101".to_owned(),
            },
            Report::Broken {
                why: "failed to mount proc: no such device".to_owned(),
            },
        ];
        for report in reports {
            // A serial line ends its lines in two characters.
            assert_eq!(Report::parse(&format!("{report}\r\n")), Some(report));
        }
    }

    #[test]
    fn half_a_line_is_no_report() {
        for line in [
            "",
            "passed",
            "passed pinned",
            "passed pinned x",
            "what is this",
        ] {
            assert_eq!(Report::parse(line), None, "{line}");
        }
    }
}

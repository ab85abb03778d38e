//! What the guest is to do.
//!
//! ```text
//! run COMMAND          by the shell, line breaks written \n; its status and output are reported
//! start                the set-up is over, the clock starts
//! send client HEX      an Ethernet frame comes in from the clients' side (or `server`: the real servers')
//! reply N FLAGS        the real server answers what came out for packet N (from 0, sends and replies counted)
//! wait MS              milliseconds pass
//! ```

use std::{fmt, time::Duration};

use crate::{
    BadLine,
    line::{escape, from_hex, to_hex, unescape},
};

/// A side of the director, each with its interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The clients', interface `cli0`.
    Client,
    /// The real servers', interface `srv0`.
    Server,
}

impl Side {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Client, Self::Server];

    /// The name of its interface in the guest.
    #[must_use]
    pub fn interface(self) -> &'static str {
        match self {
            Self::Client => "cli0",
            Self::Server => "srv0",
        }
    }

    /// Its name in plans and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|side| side.name() == name)
    }
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// Run a shell command.
    Run(String),
    /// Start the clock.
    Start,
    /// Let a frame come in.
    Send {
        /// Where from.
        side: Side,
        /// The Ethernet frame.
        frame: Vec<u8>,
    },
    /// Let the real server answer what came out on its side for packet `to`: addresses and ports swapped, and, where
    /// it is TCP, the flags replaced.
    Reply {
        /// The number of that packet, from 0.
        to: usize,
        /// The TCP flags, as in the header's byte 13.
        flags: u8,
    },
    /// Let time pass.
    Wait(Duration),
}

/// What the guest does in one network namespace, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan(pub Vec<Instruction>);

impl Plan {
    /// Reads what [`Plan`]'s `Display` wrote.
    ///
    /// # Errors
    /// The first line that is no instruction.
    pub fn parse(text: &str) -> Result<Self, BadLine> {
        text.lines()
            .enumerate()
            .map(|(at, line)| {
                parse_line(line).ok_or_else(|| BadLine {
                    number: at + 1,
                    line: line.to_owned(),
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|instruction| writeln!(f, "{instruction}"))
    }
}

impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(command) => write!(f, "run {}", escape(command)),
            Self::Start => write!(f, "start"),
            Self::Send { side, frame } => write!(f, "send {} {}", side.name(), to_hex(frame)),
            Self::Reply { to, flags } => write!(f, "reply {to} {flags:02x}"),
            Self::Wait(time) => write!(f, "wait {}", time.as_millis()),
        }
    }
}

fn parse_line(line: &str) -> Option<Instruction> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    Some(match verb {
        "run" => Instruction::Run(unescape(rest)),
        "start" => Instruction::Start,
        "send" => {
            let (side, frame) = rest.split_once(' ')?;
            Instruction::Send {
                side: Side::parse(side)?,
                frame: from_hex(frame)?,
            }
        }
        "reply" => {
            let (to, flags) = rest.split_once(' ')?;
            Instruction::Reply {
                to: to.parse().ok()?,
                flags: u8::from_str_radix(flags, 16).ok()?,
            }
        }
        "wait" => Instruction::Wait(Duration::from_millis(rest.parse().ok()?)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Instruction, Plan, Side};

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        let plan = Plan(vec![
            Instruction::Run("echo one\necho two".to_owned()),
            Instruction::Start,
            Instruction::Send {
                side: Side::Client,
                frame: vec![0, 1, 0xfe],
            },
            Instruction::Reply { to: 0, flags: 0x12 },
            Instruction::Wait(Duration::from_millis(50)),
        ]);
        assert_eq!(Plan::parse(&plan.to_string()), Ok(plan));
    }

    #[test]
    fn a_line_that_is_no_instruction_is_named() {
        let bad = Plan::parse("start\nsend nowhere 00\n").expect_err("there is no such side");
        assert_eq!((bad.number, bad.line.as_str()), (2, "send nowhere 00"));
    }
}

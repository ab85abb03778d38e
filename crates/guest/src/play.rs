//! Playing one plan: a network namespace of its own, a tap on either side, the instructions in order.

mod answer;

use std::{
    fs::{self, File},
    io::Write,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use dray_guest::{Event, Frame, Instruction, Plan, Side};
use nix::sched::{CloneFlags, unshare};
use rustix::event::{PollFd, PollFlags, poll};

use crate::tap::Tap;

/// How long nothing must come out before we say that nothing does. The kernel forwards a packet before the call that
/// lets it in returns, so this is only for what it does by a thread of its own.
const QUIET: Duration = Duration::from_millis(4);

/// How long a command waits before it starts: longer than one tick of the kernel's clock (10 ms), with which it ends what is
/// to end "now". A person who types a command sees the end of what packets began.
const BEFORE_A_COMMAND: Duration = Duration::from_millis(20);

/// Plays the plan in the file `plan` and writes its report to the file `report`.
pub(crate) fn play(plan: &Path, report: &Path) -> Result<()> {
    let text = fs::read_to_string(plan).context("failed to read the plan")?;
    let plan = Plan::parse(&text)?;
    unshare(CloneFlags::CLONE_NEWNET).context("failed to make a network namespace")?;
    let mut player = Player {
        taps: [Tap::open(Side::Client)?, Tap::open(Side::Server)?],
        start: Instant::now(),
        forwarded: Vec::new(),
    };
    let mut report = File::create(report).context("failed to create the report")?;
    for instruction in &plan.0 {
        if let Some(event) = player.follow(instruction)? {
            writeln!(report, "{event}").context("failed to write the report")?;
        }
    }
    Ok(())
}

struct Player {
    taps: [Tap; 2],
    start: Instant,
    /// What each packet made come out on the real servers' side, for replies.
    forwarded: Vec<Option<Vec<u8>>>,
}

impl Player {
    fn follow(&mut self, instruction: &Instruction) -> Result<Option<Event>> {
        match instruction {
            Instruction::Run(command) => self.run(command).map(Some),
            Instruction::Start => {
                self.start = Instant::now();
                Ok(None)
            }
            Instruction::Send { side, frame } => self.send(*side, frame.clone()).map(Some),
            Instruction::Reply { to, flags } => {
                let asked = self
                    .forwarded
                    .get(*to)
                    .with_context(|| format!("there was no packet {to} to reply to"))?;
                let reply = asked
                    .as_ref()
                    .map(|asked| answer::to(asked, *flags))
                    .unwrap_or_default();
                self.send(Side::Server, reply).map(Some)
            }
            Instruction::Wait(time) => {
                thread::sleep(*time);
                Ok(Some(Event::Waited { at: self.now() }))
            }
        }
    }

    fn run(&self, command: &str) -> Result<Event> {
        thread::sleep(BEFORE_A_COMMAND);
        let output = Command::new("sh")
            .args(["-c", command])
            .output()
            .context("failed to start a shell")?;
        let status = output
            .status
            .code()
            .unwrap_or_else(|| 128 + output.status.signal().unwrap_or(0));
        Ok(Event::Ran {
            at: self.now(),
            status,
            output: String::from_utf8_lossy(&output.stdout).into_owned(),
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    fn send(&mut self, side: Side, frame: Vec<u8>) -> Result<Event> {
        let at = self.now();
        let late = self.drain(Duration::ZERO)?;
        let out = if frame.is_empty() {
            Vec::new()
        } else {
            self.taps[side as usize].send(&frame)?;
            self.drain(QUIET)?
        };
        let to_a_server = out
            .iter()
            .find(|frame| frame.side == Side::Server && !is_multicast(frame));
        self.forwarded
            .push(to_a_server.map(|frame| frame.bytes.clone()));
        Ok(Event::Sent {
            at,
            frame,
            late,
            out,
        })
    }

    /// Every frame that comes out until `patience` passed without one.
    fn drain(&mut self, mut patience: Duration) -> Result<Vec<Frame>> {
        let mut frames = Vec::new();
        while self.readable_within(patience)? {
            for tap in &mut self.taps {
                while let Some(frame) = tap.receive()? {
                    // Neighbour discovery's chatter is not because of the packet. What is comes out at once, all of it.
                    if !is_multicast(&frame) {
                        patience = Duration::ZERO;
                    }
                    frames.push(frame);
                }
            }
        }
        Ok(frames)
    }

    fn readable_within(&self, patience: Duration) -> Result<bool> {
        let mut both = [
            PollFd::new(&self.taps[0], PollFlags::IN),
            PollFd::new(&self.taps[1], PollFlags::IN),
        ];
        let timeout = patience.try_into().context("a short wait")?;
        let ready = poll(&mut both, Some(&timeout)).context("failed to wait for a frame")?;
        Ok(ready > 0)
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

fn is_multicast(frame: &Frame) -> bool {
    frame.bytes.first().is_some_and(|first| first & 1 == 1)
}

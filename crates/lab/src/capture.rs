//! Capturing the frames on an interface, for tests and for the proof of direct return.
//!
//! A thread in the namespace reads a packet socket (packet(7)) until the capture is stopped. What an XDP
//! program takes or sends never reaches a packet socket of that very interface. So a director is watched from
//! the switch's end of its cable: there, what goes to the director is [`Direction::Out`], and what comes from it
//! is [`Direction::In`].

mod frame;
mod socket;

use std::{
    os::fd::OwnedFd,
    sync::Arc,
    thread::{self, JoinHandle},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};

pub use self::frame::{Direction, Flow, Frame};
use self::socket::PacketSocket;
use crate::namespace::Namespace;

/// A running capture.
pub struct Capture {
    interface: String,
    stop: OwnedFd,
    frames: JoinHandle<Result<Vec<Frame>>>,
}

impl Capture {
    /// Starts capturing whole frames on an interface. When this returns, no later frame is missed.
    ///
    /// # Errors
    /// If there is no such interface.
    pub fn start(namespace: &Arc<Namespace>, interface: &str) -> Result<Self> {
        Self::start_headers(namespace, interface, usize::from(u16::MAX))
    }

    /// Starts capturing the first bytes of each frame; for traffic in bulk.
    ///
    /// # Errors
    /// If there is no such interface.
    pub fn start_headers(
        namespace: &Arc<Namespace>,
        interface: &str,
        bytes: usize,
    ) -> Result<Self> {
        let socket = namespace
            .run(|| Ok(PacketSocket::open(interface)?))
            .with_context(|| format!("failed to capture on {interface} of {}", namespace.name()))?;
        let stop = eventfd(0, EventfdFlags::CLOEXEC)?;
        let stopped = stop.try_clone()?;
        let frames = thread::Builder::new()
            .name(format!("lab-capture-{interface}"))
            .spawn(move || collect(&socket, &stopped, bytes))?;
        Ok(Self {
            interface: interface.to_owned(),
            stop,
            frames,
        })
    }

    /// Ends the capture and gives its frames in the order the kernel put them down, which
    /// between processors may differ a little from the order of their times.
    ///
    /// # Errors
    /// If frames were lost because they came faster than they were read: nothing follows from such a capture.
    pub fn stop(self) -> Result<Vec<Frame>> {
        rustix::io::write(&self.stop, &1_u64.to_ne_bytes())?;
        self.frames
            .join()
            .map_err(|_| anyhow!("the capture panicked"))?
            .with_context(|| format!("the capture on {} failed", self.interface))
    }
}

fn collect(socket: &PacketSocket, stop: &OwnedFd, bytes: usize) -> Result<Vec<Frame>> {
    let mut buffer = vec![0; bytes];
    let mut frames = Vec::new();
    let mut stopped = false;
    while !stopped {
        let mut waited_for = [
            PollFd::new(socket, PollFlags::IN),
            PollFd::new(stop, PollFlags::IN),
        ];
        poll(&mut waited_for, None)?;
        // Looked at before the socket is emptied: what came before the stop is in.
        stopped = waited_for[1].revents().contains(PollFlags::IN);
        while let Some(frame) = socket.receive(&mut buffer)? {
            frames.push(frame);
        }
    }
    let lost = socket.lost()?;
    ensure!(
        lost == 0,
        "{lost} frames came faster than they could be read"
    );
    Ok(frames)
}

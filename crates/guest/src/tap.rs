//! The wire of one side: a tap interface, whose other end is held here.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Read, Write},
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd},
        unix::fs::OpenOptionsExt,
    },
};

use anyhow::{Context, Result, bail};
use dray_guest::{Frame, Side};

/// The longest frame that comes out of a tap.
const LONGEST: usize = 65536;

#[derive(Debug)]
pub(crate) struct Tap {
    side: Side,
    device: File,
}

impl Tap {
    /// Makes the interface of `side` in our network namespace. It is gone when the tap is dropped.
    #[expect(unsafe_code, reason = "this ioctl has no safe interface")]
    pub(crate) fn open(side: Side) -> Result<Self> {
        let device = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open("/dev/net/tun")
            .context("failed to open /dev/net/tun")?;
        let mut name = [0; libc::IFNAMSIZ];
        for (to, from) in name.iter_mut().zip(side.interface().bytes()) {
            *to = from.cast_signed();
        }
        let request = libc::ifreq {
            ifr_name: name,
            ifr_ifru: libc::__c_anonymous_ifr_ifru {
                ifru_flags: (libc::IFF_TAP | libc::IFF_NO_PI) as libc::c_short,
            },
        };
        // SAFETY: TUNSETIFF reads and writes one ifreq, which lives over the call; its name ends with a zero, because
        // the interfaces' names are shorter than IFNAMSIZ.
        let made = unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF, &raw const request) };
        if made < 0 {
            return Err(std::io::Error::last_os_error())
                .with_context(|| format!("failed to make {}", side.interface()));
        }
        Ok(Self { side, device })
    }

    /// Lets `frame` come in.
    pub(crate) fn send(&mut self, frame: &[u8]) -> Result<()> {
        let sent = self
            .device
            .write(frame)
            .with_context(|| format!("failed to send into {}", self.side.interface()))?;
        if sent != frame.len() {
            bail!("{} took {sent} bytes of a frame", self.side.interface());
        }
        Ok(())
    }

    /// The next frame that came out, if there is one.
    pub(crate) fn receive(&mut self) -> Result<Option<Frame>> {
        let mut bytes = vec![0; LONGEST];
        match self.device.read(&mut bytes) {
            Ok(length) => {
                bytes.truncate(length);
                Ok(Some(Frame {
                    side: self.side,
                    bytes,
                }))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => {
                Err(error).with_context(|| format!("failed to read {}", self.side.interface()))
            }
        }
    }
}

impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }
}

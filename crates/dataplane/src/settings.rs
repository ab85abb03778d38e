//! What holds for the director as a whole: the same words in the entry of every port, because packets look at one
//! entry only.

use std::{mem::offset_of, sync::atomic::Ordering};

use dray_abi::{Port, Settings};
use zerocopy::IntoBytes as _;

use crate::maps::Maps;

/// Options that follow the services present; all others follow the policy.
pub(crate) const OF_SERVICES: u32 = Settings::ANY_PORT_SERVICES | Settings::FTP_SERVICES;

impl Maps {
    /// The settings, as packets that come in by the first port see them.
    pub(crate) fn settings(&self) -> Settings {
        self.ports.read(0).unwrap_or_default().settings
    }

    /// Writes the settings that a policy makes: timeouts, state tables and rates, each in its place.
    pub(crate) fn store_policy(&self, policy: &Settings) {
        self.store_words(offset_of!(Settings, timeouts), policy.timeouts.as_bytes());
        self.store_words(offset_of!(Settings, tcp), policy.tcp.as_bytes());
        self.store_half(offset_of!(Settings, drop_rate), policy.drop_rate);
        self.store_half(offset_of!(Settings, answers), policy.answers);
        self.store_options(!OF_SERVICES, policy.options);
    }

    /// Sets the options under `mask` to those of `options`.
    pub(crate) fn store_options(&self, mask: u32, options: u32) {
        let others = self.settings().options & !mask;
        self.store_half(offset_of!(Settings, options), others | options & mask);
    }

    /// Makes these rules the ones that packets look at: so many, from the one with that index on.
    pub(crate) fn store_rules(&self, first: u16, count: u16) {
        let rules = u32::from(first) << 16 | u32::from(count);
        self.store_half(offset_of!(Settings, rules), rules);
    }

    /// Makes so many local addresses of IPv4 and of IPv6 the ones that packets draw from.
    pub(crate) fn store_locals(&self, ipv4: u16, ipv6: u16) {
        let locals = u32::from(ipv6) << 16 | u32::from(ipv4);
        self.store_half(offset_of!(Settings, locals), locals);
    }

    /// Makes so many local ports, from the first one on, the ones that packets draw from.
    pub(crate) fn store_local_ports(&self, first: u16, count: u16) {
        let ports = u32::from(count) << 16 | u32::from(first);
        self.store_half(offset_of!(Settings, local_ports), ports);
    }

    /// Sets the clock of a private instance, in ticks.
    pub(crate) fn store_clock(&self, ticks: u32) {
        self.store_half(offset_of!(Settings, clock), ticks);
    }

    fn store_half(&self, offset: usize, value: u32) {
        for port in 0..self.ports.len() {
            let half = self.ports.half(port, offset_of!(Port, settings) + offset);
            if let Some(half) = half {
                // What the numbers of rules and of local addresses lead to was written before.
                half.store(value, Ordering::Release);
            }
        }
    }

    fn store_words(&self, offset: usize, bytes: &[u8]) {
        for port in 0..self.ports.len() {
            let offsets = (offset_of!(Port, settings) + offset..).step_by(size_of::<u64>());
            for (bytes, offset) in bytes.as_chunks().0.iter().zip(offsets) {
                if let Some(word) = self.ports.word(port, offset) {
                    word.store(u64::from_ne_bytes(*bytes), Ordering::Relaxed);
                }
            }
        }
    }
}

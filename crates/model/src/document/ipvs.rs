//! `director.ipvs`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Defence, IpvsOptions, config::spelling};

/// IPVS's settings, and what dray has beside them. A defence is `off`, `auto` or `on`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = IpvsDocument)]
pub struct Ipvs {
    /// `ipvs` for IPVS's own defaults in place of dray's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "ipvs")]
    pub compat: Option<String>,
    /// Whose rules hold where kernels differ: `6.1.176` or `6.1.192`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "6.1.176")]
    pub kernel: Option<String>,
    /// `conn_reuse_mode`, 0 to 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conn_reuse_mode: Option<u8>,
    /// Whether connections of a removed real server end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_nodest_conn: Option<bool>,
    /// What becomes of packets of a removed real server's connections: `finish` or `drop`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "drop")]
    pub removed: Option<String>,
    /// What a client is told that finds no real server: `icmp`, `reset` or `drop`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "reset")]
    pub no_destination: Option<String>,
    /// Whether a template of a real server with weight 0 does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_quiescent_template: Option<bool>,
    /// Whether a template keeps its timeout when its time was over while it had connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_template_timeout: Option<bool>,
    /// Whether any TCP segment but a RST may open a connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sloppy_tcp: Option<bool>,
    /// Whether any SCTP packet but an ABORT may open a connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sloppy_sctp: Option<bool>,
    /// Whether a TCP segment without SYN, FIN, RST and ACK closes its connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub null_segments_close: Option<bool>,
    /// Whether ICMP errors about unknown connections are scheduled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_icmp: Option<bool>,
    /// Most ICMP errors and resets that the director makes a second, on each processor; 0 for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers_per_second: Option<u32>,
    /// The defence `drop_entry`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "auto")]
    pub drop_entry: Option<String>,
    /// The defence `drop_packet`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "auto")]
    pub drop_packet: Option<String>,
    /// Of the packets that would be scheduled, each so-manieth is dropped while `drop_packet` is on; from 1 on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub am_droprate: Option<u32>,
    /// The defence `secure_tcp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "auto")]
    pub secure_tcp: Option<String>,
    /// From which occupancy of the connection table on, in percent, automatic defences are on (1 to 100).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defence_threshold: Option<u8>,
}

impl Ipvs {
    /// The options in the fewest keys; none for dray's defaults.
    pub(super) fn of(options: &IpvsOptions) -> Option<Self> {
        let plain = Self::beside(options, &IpvsOptions::default());
        let compatible = Self {
            compat: Some("ipvs".to_owned()),
            ..Self::beside(options, &IpvsOptions::IPVS)
        };
        let fewest = if compatible.count() < plain.count() {
            compatible
        } else {
            plain
        };
        (fewest != Self::default()).then_some(fewest)
    }

    /// What of the options is not as in `base`.
    fn beside(options: &IpvsOptions, base: &IpvsOptions) -> Self {
        fn unlike<T: PartialEq>(value: T, base: T) -> Option<T> {
            (value != base).then_some(value)
        }
        let defence = |defence: Defence, base| {
            unlike(defence, base).map(|defence| spelling::defence(defence).to_owned())
        };
        let answers = |options: &IpvsOptions| options.answers_per_second.map_or(0, u32::from);
        Self {
            compat: None,
            kernel: unlike(options.rules, base.rules)
                .map(|rules| spelling::kernel(rules).to_owned()),
            conn_reuse_mode: unlike(options.conn_reuse_mode, base.conn_reuse_mode),
            expire_nodest_conn: unlike(options.expire_nodest_conn, base.expire_nodest_conn),
            removed: unlike(options.removed, base.removed)
                .map(|removed| spelling::removed(removed).to_owned()),
            no_destination: unlike(options.no_destination, base.no_destination)
                .map(|answer| spelling::no_destination(answer).to_owned()),
            expire_quiescent_template: unlike(
                options.expire_quiescent_template,
                base.expire_quiescent_template,
            ),
            keep_template_timeout: unlike(
                options.keep_template_timeout,
                base.keep_template_timeout,
            ),
            sloppy_tcp: unlike(options.sloppy_tcp, base.sloppy_tcp),
            sloppy_sctp: unlike(options.sloppy_sctp, base.sloppy_sctp),
            null_segments_close: unlike(options.null_segments_close, base.null_segments_close),
            schedule_icmp: unlike(options.schedule_icmp, base.schedule_icmp),
            answers_per_second: unlike(answers(options), answers(base)),
            drop_entry: defence(options.drop_entry, base.drop_entry),
            drop_packet: defence(options.drop_packet, base.drop_packet),
            am_droprate: unlike(options.am_droprate.get(), base.am_droprate.get()),
            secure_tcp: defence(options.secure_tcp, base.secure_tcp),
            defence_threshold: unlike(options.defence_threshold, base.defence_threshold),
        }
    }

    /// How many keys are there.
    fn count(&self) -> usize {
        let Self {
            compat,
            kernel,
            conn_reuse_mode,
            expire_nodest_conn,
            removed,
            no_destination,
            expire_quiescent_template,
            keep_template_timeout,
            sloppy_tcp,
            sloppy_sctp,
            null_segments_close,
            schedule_icmp,
            answers_per_second,
            drop_entry,
            drop_packet,
            am_droprate,
            secure_tcp,
            defence_threshold,
        } = self;
        [
            compat.is_some(),
            kernel.is_some(),
            conn_reuse_mode.is_some(),
            expire_nodest_conn.is_some(),
            removed.is_some(),
            no_destination.is_some(),
            expire_quiescent_template.is_some(),
            keep_template_timeout.is_some(),
            sloppy_tcp.is_some(),
            sloppy_sctp.is_some(),
            null_segments_close.is_some(),
            schedule_icmp.is_some(),
            answers_per_second.is_some(),
            drop_entry.is_some(),
            drop_packet.is_some(),
            am_droprate.is_some(),
            secure_tcp.is_some(),
            defence_threshold.is_some(),
        ]
        .into_iter()
        .filter(|is_there| *is_there)
        .count()
    }
}

//! `[director.ipvs]`.

use std::num::NonZeroU32;

use crate::{Defence, IpvsOptions, KernelRules, NoDestination, Removed};

use super::{
    fault::{Fault, Faults, quote},
    keys::{self, Key, ipvs},
    table::Entries,
    value::Value,
};

/// The words of a defence.
pub(super) const DEFENCES: [(&str, Defence); 3] = [
    ("off", Defence::Off),
    ("auto", Defence::Automatic),
    ("on", Defence::On),
];

/// The kernels whose rules dray has.
pub(super) const KERNELS: [(&str, KernelRules); 2] = [
    ("6.1.176", KernelRules::V6_1_176),
    ("6.1.192", KernelRules::V6_1_192),
];

/// The words of `removed`.
pub(super) const REMOVED: [(&str, Removed); 2] =
    [("finish", Removed::Finish), ("drop", Removed::Drop)];

/// The words of `no_destination`.
pub(super) const NO_DESTINATION: [(&str, NoDestination); 3] = [
    ("icmp", NoDestination::Icmp),
    ("reset", NoDestination::Reset),
    ("drop", NoDestination::Drop),
];

/// Reads the director's `[director.ipvs]`; `None` only with a fault.
pub(super) fn read(director: &Entries<'_, '_>, faults: &mut Faults<'_>) -> Option<IpvsOptions> {
    let Some(value) = director.value(&keys::director::IPVS, faults) else {
        return Some(IpvsOptions::default());
    };
    let entries = Entries::open(&keys::IPVS, value.span(), value.table(faults)?, faults);
    let mut settings = Settings {
        entries: &entries,
        faults,
        is_whole: true,
    };
    // What the table begins with; its other keys then say otherwise.
    let mut options = IpvsOptions::default();
    settings.set(&ipvs::COMPAT, &mut options, |value, faults| {
        value.choice(&[("ipvs", IpvsOptions::IPVS)], faults)
    });
    settings.all(&mut options);
    settings.is_whole.then_some(options)
}

/// The table, key by key.
struct Settings<'e, 't, 'i, 'f, 'r> {
    entries: &'e Entries<'t, 'i>,
    faults: &'f mut Faults<'r>,
    /// Whether no value had a fault yet.
    is_whole: bool,
}

impl<'t, 'i, 'r> Settings<'_, 't, 'i, '_, 'r> {
    fn all(&mut self, options: &mut IpvsOptions) {
        self.set(&ipvs::KERNEL, &mut options.rules, kernel);
        self.set(
            &ipvs::CONN_REUSE_MODE,
            &mut options.conn_reuse_mode,
            |value, faults| {
                let mode = value.integer(0..=3, "", faults)?;
                u8::try_from(mode).ok()
            },
        );
        self.switch(&ipvs::EXPIRE_NODEST_CONN, &mut options.expire_nodest_conn);
        self.set(&ipvs::REMOVED, &mut options.removed, |value, faults| {
            value.choice(&REMOVED, faults)
        });
        self.set(
            &ipvs::NO_DESTINATION,
            &mut options.no_destination,
            |value, faults| value.choice(&NO_DESTINATION, faults),
        );
        self.switch(
            &ipvs::EXPIRE_QUIESCENT_TEMPLATE,
            &mut options.expire_quiescent_template,
        );
        self.switch(
            &ipvs::KEEP_TEMPLATE_TIMEOUT,
            &mut options.keep_template_timeout,
        );
        self.switch(&ipvs::SLOPPY_TCP, &mut options.sloppy_tcp);
        self.switch(&ipvs::SLOPPY_SCTP, &mut options.sloppy_sctp);
        self.switch(&ipvs::NULL_SEGMENTS_CLOSE, &mut options.null_segments_close);
        self.switch(&ipvs::SCHEDULE_ICMP, &mut options.schedule_icmp);
        self.set(
            &ipvs::ANSWERS_PER_SECOND,
            &mut options.answers_per_second,
            |value, faults| {
                let answers = value.integer(0..=u32::MAX, "; 0 for no limit", faults)?;
                Some(NonZeroU32::new(answers))
            },
        );
        self.defence(&ipvs::DROP_ENTRY, &mut options.drop_entry);
        self.defence(&ipvs::DROP_PACKET, &mut options.drop_packet);
        self.set(
            &ipvs::AM_DROPRATE,
            &mut options.am_droprate,
            |value, faults| NonZeroU32::new(value.integer(1..=u32::MAX, "", faults)?),
        );
        self.defence(&ipvs::SECURE_TCP, &mut options.secure_tcp);
        self.set(
            &ipvs::DEFENCE_THRESHOLD,
            &mut options.defence_threshold,
            |value, faults| {
                let percent = value.integer(1..=100, " percent", faults)?;
                u8::try_from(percent).ok()
            },
        );
    }

    fn switch(&mut self, key: &'static Key, place: &mut bool) {
        self.set(key, place, |value, faults| value.boolean(faults));
    }

    fn defence(&mut self, key: &'static Key, place: &mut Defence) {
        self.set(key, place, |value, faults| {
            if !value.is_integer() {
                return value.choice(&DEFENCES, faults);
            }
            Some(match value.integer(0..=3, "", faults)? {
                0 => Defence::Off,
                1 | 2 => Defence::Automatic,
                _ => Defence::On,
            })
        });
    }

    /// Reads a key, if it is there, into its place.
    fn set<T>(
        &mut self,
        key: &'static Key,
        place: &mut T,
        read: impl FnOnce(&Value<'t, 'i>, &mut Faults<'r>) -> Option<T>,
    ) {
        if let Some(value) = self.entries.value(key, self.faults) {
            match read(&value, self.faults) {
                Some(setting) => *place = setting,
                None => self.is_whole = false,
            }
        }
    }
}

fn kernel(value: &Value<'_, '_>, faults: &mut Faults<'_>) -> Option<KernelRules> {
    let text = value.string(faults)?;
    let found = KERNELS.iter().find(|(version, _)| *version == text);
    if found.is_none() {
        let cause = format!("dray has no rules of kernel {}", quote(text));
        let cure =
            "write `6.1.176` for the rules of kernels before 6.1.192, or `6.1.192` for those since";
        faults.push(Fault::new(value.span(), cause, "not one of two", cure));
    }
    found.map(|(_, rules)| *rules)
}

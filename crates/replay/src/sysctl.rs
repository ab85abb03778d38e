//! IPVS's settings under `net.ipv4.vs`, as scenarios write them.

use std::num::NonZeroU32;

use dray_model::{Defence, Policy};

/// A setting cannot be made here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SysctlError {
    /// dray has no such setting.
    #[error(
        "dray has no setting `{0}`; those of IPVS that it has are in docs/reference/configuration.md, under [director.ipvs]"
    )]
    Unknown(String),
    /// The value is none that it can have.
    #[error("`{name}` cannot be `{value}` here: {range}")]
    Value {
        /// The setting.
        name: String,
        /// The value.
        value: String,
        /// What it can be.
        range: &'static str,
    },
}

/// Makes a setting. The name is that of the kernel, with dots or slashes.
///
/// # Errors
/// When there is no such setting, or it cannot have that value.
pub fn set(policy: &mut Policy, name: &str, value: &str) -> Result<(), SysctlError> {
    let dotted = name.replace('/', ".");
    let unknown = || SysctlError::Unknown(name.to_owned());
    let short = dotted.strip_prefix("net.ipv4.vs.").ok_or_else(unknown)?;
    let wrong = |range| SysctlError::Value {
        name: name.to_owned(),
        value: value.to_owned(),
        range,
    };
    let number: i64 = value.trim().parse().map_err(|_| wrong("a number"))?;
    let on = number != 0;
    let defence = match number {
        0 => Ok(Defence::Off),
        1 | 2 => Ok(Defence::Automatic),
        3 => Ok(Defence::On),
        _ => Err(wrong("0 to 3")),
    };
    let ipvs = &mut policy.ipvs;
    let defences = (ipvs.drop_entry, ipvs.drop_packet, ipvs.secure_tcp);
    match short {
        "conn_reuse_mode" => {
            ipvs.conn_reuse_mode = u8::try_from(number)
                .ok()
                .filter(|mode| *mode <= 3)
                .ok_or(wrong("0 to 3"))?;
        }
        "expire_nodest_conn" => ipvs.expire_nodest_conn = on,
        "expire_quiescent_template" => ipvs.expire_quiescent_template = on,
        "sloppy_tcp" => ipvs.sloppy_tcp = on,
        "sloppy_sctp" => ipvs.sloppy_sctp = on,
        "schedule_icmp" => ipvs.schedule_icmp = on,
        "drop_entry" => ipvs.drop_entry = defence?,
        "drop_packet" => ipvs.drop_packet = defence?,
        "secure_tcp" => ipvs.secure_tcp = defence?,
        "am_droprate" => {
            let rate = u32::try_from(number).ok().and_then(NonZeroU32::new);
            ipvs.am_droprate = rate.ok_or(wrong("1 or more"))?;
        }
        // Of no effect where nothing tracks connections, there is no synchronisation, memory is free, and replies have one way.
        "amemthresh"
        | "conntrack"
        | "debug_level"
        | "ignore_tunneled"
        | "snat_reroute"
        | "sync_persist_mode"
        | "sync_ports"
        | "sync_qlen_max"
        | "sync_refresh_period"
        | "sync_retries"
        | "sync_sock_size"
        | "sync_version"
        | "backup_only" => {}
        "cache_bypass" | "nat_icmp_send" if !on => {}
        "pmtu_disc" if on => {}
        "run_estimation" if on => {}
        "lblc_expiration" | "lblcr_expiration" if number == 86400 => {}
        "cache_bypass" => return Err(wrong("0, because dray has no bypass")),
        "nat_icmp_send" => {
            return Err(wrong(
                "0, because dray leaves packets of NAT's real servers without a connection to the host",
            ));
        }
        "pmtu_disc" => return Err(wrong("1, because dray does not fragment")),
        "run_estimation" => return Err(wrong("1, because dray always counts")),
        "lblc_expiration" | "lblcr_expiration" => {
            return Err(wrong("86400, which is fixed in dray"));
        }
        _ => return Err(unknown()),
    }
    if defences != (ipvs.drop_entry, ipvs.drop_packet, ipvs.secure_tcp) {
        defend(policy);
    }
    Ok(())
}

/// Puts the defences to work as they are set. The kernel does so when one of them changes, and once a second; a new rate of
/// `drop_packet` holds from then on. The machine of the recordings has free memory: defences that wait for its lack are off.
pub fn defend(policy: &mut Policy) {
    let ipvs = &policy.ipvs;
    policy.drop_rate = (ipvs.drop_packet == Defence::On).then_some(ipvs.am_droprate);
    policy.secure_tcp = ipvs.secure_tcp == Defence::On;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_defence_is_on_at_3_only() {
        let mut policy = Policy::default();
        set(&mut policy, "net.ipv4.vs.drop_packet", "1").expect("a setting");
        assert_eq!(policy.drop_rate, None);
        set(&mut policy, "net.ipv4.vs.drop_packet", "3").expect("a setting");
        assert_eq!(policy.drop_rate, NonZeroU32::new(10));
        set(&mut policy, "net/ipv4/vs/am_droprate", "4").expect("a setting");
        assert_eq!(
            policy.drop_rate,
            NonZeroU32::new(10),
            "the next second has not come"
        );
        defend(&mut policy);
        assert_eq!(policy.drop_rate, NonZeroU32::new(4));
    }

    #[test]
    fn what_dray_does_not_have_is_refused() {
        let mut policy = Policy::default();
        assert!(set(&mut policy, "net.ipv4.ip_forward", "1").is_err());
        assert!(set(&mut policy, "net.ipv4.vs.nosuch", "1").is_err());
        assert!(set(&mut policy, "net.ipv4.vs.cache_bypass", "1").is_err());
        assert!(set(&mut policy, "net.ipv4.vs.nat_icmp_send", "1").is_err());
        assert!(set(&mut policy, "net.ipv4.vs.pmtu_disc", "0").is_err());
        assert!(set(&mut policy, "net.ipv4.vs.conn_reuse_mode", "4").is_err());
    }
}

//! The synchronisation daemons: `ipvsadm -L --daemon`.

use crate::{Role, snapshot::Daemon};

/// A line for each daemon.
pub fn daemons(daemons: &[Daemon]) -> String {
    daemons.iter().map(line).collect()
}

fn line(daemon: &Daemon) -> String {
    let role = match daemon.role {
        Role::Master => "master",
        Role::Backup => "backup",
    };
    let Daemon {
        interface,
        syncid,
        longest,
        group,
        port,
        ttl,
        ..
    } = daemon;
    format!(
        "{role} sync daemon (mcast={interface}, syncid={syncid}, maxlen={longest}, group={group}, port={port}, ttl={ttl})\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_says_all_of_its_settings() {
        let daemon = Daemon {
            role: Role::Master,
            interface: "eth0".to_owned(),
            syncid: 1,
            longest: 1472,
            group: [224, 0, 0, 81].into(),
            port: 8848,
            ttl: 1,
        };
        assert_eq!(
            daemons(&[daemon]),
            "master sync daemon (mcast=eth0, syncid=1, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)\n"
        );
    }
}

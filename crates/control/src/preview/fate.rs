//! What becomes of the connections and templates of real servers that are gone or other.

use dray_model::{Forward, IpvsOptions, Live, RealServer, Removed};

use super::{Affected, Fate};

/// Of a real server that is gone.
pub(super) const fn removed(live: Live, options: &IpvsOptions) -> Affected {
    let (connections_fate, templates_fate) = match (options.expire_nodest_conn, options.removed) {
        (true, _) => (Fate::Ended, Fate::Ended),
        (false, Removed::Finish) => (Fate::Finish, Fate::Void),
        (false, Removed::Drop) => (Fate::Dropped, Fate::Void),
    };
    affected(live, connections_fate, templates_fate)
}

/// Of a real server that is other than it was.
pub(super) const fn changed(
    live: Live,
    before: &RealServer,
    after: &RealServer,
    options: &IpvsOptions,
) -> Affected {
    let is_quiesced = after.weight.value() == 0;
    let connections_fate = if needs_translation(before.forward, after.forward) {
        Fate::EndedByMethod
    } else if is_quiesced {
        Fate::Finish
    } else {
        Fate::Kept
    };
    let templates_fate = if is_quiesced && options.expire_quiescent_template {
        Fate::Void
    } else {
        Fate::Kept
    };
    affected(live, connections_fate, templates_fate)
}

/// Of a real server that comes back while something of it is left.
pub(super) const fn back(live: Live) -> Affected {
    affected(live, Fate::Kept, Fate::Kept)
}

/// Whether connections that keep their addresses cannot go on.
const fn needs_translation(before: Forward, after: Forward) -> bool {
    before.keeps_addresses() && !after.keeps_addresses()
}

const fn affected(live: Live, connections_fate: Fate, templates_fate: Fate) -> Affected {
    Affected {
        active: live.active,
        inactive: live.inactive,
        templates: live.persistent,
        connections_fate,
        templates_fate,
    }
}

#[cfg(test)]
mod tests {
    use dray_model::Weight;

    use super::*;
    use crate::plan::tests::world;

    const LIVE: Live = Live {
        active: 3,
        inactive: 2,
        persistent: 1,
        overloaded: false,
    };

    fn fates(affected: Affected) -> (Fate, Fate) {
        let Affected {
            active,
            inactive,
            templates,
            connections_fate,
            templates_fate,
        } = affected;
        assert_eq!((active, inactive, templates), (3, 2, 1));
        (connections_fate, templates_fate)
    }

    #[test]
    fn the_settings_say_what_becomes_of_a_removed_real_servers_connections() {
        for (expire_nodest_conn, policy, wanted) in [
            (false, Removed::Finish, (Fate::Finish, Fate::Void)),
            (false, Removed::Drop, (Fate::Dropped, Fate::Void)),
            (true, Removed::Finish, (Fate::Ended, Fate::Ended)),
            (true, Removed::Drop, (Fate::Ended, Fate::Ended)),
        ] {
            let options = IpvsOptions {
                expire_nodest_conn,
                removed: policy,
                ..IpvsOptions::default()
            };
            assert_eq!(fates(removed(LIVE, &options)), wanted);
        }
    }

    #[test]
    fn a_changed_real_server_keeps_what_its_new_method_can_serve() {
        let options = IpvsOptions::default();
        let service = world::service(0, dray_model::Scheduler::RoundRobin, &[(1, 1)]);
        let real = |forward, weight| RealServer {
            forward,
            weight: Weight::new(weight),
            ..service.reals[0]
        };
        let direct = real(Forward::DirectRouting, 1);
        for (name, after, wanted) in [
            (
                "weight",
                real(Forward::DirectRouting, 5),
                (Fate::Kept, Fate::Kept),
            ),
            (
                "quiesced",
                real(Forward::DirectRouting, 0),
                (Fate::Finish, Fate::Void),
            ),
            (
                "to NAT",
                real(Forward::Nat, 1),
                (Fate::EndedByMethod, Fate::Kept),
            ),
        ] {
            let affected = changed(LIVE, &direct, &after, &options);
            assert_eq!(fates(affected), wanted, "{name}");
        }
        let from_nat = changed(LIVE, &real(Forward::Nat, 1), &direct, &options);
        assert_eq!(fates(from_nat), (Fate::Kept, Fate::Kept));
        let like_ipvs = IpvsOptions::IPVS;
        let quiesced = real(Forward::DirectRouting, 0);
        let affected = changed(LIVE, &direct, &quiesced, &like_ipvs);
        assert_eq!(fates(affected), (Fate::Finish, Fate::Kept));
    }
}

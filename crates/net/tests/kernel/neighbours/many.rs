//! Many changes, and many addresses.

use std::net::{IpAddr, Ipv4Addr};

use dray_model::{Mac, Resolution, Unresolved, Way};

use crate::network::{OTHER_MAC, PEER_MAC, Watched, Wire, ip, run, soon};

#[test]
fn changes_are_seen_as_they_happen_and_not_only_at_the_next_full_read() {
    run(async {
        let wire = Wire::new().await;
        wire.on_director.set_up("lo").await.expect("up");
        let mut director = Watched::new(&wire.director);
        let address = ip("10.0.0.9");
        director.follow([address]);
        // Full reads alone, one in ten seconds, would need ten minutes for these.
        let changes = async {
            for n in 0..20 {
                let mac = Mac([2, 0, 0, 0, 1, n]);
                wire.on_director
                    .add_neighbour("eth0", address, mac)
                    .await
                    .expect("add neighbour");
                director
                    .sees(address, &wire.resolved(address, mac).await)
                    .await;
                wire.on_director
                    .add_address("eth0", address, 32)
                    .await
                    .expect("add address");
                director
                    .sees(address, &Resolution::Unresolved(Unresolved::Local))
                    .await;
                wire.on_director
                    .remove_address("eth0", address, 32)
                    .await
                    .expect("remove address");
                director
                    .sees(address, &wire.resolved(address, mac).await)
                    .await;
            }
        };
        soon("sixty changes", changes).await;
    });
}

#[test]
fn ten_thousand_addresses_are_followed() {
    run(async {
        let wire = Wire::new().await;
        let addresses: Vec<IpAddr> = (0..10_000u32)
            .map(|n| Ipv4Addr::from_bits(u32::from(Ipv4Addr::new(10, 1, 0, 0)) + n).into())
            .collect();
        wire.on_director
            .add_route((ip("10.1.0.0"), 16), None, "eth0")
            .await
            .expect("add route");
        // Permanent entries, as the kernel's limit of others is the whole machine's (gc_thresh3).
        for address in &addresses {
            wire.on_director
                .add_neighbour("eth0", *address, PEER_MAC)
                .await
                .expect("add neighbour");
        }
        let mut director = Watched::new(&wire.director);
        let start = std::time::Instant::now();
        director.follow(addresses.iter().copied());
        let of_the_network = Resolution::Resolved(Way {
            shared: Some(16),
            ..wire.way(addresses[0], PEER_MAC).await
        });
        director
            .until(|now| now.len() == addresses.len(), "all addresses")
            .await;
        println!("10,000 addresses were first read in {:?}", start.elapsed());
        assert!(director.now().iter().all(|(_, now)| *now == of_the_network));

        let changed = addresses[4_321];
        let elsewhere = Resolution::Resolved(Way {
            shared: Some(16),
            ..wire.way(changed, OTHER_MAC).await
        });
        wire.on_director
            .add_neighbour("eth0", changed, OTHER_MAC)
            .await
            .expect("add neighbour");
        director.sees(changed, &elsewhere).await;
    });
}

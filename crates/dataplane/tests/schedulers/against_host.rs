//! Every scheduler in the kernel compared with the same code on the host, while destinations change, fill up and empty.

use std::{collections::BTreeMap, net::IpAddr, num::NonZeroU32, time::Duration};

use dray_model::{DataPlane as _, MarkRule};
use dray_sched::{Kind, Load, Standing, decode};
use dray_testkit::frames::TcpFlags;

use crate::common::{DROP, Director, TX, tcp, udp};
use crate::host::{Host, flow, stranger};
use crate::{FAMILIES, Family, MH, MH_FALLBACK, MH_PORT, RR, SH, SH_FALLBACK, SH_PORT, WLC, WRR};

const KINDS: [Kind; 18] = [
    RR,
    WRR,
    Kind::LeastConnection,
    WLC,
    Kind::ShortestExpectedDelay,
    Kind::NeverQueue,
    Kind::LocalityBased,
    Kind::LocalityBasedReplicated,
    Kind::DestinationHash,
    SH,
    SH_PORT,
    SH_FALLBACK,
    MH,
    MH_PORT,
    MH_FALLBACK,
    Kind::Failover,
    Kind::Overflow,
    Kind::SourceHash {
        fallback: true,
        port: true,
    },
];

const WEIGHTS: [u32; 6] = [7, 0, 3, 1, 40, 1];

#[test]
fn the_kernel_chooses_what_the_same_code_chooses_on_the_host() {
    let mut director = crate::director();
    for family in FAMILIES {
        for kind in KINDS {
            let mut pair = Pair::new(&mut director, family, kind);
            for step in 0..250 {
                pair.play(step);
            }
            director.private.data_plane().forget_connections();
        }
    }
}

/// A mark's service in the kernel, and its copy on the host.
struct Pair<'a> {
    director: &'a mut Director,
    family: Family,
    kind: Kind,
    index: usize,
    /// Every destination that it ever had.
    members: Vec<u32>,
    host: Host,
    /// The state of the test's own random numbers.
    random: u32,
}

impl<'a> Pair<'a> {
    fn new(director: &'a mut Director, family: Family, kind: Kind) -> Self {
        let index = director.services();
        let mark = index as u32 + 1;
        let name = match family {
            Family::V4 => format!("mark {mark}"),
            Family::V6 => format!("mark {mark} ipv6"),
        };
        let members = director.service(&name, kind, &WEIGHTS);
        give_marks(director, family, mark);
        let host = Host::of(director.record(index));
        Self {
            director,
            family,
            kind,
            index,
            members,
            host,
            random: mark,
        }
    }

    fn play(&mut self, step: u32) {
        match self.below(40) {
            0 => self.edit(|director, member, random| director.weigh(member, random % 9)),
            1 => self.edit(|director, member, random| {
                director.limit(member, random % 12, random % 5);
            }),
            2 => self.edit(|director, member, _| director.remove(member)),
            3 => self.restore(),
            4 => self.pass_time(),
            _ => self.connect(step),
        }
    }

    fn connect(&mut self, step: u32) {
        let client = stranger(self.family, step);
        let vip = self.vip();
        let service = std::net::SocketAddr::new(vip, 80);
        self.look_at_destinations();
        let flow = flow(client, vip, self.index as u32);
        let wanted = dray_sched::pick(&self.host, 0, &flow);
        let (client, service) = (client.to_string(), service.to_string());
        let frame = match step % 3 {
            0 => udp(&client, &service),
            _ => tcp(&client, &service, TcpFlags::SYN),
        };
        let (verdict, frame) = self.director.send(&frame);
        let got = match verdict {
            TX => Some(u32::from_be_bytes([0, frame[3], frame[4], frame[5]])),
            DROP => None,
            other => panic!("verdict {other}"),
        };
        assert_eq!(got, wanted, "{:?} {client} {service}", self.kind);
    }

    /// What packets and edits have made of the destinations.
    fn look_at_destinations(&mut self) {
        let list = decode(self.director.record(self.index))
            .expect("a record")
            .list;
        let weights: BTreeMap<u32, u32> = list
            .iter()
            .map(|entry| (entry.destination, entry.weight))
            .collect();
        for member in &self.members {
            let live = self.director.all_live(*member);
            let load = Load {
                active: live.active,
                inactive: live.inactive,
                overloaded: live.overloaded,
            };
            self.host.live.insert(*member, load);
            let weight = weights.get(member).copied();
            let last = self.host.standing.get(member).map_or(0, |last| last.weight);
            let standing = Standing {
                service: self.index as u32,
                weight: weight.unwrap_or(last),
                available: weight.is_some(),
            };
            self.host.standing.insert(*member, standing);
        }
    }

    /// Changes a destination of the list.
    fn edit(&mut self, change: impl FnOnce(&mut Director, u32, u32)) {
        self.look_at_destinations();
        let list = decode(self.director.record(self.index))
            .expect("a record")
            .list;
        if list.is_empty() {
            return;
        }
        let member = list[self.below(list.len() as u32) as usize].destination;
        let random = self.below(1 << 16);
        change(self.director, member, random);
        self.host.publish(self.director.record(self.index));
    }

    /// Gives one that was removed back, if there is one.
    fn restore(&mut self) {
        let list = decode(self.director.record(self.index))
            .expect("a record")
            .list;
        let listed = |member: &&u32| list.iter().any(|entry| entry.destination == **member);
        if let Some(member) = self.members.iter().find(|member| !listed(member)) {
            self.director.restore(*member);
            self.host.publish(self.director.record(self.index));
        }
    }

    fn pass_time(&mut self) {
        let seconds = self.below(40);
        self.director
            .advance(Duration::from_secs(u64::from(seconds)));
        self.director.sweep();
    }

    /// One of ten.
    fn vip(&mut self) -> IpAddr {
        let host = self.below(10);
        match self.family {
            Family::V4 => IpAddr::V4((0x0a09_0000 + host * 259).into()),
            Family::V6 => IpAddr::V6((0xfd09 << 112 | u128::from(host * 259)).into()),
        }
    }

    /// A number below `range`: Park and Miller's generator, so that every run is alike.
    fn below(&mut self, range: u32) -> u32 {
        let next = u64::from(self.random) * 48_271 % 0x7fff_ffff;
        self.random = next as u32;
        (next * u64::from(range) / 0x7fff_ffff) as u32
    }
}

/// All packets of the family get this mark.
fn give_marks(director: &mut Director, family: Family, mark: u32) {
    let rule = MarkRule {
        mark: NonZeroU32::new(mark).expect("a mark"),
        family: match family {
            Family::V4 => dray_model::Family::Ipv4,
            Family::V6 => dray_model::Family::Ipv6,
        },
        destination: Some(match family {
            Family::V4 => ("10.9.0.0".parse().expect("an address"), 16),
            Family::V6 => ("fd09::".parse().expect("an address"), 16),
        }),
        source: None,
        protocol: None,
        ports: None,
        source_ports: None,
        interface: None,
    };
    let plane = director.private.data_plane();
    plane.set_mark_rules(&[rule]).expect("room for a rule");
}

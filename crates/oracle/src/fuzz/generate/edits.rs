//! Edits by `ipvsadm` and settings in mid-stream, right ones and, now and then, wrong ones.

use dray_replay::scenario::{RealServer, Service, ServiceName, Step};

use super::{
    Drawing,
    world::{self, SCHEDULERS, is_ipv6},
};

#[derive(Clone, Copy)]
enum Kind {
    Weight,
    Add,
    Remove,
    Edit,
    RemoveService,
    AddService,
    Timeouts,
}

impl Drawing {
    pub(super) fn edit(&mut self) {
        let at = self.chance.below(self.world.services.len());
        let mut service = self.world.services[at].clone();
        let key = service.name.option();
        let number = u32::try_from(at).expect("there are few services");
        let real = self
            .world
            .real_server(&mut self.chance, number, &service.name);
        let known = if service.reals.is_empty() || self.chance.percent(5) {
            real.clone()
        } else {
            self.chance.one_of(&service.reals).clone()
        };
        match self.chance.weighted(&[
            (8, Kind::Weight),
            (5, Kind::Add),
            (5, Kind::Remove),
            (3, Kind::Edit),
            (1, Kind::RemoveService),
            (1, Kind::AddService),
            (1, Kind::Timeouts),
        ]) {
            Kind::Weight => {
                let edited = RealServer {
                    real: known.real,
                    forward: known.forward,
                    options: known.options,
                    ..real
                };
                self.ipvsadm(server_line("-e", &service, edited));
            }
            Kind::Add => self.ipvsadm(server_line("-a", &service, real)),
            Kind::Remove => self.ipvsadm(format!("-d {key} -r {}", known.real)),
            Kind::Edit => {
                self.change(&mut service);
                self.ipvsadm(service_line("-E", &service));
            }
            Kind::RemoveService => self.ipvsadm(format!("-D {key}")),
            Kind::AddService => {
                self.ipvsadm(service_line("-A", &service));
                self.ipvsadm(server_line("-a", &service, real));
            }
            Kind::Timeouts => self.ipvsadm(format!("--set {}", self.world.later_timeouts)),
        }
    }

    pub(super) fn setting(&mut self) {
        let (name, value) = world::setting(&mut self.chance);
        self.steps.push(Step::Sysctl {
            name,
            value,
            expect: None,
        });
    }

    /// Runs a command. With `expire_nodest_conn` the kernel ends connections of a removed server a tick later.
    fn ipvsadm(&mut self, line: String) {
        let removes = line.starts_with("-d") || line.starts_with("-D");
        self.steps.push(Step::Ipvsadm {
            line,
            input: None,
            expect: None,
        });
        if removes {
            self.settle();
        }
    }

    fn change(&mut self, service: &mut Service) {
        let chance = &mut self.chance;
        if chance.percent(70) {
            service.scheduler = (*chance.one_of(SCHEDULERS)).to_owned();
        }
        // Linux reads addresses of the other family in its own way for `mh`.
        let family = is_ipv6(&service.name);
        let crosses = |real: &RealServer| real.real.address.is_ipv6() != family;
        if service.scheduler == "mh" && service.reals.iter().any(crosses) {
            service.scheduler = "sh".to_owned();
        }
        service.flags = world::flags(chance, &service.scheduler);
        let catch_all = match service.name {
            ServiceName::Tcp(at) | ServiceName::Udp(at) => at.port() == 0,
            _ => false,
        };
        // Listings tell the real server's port of a mark's connection by the persistence that the service has now.
        let tells_port = matches!(service.name, ServiceName::Mark(_) | ServiceName::Mark6(_))
            && service.reals.iter().any(|real| real.real.port() != 0);
        if !catch_all && !tells_port && chance.percent(30) {
            service.persistent = match service.persistent {
                Some(_) => None,
                None => Some(self.world.later_persistence),
            };
        }
        service.netmask = service
            .persistent
            .and_then(|_| world::netmask(chance, is_ipv6(&service.name)));
    }
}

fn service_line(verb: &str, service: &Service) -> String {
    let mut bare = service.clone();
    bare.reals.clear();
    let line = bare.commands().remove(0);
    line.replacen("-A", verb, 1)
}

fn server_line(verb: &str, service: &Service, real: RealServer) -> String {
    let mut alone = service.clone();
    alone.reals = vec![real];
    let line = alone.commands().remove(1);
    line.replacen("-a", verb, 1)
}

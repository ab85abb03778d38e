//! Persistence: who gets a new connection of a service.

use std::time::Duration;

use dray_model::{Granularity, Persistence, ServiceOptions};

use super::{
    Model, Tick,
    open::{Port, Way},
    seconds, timeout,
};
use crate::packet::Key;

const FTP: u16 = 21;
/// What IPVS makes a template's timeout when its time is over while it has connections, in seconds.
const DEGRADED: u64 = 60;

#[derive(Clone, Copy, Debug)]
pub(super) struct Template {
    key: TemplateKey,
    over: Tick,
    timeout: Tick,
    destination: u32,
    assured: bool,
    children: u32,
}

/// What a template is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct TemplateKey {
    family: u8,
    network: u128,
    /// The VIP, its port (0 for every one) and the protocol; or the mark.
    place: Result<([u8; 16], u16, u8), u32>,
}

impl Template {
    pub(super) fn names(&self, destination: u32) -> bool {
        self.destination == destination
    }
}

impl Model {
    /// The destination of a new connection, and its template.
    pub(super) fn choose(
        &mut self,
        key: &Key,
        way: &Way,
        options: ServiceOptions,
        is_error: bool,
    ) -> Option<(u32, Option<u32>)> {
        let Some(persistence) = options.persistence else {
            return Some((self.pick(key, way.service, is_error)?, None));
        };
        let wanted = template_key(key, way, &persistence);
        if let Some(number) = self.find_template(&wanted) {
            let destination = self.adopt(number);
            return Some((destination, Some(number)));
        }
        let destination = self.pick(key, way.service, is_error)?;
        Some((
            destination,
            Some(self.begin_template(wanted, destination, &persistence)),
        ))
    }

    fn find_template(&mut self, wanted: &TemplateKey) -> Option<u32> {
        let number = *self.found_by.get(wanted)?;
        let template = self.templates[&number];
        if template.over < self.now && template.children == 0 {
            return None;
        }
        let target = &self.destinations[&template.destination];
        let ipvs = &self.policy.ipvs;
        if !target.available || ipvs.expire_quiescent_template && target.weight == 0 {
            self.found_by.remove(wanted);
            return None;
        }
        Some(number)
    }

    fn adopt(&mut self, number: u32) -> u32 {
        let keep = self.policy.ipvs.keep_template_timeout;
        let now = self.now;
        let template = self.template(number);
        template.children += 1;
        if !keep && template.over < now {
            template.timeout = seconds(DEGRADED);
        }
        template.over = now + template.timeout;
        template.destination
    }

    fn begin_template(
        &mut self,
        key: TemplateKey,
        destination: u32,
        persistence: &Persistence,
    ) -> u32 {
        let number = self.next_template;
        self.next_template += 1;
        let timeout = timeout(Duration::from_secs(persistence.timeout.get().into()));
        let template = Template {
            key,
            over: self.now + timeout,
            timeout,
            destination,
            assured: false,
            children: 1,
        };
        self.templates.insert(number, template);
        self.found_by.insert(key, number);
        if self.has_old_rules() {
            // Linux 6.1.176 looks at the threshold for templates too, though they do not count.
            self.target(destination).bound();
        }
        number
    }

    fn template(&mut self, number: u32) -> &mut Template {
        self.templates.get_mut(&number).expect("it has connections")
    }

    /// A connection of the template was established.
    pub(super) fn assure(&mut self, template: Option<u32>) {
        if let Some(number) = template {
            self.template(number).assured = true;
        }
    }

    /// A connection of the template ended.
    pub(super) fn leave(&mut self, template: Option<u32>) {
        if let Some(number) = template {
            self.template(number).children -= 1;
        }
    }

    /// The connection that left was ended before its time: a template goes with its last one, if none was established.
    pub(super) fn end_fruitless(&mut self, template: Option<u32>) {
        if let Some(number) = template {
            let template = self.template(number);
            if template.children == 0 && !template.assured {
                self.end_template(number);
            }
        }
    }

    pub(super) fn sweep_templates(&mut self) {
        let numbers: Vec<u32> = self.templates.keys().copied().collect();
        for number in numbers {
            let template = self.templates[&number];
            let over = template.over < self.now;
            if template.children == 0 {
                if over || self.is_to_go(template.destination) {
                    self.end_template(number);
                }
            } else if over {
                self.renew(number);
            }
        }
    }

    /// A template whose time is over goes on while it has connections.
    fn renew(&mut self, number: u32) {
        let keep = self.policy.ipvs.keep_template_timeout;
        let now = self.now;
        let template = self.template(number);
        if !keep || template.timeout == 0 {
            template.timeout = seconds(DEGRADED);
        }
        while template.over < now {
            template.over += template.timeout;
        }
    }

    fn end_template(&mut self, number: u32) {
        let template = self.templates.remove(&number).expect("it was there");
        if self.found_by.get(&template.key) == Some(&number) {
            self.found_by.remove(&template.key);
        }
        self.target(template.destination).unbound();
    }
}

fn template_key(key: &Key, way: &Way, persistence: &Persistence) -> TemplateKey {
    let mask = match persistence.granularity {
        Granularity::Ipv4(mask) => u128::MAX << 32 | u128::from(mask.to_bits()),
        Granularity::Ipv6(length) => u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0),
    };
    let port = match way.port {
        Port::Own if key.port != FTP => key.port,
        _ => 0,
    };
    TemplateKey {
        family: key.family,
        network: u128::from_be_bytes(key.client) & mask,
        place: match way.mark {
            0 => Ok((key.vip, port, key.protocol)),
            mark => Err(mark),
        },
    }
}

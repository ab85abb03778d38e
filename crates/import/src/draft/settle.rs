//! From a draft to a file that the model accepts.

use dray_model::config::{self, Diagnostic};

use super::{
    Draft, Origin, Service, comment,
    write::{Owner, write},
};
use crate::report::{Ledger, Verdict};

impl Draft {
    /// The text, with what dray does not take as comments; the ledger is told why.
    pub(crate) fn settle(mut self, ledger: &mut Ledger) -> String {
        loop {
            let text = write(&self);
            let Err(diagnostics) = config::parse("import.toml", &text.text) else {
                return text.text;
            };
            let mut has_changed = false;
            for diagnostic in &diagnostics {
                let line = diagnostic.place.line - 1;
                let owner = text.owners.get(line).copied().unwrap_or(Owner::Nobody);
                let line = text.text.lines().nth(line).unwrap_or_default();
                has_changed |= self.refuse(owner, line, diagnostic, ledger);
            }
            if !has_changed {
                // What dray refuses belongs to nothing here: then nothing of it can be trusted.
                let why = diagnostics.iter().next().map_or("", |first| &first.cause);
                self.refuse_all(why, ledger);
            }
        }
    }

    /// Refuses what `diagnostic` is about; whether that is news.
    fn refuse(
        &mut self,
        owner: Owner,
        line: &str,
        diagnostic: &Diagnostic,
        ledger: &mut Ledger,
    ) -> bool {
        let why = &diagnostic.cause;
        match owner {
            Owner::Nobody => false,
            Owner::Service(number) => {
                let service = &mut self.services[number];
                if service.refused.is_some() {
                    return false;
                }
                let key = line.split(' ').next().unwrap_or_default();
                if clear(&mut service.document, key) {
                    let origins = service.keys.iter().filter(|(name, _)| *name == key);
                    let origins: Vec<Option<Origin>> =
                        origins.map(|(_, origin)| Some(origin.clone())).collect();
                    let mut stood: Vec<String> = origins
                        .iter()
                        .flatten()
                        .map(|origin| {
                            let name = ledger.name(origin.place);
                            comment(&format!("{name}: refused ({why}): {}", origin.statement))
                        })
                        .collect();
                    if stood.is_empty() {
                        stood.push(comment(&format!("refused ({why}): {line}")));
                    }
                    service.below.splice(0..0, stood);
                    for origin in &origins {
                        tell(ledger, origin, &service.title, why);
                    }
                } else {
                    service.refused = Some(why.clone());
                    tell(ledger, &service.origin, &service.title, why);
                    let why = "its virtual server is refused";
                    let of_keys = service.keys.iter().map(|(_, origin)| Some(origin.clone()));
                    let of_reals = service.reals.iter().map(|real| real.origin.clone());
                    for origin in of_keys.chain(of_reals) {
                        tell(ledger, &origin, &service.title, why);
                    }
                }
                true
            }
            Owner::Real(number, at) => {
                let service = &mut self.services[number];
                let real = &mut service.reals[at];
                let is_news = real.refused.is_none();
                real.refused = Some(why.clone());
                tell(ledger, &real.origin, &service.title, why);
                is_news
            }
            Owner::Mark(number) => {
                let mark = &mut self.marks[number];
                let is_news = mark.refused.is_none();
                mark.refused = Some(why.clone());
                tell(ledger, &mark.origin, "", why);
                is_news
            }
        }
    }

    fn refuse_all(&mut self, why: &str, ledger: &mut Ledger) {
        ledger.note(format!("nothing but the director could be imported: {why}"));
        for service in &mut self.services {
            service.refused = Some(why.to_owned());
            tell(ledger, &service.origin, &service.title, why);
        }
        for mark in &mut self.marks {
            mark.refused = Some(why.to_owned());
        }
        self.director = dray_model::document::Director {
            interfaces: vec![crate::PLACEHOLDER.to_owned()],
            ..Default::default()
        };
    }
}

/// Takes a key away that a service can do without; whether it is one.
fn clear(service: &mut Service, key: &str) -> bool {
    match key {
        "flags" => service.flags.clear(),
        "persistent" => service.persistent = None,
        "netmask" => service.netmask = None,
        "persistence_engine" => service.persistence_engine = None,
        "one_packet" => service.one_packet = None,
        _ => return false,
    }
    true
}

fn tell(ledger: &mut Ledger, origin: &Option<Origin>, title: &str, why: &str) {
    let Some(origin) = origin else {
        return;
    };
    ledger.say_of(
        title,
        origin.place,
        &origin.statement,
        Verdict::Refused,
        why,
    );
}

#[cfg(test)]
mod tests {
    use dray_model::{
        config,
        document::{Director, Mark, Real, Service},
    };

    use super::super::{Draft, MarkDraft, RealDraft, ServiceDraft};
    use crate::report::Ledger;

    fn service(name: &str, address: &str) -> ServiceDraft {
        ServiceDraft {
            document: Service {
                name: name.to_owned(),
                address: Some(address.to_owned()),
                ..Service::default()
            },
            ..ServiceDraft::default()
        }
    }

    fn real(address: &str) -> RealDraft {
        RealDraft {
            document: Real {
                address: address.to_owned(),
                ..Real::default()
            },
            ..RealDraft::default()
        }
    }

    fn draft(services: Vec<ServiceDraft>) -> Draft {
        Draft {
            director: Director {
                interfaces: vec!["eth0".to_owned()],
                ..Director::default()
            },
            services,
            ..Draft::default()
        }
    }

    fn settle(draft: Draft) -> String {
        let text = draft.settle(&mut Ledger::default());
        config::parse("settled", &text).expect("what is settled is accepted");
        text
    }

    #[test]
    fn a_key_that_is_refused_leaves_its_service() {
        let mut one = service("one", "tcp://10.0.0.1:80");
        one.document.one_packet = Some(true);
        one.reals.push(real("10.0.0.11"));
        insta::assert_snapshot!(settle(draft(vec![one])));
    }

    #[test]
    fn real_servers_and_services_that_are_refused_stand_as_comments() {
        let mut one = service("one", "tcp://10.0.0.1:80");
        one.reals = vec![real("10.0.0.11"), real("10.0.0.11"), real("10.0.0.1")];
        let mut two = service("two", "tcp://10.0.0.1:80");
        two.reals = vec![real("10.0.0.12")];
        insta::assert_snapshot!(settle(draft(vec![one, two])));
    }

    #[test]
    fn a_mark_that_no_service_is_left_for_goes_too() {
        let mut one = service("one", "");
        (one.document.address, one.document.mark) = (None, Some(1));
        one.document.scheduler = Some("none".to_owned());
        let mut draft = draft(vec![one]);
        draft.marks.push(MarkDraft {
            document: Mark {
                mark: 1,
                ..Mark::default()
            },
            ..MarkDraft::default()
        });
        insta::assert_snapshot!(settle(draft));
    }

    #[test]
    fn what_belongs_to_nothing_refuses_everything() {
        let mut draft = draft(vec![service("one", "tcp://10.0.0.1:80")]);
        draft.director.interfaces = vec!["no interface".to_owned()];
        insta::assert_snapshot!(settle(draft));
    }
}

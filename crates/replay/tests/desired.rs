//! `ipvsadm`'s commands as edits of dray's desired state: they answer as the kernel's did, but for what dray does not have.

use std::{collections::BTreeSet, convert::Infallible, fs, path::Path};

use dray_ipvsadm::{
    Answer, Change, Director, Refusal,
    edits::{self, Step as Done},
    names::Tables,
    run,
    snapshot::{Connection, Daemon, Service, Snapshot},
};
use dray_model::{Desired, ServiceIdentity, Timeouts, config, edit};
use dray_replay::{
    Scenario,
    scenario::{CommandAnswer, Step},
    site::{HOSTS, SERVICES},
};

/// Commands that are answered otherwise, by what is in their lines, and why.
const OTHERWISE: [(&str, &str); 8] = [
    ("--start-daemon", "no connections are synchronised"),
    ("-r 10.0.0.3 -m", "a VIP cannot be a real server"),
    ("-b flag-1", "flags that a scheduler does nothing with"),
    ("-b flag-3", "the same"),
    ("-w 65536", "a weight has 16 bits"),
    ("-w 2147483647", "the same"),
    ("-a -r 10.1.1.10 -m -t", "a real server at port 0"),
    (
        "-r 127.0.0.1",
        "the director as its own real server by loopback",
    ),
];

/// A director that has a desired state and no traffic.
struct Wanted(Desired);

impl Director for Wanted {
    type Error = Infallible;

    fn snapshot(&mut self) -> Result<Snapshot, Infallible> {
        Ok(Snapshot {
            size: 4096,
            ..Snapshot::from(&self.0)
        })
    }

    fn service(&mut self, identity: &ServiceIdentity) -> Result<Option<Service>, Infallible> {
        let mut services = self.0.services.iter();
        let found = services.find(|service| service.identity == *identity);
        Ok(found.map(|it| Service::from(&**it)))
    }

    fn connections(&mut self) -> Result<Vec<Connection>, Infallible> {
        Ok(Vec::new())
    }

    fn timeouts(&mut self) -> Result<Timeouts, Infallible> {
        Ok(self.0.director.timeouts)
    }

    fn daemons(&mut self) -> Result<Vec<Daemon>, Infallible> {
        Ok(Vec::new())
    }

    fn change(&mut self, change: &Change) -> Result<Result<(), Refusal>, Infallible> {
        Ok(edits::step(change, &self.0).and_then(|step| {
            if let Done::Edit(edit) = step {
                self.0 = edit::edit(&self.0, &edit).map_err(|error| edits::refusal(&error))?;
            }
            Ok(())
        }))
    }
}

#[test]
fn commands_answer_as_the_kernels_did_but_for_what_dray_does_not_have() {
    let names = Tables::read(HOSTS, SERVICES);
    let (mut same, mut otherwise) = (0, BTreeSet::new());
    let mut wrong = Vec::new();
    for scenario in recorded() {
        let desired = config::parse("dray.toml", &configuration()).expect("no services yet");
        let mut director = Wanted(desired);
        // Listings say the same only as long as commands did.
        let mut in_step = true;
        for step in &scenario.steps {
            let Step::Ipvsadm {
                line,
                input,
                expect,
            } = step
            else {
                continue;
            };
            let input = input.as_deref().unwrap_or_default();
            let mut input = input.split_inclusive('\n').map(str::to_owned);
            let mut answer = Answer::default();
            let Ok(()) = run(
                "ipvsadm",
                &words(line),
                &names,
                &mut input,
                &mut director,
                &mut answer,
            );
            let (out, err) = (&answer.out, &answer.err);
            let now = CommandAnswer::of(answer.status, out, err, true);
            in_step |= line == "-C";
            let shows = now.rc == 0 && !now.out.is_empty();
            if Some(&now) == expect.as_ref() {
                same += 1;
            } else if let Some((known, _)) = OTHERWISE.iter().find(|(part, _)| line.contains(part))
            {
                otherwise.insert(*known);
                in_step = false;
            } else if in_step || !shows {
                wrong.push(format!("{}: {line}\n{expect:?}\n{now:?}", scenario.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{same} {}", wrong.join("\n\n"));
    assert!(same >= 400, "{same} command lines");
    assert_eq!(otherwise.len(), OTHERWISE.len(), "{otherwise:?}");
}

/// A configuration without services in which rules give every mark that the recorded commands name.
fn configuration() -> String {
    let marks = [
        1,
        2,
        3,
        4,
        5,
        7,
        8,
        9,
        10,
        20,
        21,
        22,
        3_000_000_000,
        u32::MAX,
    ];
    let rules = marks.map(|mark| {
        format!(
            "[[mark]]\nmark = {mark}\ndestination = [\"10.9.0.0/16\"]\n\
             [[mark]]\nmark = {mark}\ndestination = [\"2001:db8:9::/48\"]\n"
        )
    });
    format!("[director]\ninterfaces = [\"eth0\"]\n{}", rules.concat())
}

/// The recorded command lines without packets.
fn recorded() -> Vec<Scenario> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let scenarios = fs::read_dir(folder).expect("the recordings").map(|entry| {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).unwrap_or_default();
        Scenario::read(&text).ok()
    });
    let mut scenarios: Vec<Scenario> = scenarios
        .flatten()
        .filter(|scenario| scenario.apart && scenario.local.is_empty())
        .collect();
    scenarios.sort_by(|a, b| a.name.cmp(&b.name));
    scenarios
}

/// The words of a line, of which some are in quotation marks.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in line.split('\'').enumerate() {
        if number % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

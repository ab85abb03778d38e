//! Making a finding small: whatever can be left out while the two still differ is left out.

use anyhow::Result;
use dray_replay::{
    Scenario,
    scenario::{Payload, Step},
};

use super::judge::{Finding, Subject, findings};
use crate::Machine;

/// How many candidates are asked for at first, because one of those that leave out most will often do.
const AT_FIRST: usize = 8;
/// How many are asked for at once when none of the first did: each time twice as many, up to this.
const AT_MOST: usize = 64;

/// The smallest scenario found on which the two still differ; `None` when they do not when asked again.
///
/// # Errors
/// When the machine or the subject fails.
pub fn shrink(
    machine: &Machine,
    subject: &mut dyn Subject,
    finding: &Finding,
) -> Result<Option<Finding>> {
    let mut ask = |scenarios: &[Scenario]| findings(machine, subject, scenarios);
    let original = finding.recorded.clone().without_answers();
    let again = ask(&[original.clone(), original])?;
    let Some(mut smallest) = again.into_iter().flatten().next() else {
        return Ok(None);
    };
    loop {
        let mut candidates = candidates(&smallest);
        let mut better = None;
        let mut at_once = AT_FIRST;
        while better.is_none() && !candidates.is_empty() {
            let rest = candidates.split_off(at_once.min(candidates.len()));
            better = ask(&candidates)?.into_iter().flatten().next();
            candidates = rest;
            at_once = AT_MOST.min(2 * at_once);
        }
        match better {
            Some(finding) => smallest = finding,
            None => return Ok(Some(smallest)),
        }
    }
}

/// Smaller scenarios, those that leave out most first.
fn candidates(finding: &Finding) -> Vec<Scenario> {
    let scenario = finding.recorded.clone().without_answers();
    let mut candidates = Vec::new();
    let steps = scenario.steps.len();
    if finding.difference.step + 1 < steps {
        candidates.push(without_steps(&scenario, finding.difference.step + 1, steps));
    }
    let mut size = steps / 2;
    while size > 0 {
        for start in (0..steps).step_by(size) {
            candidates.push(without_steps(&scenario, start, (start + size).min(steps)));
        }
        size /= 2;
    }
    candidates.extend(with_less_around(&scenario));
    candidates
}

/// The scenario without the steps from `start` to before `end`, and without replies to them.
fn without_steps(scenario: &Scenario, start: usize, end: usize) -> Scenario {
    let mut kept: Vec<Option<usize>> = Vec::new();
    let mut smaller = scenario.clone();
    smaller.steps.clear();
    for (number, step) in scenario.steps.iter().enumerate() {
        let mut step = step.clone();
        let mut keep = !(start..end).contains(&number);
        if let Step::Packet(packet) = &mut step
            && let Payload::Reply(reply) = &mut packet.payload
        {
            match kept.get(reply.to).copied().flatten() {
                Some(to) => reply.to = to,
                None => keep = false,
            }
        }
        kept.push(keep.then_some(smaller.steps.len()));
        if keep {
            smaller.steps.push(step);
        }
    }
    smaller
}

/// Less of what is around the steps: services, real servers, options, settings. First all of a kind is left out, then one by
/// one.
fn with_less_around(scenario: &Scenario) -> Vec<Scenario> {
    let mut smaller = Vec::new();
    let mut try_with = |change: &dyn Fn(&mut Scenario)| {
        let mut changed = scenario.clone();
        change(&mut changed);
        if changed != *scenario {
            smaller.push(changed);
        }
    };
    try_with(&|it| {
        it.sysctls.clear();
        it.timeouts = None;
    });
    try_with(&|it| {
        it.marks.clear();
        it.local.clear();
    });
    for at in 0..scenario.services.len() {
        try_with(&|it| {
            it.services.remove(at);
        });
        try_with(&|it| it.services[at].reals.clear());
        for real in 0..scenario.services[at].reals.len() {
            try_with(&|it| {
                it.services[at].reals.remove(real);
            });
            try_with(&|it| {
                it.services[at].reals[real].upper = None;
                it.services[at].reals[real].lower = None;
            });
            try_with(&|it| it.services[at].reals[real].lower = None);
            try_with(&|it| it.services[at].reals[real].weight = 1);
        }
        try_with(&|it| {
            it.services[at].persistent = None;
            it.services[at].netmask = None;
        });
        try_with(&|it| it.services[at].netmask = None);
        try_with(&|it| it.services[at].flags = None);
        try_with(&|it| it.services[at].one_packet = false);
    }
    for at in 0..scenario.sysctls.len() {
        try_with(&|it| {
            it.sysctls.remove(at);
        });
    }
    for at in 0..scenario.marks.len() {
        try_with(&|it| {
            it.marks.remove(at);
        });
    }
    for at in 0..scenario.local.len() {
        try_with(&|it| {
            it.local.remove(at);
        });
    }
    try_with(&|it| it.timeouts = None);
    for at in 0..scenario.steps.len() {
        try_with(&|it| simplify(&mut it.steps[at]));
    }
    smaller
}

/// An ordinary packet in the place of one with options.
fn simplify(step: &mut Step) {
    if let Step::Packet(packet) = step
        && let Payload::Segment(segment) = &mut packet.payload
    {
        packet.frames = false;
        segment.ttl = None;
        segment.tos = None;
        segment.length = None;
        segment.may_fragment = false;
    }
}

#[cfg(test)]
mod tests {
    use dray_replay::scenario::{Payload, Step};

    use super::{super::scenario, without_steps};

    #[test]
    fn replies_keep_their_packets() {
        for number in 0..200 {
            let drawn = scenario(1, number);
            for at in 0..drawn.steps.len() {
                let smaller = without_steps(&drawn, at, at + 1);
                for (number, step) in smaller.steps.iter().enumerate() {
                    if let Step::Packet(packet) = step
                        && let Payload::Reply(reply) = &packet.payload
                    {
                        assert!(reply.to < number);
                        assert!(matches!(smaller.steps[reply.to], Step::Packet(_)));
                    }
                }
            }
        }
    }
}

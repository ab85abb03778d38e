//! Keywords as data: where each may stand, what follows it, and what becomes of it.

use super::keywords;

/// One keyword, in one block.
#[derive(Debug)]
pub(super) struct Keyword {
    /// As it is written.
    pub(super) name: &'static str,
    /// What may stand behind it.
    pub(super) example: &'static str,
    /// How many words must and may stand behind it.
    pub(super) arity: (usize, usize),
    /// Its block.
    pub(super) body: Body,
    /// What becomes of it.
    pub(super) fate: Fate,
}

/// What a keyword's block holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body {
    /// It has no block.
    None,
    /// Other keywords.
    Keywords(&'static [&'static [Keyword]]),
    /// Words of no meaning to the parser, a line each; such as this one.
    Values(&'static str),
}

/// What becomes of a keyword.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    /// It says something of the whole director.
    Global(Global),
    /// It says something of a VRRP instance that services care for.
    Instance(Instance),
    /// It says something of a virtual server.
    Service(Service),
    /// It says something of a real server.
    Real(Real),
    /// dray does it without being told, for this reason.
    Same(&'static str),
    /// dray cannot do it yet, for this reason.
    NotYet(&'static str),
    /// It makes no sense to dray, for this reason.
    Refused(&'static str),
}

/// What concerns the whole director.
#[derive(Clone, Copy, Debug)]
pub(super) enum Global {
    Timeouts,
    MarkGroups,
    FirstMark,
    Definitions,
    Group,
    VirtualServer,
    VrrpInstance,
}

/// What concerns services in a VRRP instance.
#[derive(Clone, Copy, Debug)]
pub(super) enum Instance {
    Interface,
    Addresses,
}

/// What concerns a virtual server.
#[derive(Clone, Copy, Debug)]
pub(super) enum Service {
    Scheduler,
    SchedulerFlag,
    OnePacket,
    Method,
    PersistenceEngine,
    PersistenceTimeout,
    PersistenceGranularity,
    Protocol,
    Family,
    Name,
    DefaultWeight,
    RealServer,
}

/// What concerns a real server.
#[derive(Clone, Copy, Debug)]
pub(super) enum Real {
    Weight,
    Method,
    UpperThreshold,
    LowerThreshold,
}

/// A keyword without a block.
pub(super) const fn word(
    name: &'static str,
    example: &'static str,
    arity: (usize, usize),
    fate: Fate,
) -> Keyword {
    block(name, example, arity, Body::None, fate)
}

/// A keyword with a block.
pub(super) const fn block(
    name: &'static str,
    example: &'static str,
    arity: (usize, usize),
    body: Body,
    fate: Fate,
) -> Keyword {
    Keyword {
        name,
        example,
        arity,
        body,
        fate,
    }
}

/// What stands in no block.
pub(super) const ROOT: &[&[Keyword]] = &[
    keywords::global::ROOT,
    keywords::lvs::ROOT,
    keywords::vrrp::ROOT,
    keywords::track::ROOT,
];

/// The keyword of this name, where these may stand.
pub(super) fn find(lists: &[&'static [Keyword]], name: &str) -> Option<&'static Keyword> {
    let mut keywords = lists.iter().flat_map(|list| list.iter());
    keywords.find(|keyword| keyword.name == name)
}

/// The keyword that somebody may have meant who wrote `name`.
pub(super) fn nearest(lists: &[&'static [Keyword]], name: &str) -> Option<&'static str> {
    let keywords = lists.iter().flat_map(|list| list.iter());
    let far = |keyword: &&Keyword| strsim::damerau_levenshtein(keyword.name, name);
    let nearest = keywords.min_by_key(far)?;
    (far(&nearest) * 3 <= name.chars().count()).then_some(nearest.name)
}

/// A keyword with those whose blocks it stands in, the outermost first.
#[cfg(test)]
pub(super) type Path = Vec<&'static Keyword>;

/// Every keyword at every place where it may stand.
#[cfg(test)]
pub(super) fn every() -> Vec<Path> {
    fn below(path: &Path, lists: &[&'static [Keyword]], all: &mut Vec<Path>) {
        for keyword in lists.iter().flat_map(|list| list.iter()) {
            let mut path = path.clone();
            path.push(keyword);
            all.push(path.clone());
            if let Body::Keywords(lists) = keyword.body {
                below(&path, lists, all);
            }
        }
    }
    let mut all = Vec::new();
    below(&Vec::new(), ROOT, &mut all);
    all
}

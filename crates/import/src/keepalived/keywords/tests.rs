//! Every keyword of keepalived's manual is in the tables, and every row of the tables is imported.

use std::{collections::BTreeSet, path::Path, process::Command};

use dray_model::config;

use super::super::{
    Options, import,
    keyword::{Body, Keyword, Path as KeywordPath, every},
    testing::Shelf,
};
use crate::{Verdict, report::Report};

/// Where Debian's package `keepalived` has the manual.
const MANUAL: &str = "/usr/share/man/man5/keepalived.conf.5.gz";

/// What the manual has in bold at the start of a line and is no keyword: its chapters, the forms of values, `${_PWD}` and the
/// like, which are parameters, and `~SEQ`.
const NO_KEYWORDS: &[&str] = &[
    "${_BANG}",
    "${_HASH}",
    "${_INSTANCE}",
    "${_PWD}",
    "${_RANDOM",
    "<BOOL>",
    "<IPADDR>",
    "<TIMER>",
    "BFD",
    "GLOBAL",
    "Global",
    "Important",
    "LVS",
    "NOT",
    "Note",
    "Note:",
    "Static",
    "VRRP",
    "VRRPD",
    "Virtual",
    "keepalived.conf",
    "start",
    "val1",
    "~SEQ",
];

/// What the manual has as keywords without printing them in bold.
const PLAIN: &[&str] = &[
    "disable_local_igmp",
    "interface_up_down_delays",
    "max_reply_length",
    "min_reply_length",
    "param_match",
];

/// What `include` and its kin are is not in the tables: they are done before keywords are looked for.
const INCLUDES: &[&str] = &[
    "include", "includea", "includeb", "includem", "includer", "includew",
];

fn manual() -> String {
    let output = Command::new("zcat").arg(MANUAL).output();
    let output = output.expect("zcat is on every machine with a man page");
    assert!(
        output.status.success(),
        "`cargo xtask setup` installs the package keepalived, which has {MANUAL}"
    );
    String::from_utf8(output.stdout).expect("the manual is text")
}

/// The words that the manual has in bold at the start of a line, as roff writes them: `    \fBlvs_sched \fRrr|wrr`.
fn bold(manual: &str) -> BTreeSet<&str> {
    let bold = manual
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("\\fB"));
    let firsts = bold.filter_map(|text| text.split(['\\', ' ']).next());
    firsts
        .flat_map(|words| words.split('|'))
        .filter(|word| !word.is_empty())
        .collect()
}

fn known() -> BTreeSet<&'static str> {
    let last = |path: KeywordPath| path.last().map(|keyword| keyword.name);
    let known = every().into_iter().filter_map(last);
    known.chain(INCLUDES.iter().copied()).collect()
}

#[test]
fn every_keyword_of_the_manual_is_in_the_tables() {
    let manual = manual();
    let bold = bold(&manual);
    let known = known();
    let unknown: BTreeSet<&str> = bold.difference(&known).copied().collect();
    let no_keywords: BTreeSet<&str> = NO_KEYWORDS.iter().copied().collect();
    assert_eq!(unknown, no_keywords, "in bold, and in no table");
    for word in PLAIN {
        assert!(manual.contains(word) && known.contains(word), "{word}");
    }
    // The test looks at the right text only if it finds what is surely there.
    assert!(bold.len() > 300, "{} words in bold", bold.len());
}

/// A configuration with one keyword, in the blocks where it may stand.
fn example(path: &[&'static Keyword]) -> (String, u32) {
    let mut text = String::new();
    let mut close = String::new();
    for keyword in path {
        text.push_str(&format!("{} {}", keyword.name, keyword.example));
        if let Body::Keywords(_) | Body::Values(_) = keyword.body {
            text.push_str(" {");
            close.push_str("}\n");
        }
        text.push('\n');
    }
    let line = u32::try_from(path.len()).expect("blocks are not that deep");
    if let Some(Keyword {
        body: Body::Values(value),
        ..
    }) = path.last()
    {
        text.push_str(value);
        text.push('\n');
    }
    (text + &close, line)
}

fn imported(text: &str) -> (String, Report) {
    let shelf = Shelf::of(&[("/etc/keepalived/keepalived.conf", text)]);
    let options = Options {
        main: Path::new("/etc/keepalived/keepalived.conf"),
        config_id: None,
    };
    let imported = import(&shelf, &options).unwrap_or_else(|faults| panic!("{text}\n{faults}"));
    if let Err(diagnostics) = config::parse("imported", &imported.toml) {
        panic!("{text}\n{diagnostics}");
    }
    (imported.toml, imported.report)
}

#[test]
fn every_keyword_is_imported_at_every_place_where_it_may_stand() {
    let mut lines = Vec::new();
    for path in every() {
        let (text, line) = example(&path);
        let (toml, report) = imported(&text);
        let mut entries = report.entries.iter().filter(|entry| entry.line == line);
        let entry = entries
            .next()
            .unwrap_or_else(|| panic!("nothing is said of line {line}:\n{text}"));
        assert_eq!(entries.next(), None, "{text}");
        assert!(
            !entry.words.contains("keepalived knows no"),
            "{entry:?}\n{text}"
        );
        if matches!(entry.verdict, Verdict::NotYet | Verdict::Refused) {
            assert!(
                toml.contains(&entry.statement),
                "{text}\nis not carried along:\n{toml}"
            );
        }
        let names: Vec<&str> = path.iter().map(|keyword| keyword.name).collect();
        lines.push(format!(
            "{}: {}: {}",
            names.join(" > "),
            entry.verdict,
            entry.words
        ));
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_keyword_without_its_words_is_refused() {
    for path in every() {
        let Some(keyword) = path.last() else { continue };
        if keyword.arity.0 == 0 {
            continue;
        }
        let (text, line) = example(&path);
        let whole = format!("{} {}", keyword.name, keyword.example);
        let lines = text.lines().zip(1..).map(|(text, number)| {
            if number == line {
                text.replacen(&whole, keyword.name, 1) + "\n"
            } else {
                text.to_owned() + "\n"
            }
        });
        let text: String = lines.collect();
        let (_, report) = imported(&text);
        let entry = report.entries.iter().find(|entry| entry.line == line);
        let verdict = entry.map(|entry| entry.verdict);
        assert_eq!(verdict, Some(Verdict::Refused), "{text}\n{report}");
    }
}

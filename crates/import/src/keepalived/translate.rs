//! From statements to a draft.
//!
//! Virtual servers may name groups that come behind them, and what the director is told depends on the VIPs of the services;
//! so it goes in three rounds: what concerns all (`director`, `group`), the virtual servers (`service`, `server`, `real`, `method`),
//! and VRRP (`instance`). What is not translated is carried along as comments (`carry`).

mod address;
mod carry;
mod director;
mod group;
mod instance;
mod method;
mod real;
mod server;
mod service;

use std::collections::HashMap;

use super::{
    Options,
    keyword::{Fate, Global},
    tree::{Known, Statement},
};
use crate::{
    PLACEHOLDER,
    draft::{Draft, Names, comment},
    report::{Ledger, Verdict},
};

use carry::{carry, has_arguments};
use group::Group;
use instance::Instances;

/// What is known while translating.
#[derive(Debug, Default)]
struct Site {
    draft: Draft,
    groups: HashMap<String, Group>,
    /// With groups as marks (`nftables_ipvs`), the next free one.
    next_mark: Option<u32>,
    first_mark: Option<u32>,
    /// The names that services have.
    names: Names,
    instances: Instances,
}

/// Translates all that a configuration says.
pub(super) fn translate(
    statements: &[Statement],
    options: &Options<'_>,
    ledger: &mut Ledger,
) -> Draft {
    let mut site = Site::default();
    let in_turn = |rounds: &mut dyn FnMut(&Statement, Option<Global>)| {
        for statement in statements {
            rounds(statement, global(statement));
        }
    };
    in_turn(&mut |statement, what| match what {
        Some(Global::VirtualServer | Global::VrrpInstance) => {}
        Some(what) => site.global(what, statement, ledger),
        None => site.other(statement, ledger),
    });
    site.next_mark = site.next_mark.map(|first| site.first_mark.unwrap_or(first));
    in_turn(&mut |statement, what| {
        if let Some(Global::VirtualServer) = what {
            site.virtual_server(statement, ledger);
        }
    });
    site.remember_vips();
    in_turn(&mut |statement, what| {
        if let Some(Global::VrrpInstance) = what {
            site.vrrp_instance(statement, ledger);
        }
    });
    site.unused_groups(ledger);
    site.finish(options, ledger)
}

/// What a statement says of the whole director.
fn global(statement: &Statement) -> Option<Global> {
    match statement.known {
        Known::Keyword(keyword) => match keyword.fate {
            Fate::Global(what) => Some(what),
            _ => None,
        },
        Known::Value | Known::Unknown(_) => None,
    }
}

impl Site {
    fn global(&mut self, what: Global, statement: &Statement, ledger: &mut Ledger) {
        if !has_arguments(statement, ledger, &mut self.draft.below_director) {
            return;
        }
        match what {
            Global::Definitions => {
                ledger.say(
                    statement.place,
                    &statement.text,
                    Verdict::Translated,
                    "each of its statements is told of",
                );
                for inner in statement.inside() {
                    match global(inner) {
                        Some(what) => self.global(what, inner, ledger),
                        None => self.other(inner, ledger),
                    }
                }
            }
            Global::Timeouts => self.timeouts(statement, ledger),
            Global::MarkGroups => {
                self.next_mark = Some(1000);
                let words = "a group is one service, with a mark and rules that give it";
                ledger.say(statement.place, &statement.text, Verdict::Translated, words);
            }
            Global::FirstMark => self.first_mark(statement, ledger),
            Global::Group => self.group(statement, ledger),
            // They come in rounds of their own, and stand in no block.
            Global::VirtualServer | Global::VrrpInstance => {}
        }
    }

    /// A statement that dray has no counterpart for.
    fn other(&mut self, statement: &Statement, ledger: &mut Ledger) {
        carry(statement, ledger, &mut self.draft.below_director);
    }

    fn finish(mut self, options: &Options<'_>, ledger: &mut Ledger) -> Draft {
        self.draft.complete_marks(ledger);
        self.director(ledger);
        let main = options.main.file_name().unwrap_or_default();
        self.draft.top = vec![
            comment(&format!("Imported from {}.", main.to_string_lossy())),
            comment(
                "What has no counterpart stands as a comment where it belongs; the import's report says why.",
            ),
        ];
        self.draft
    }
}

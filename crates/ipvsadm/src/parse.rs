//! From words to a command, in `ipvsadm`'s order: its first option says what is to be done.
//!
//! ```text
//! words ─▶ options (as popt reads them) ─▶ verb, then Line ─▶ finish: rules ─▶ Command
//! ```

mod address;
mod finish;
mod line;
mod number;
mod options;
mod rules;
mod scheduler_flags;
mod tunnel;
mod verb;

use crate::{Command, List, Names, Usage, listing::Format};

use line::Line;
use options::{Options, Tag};
use verb::verb;

/// The command of these words, which follow `program`.
///
/// # Errors
/// When `ipvsadm` refuses them itself.
pub fn parse(program: &str, words: &[String], names: &dyn Names) -> Result<Command, Usage> {
    if words.is_empty() {
        return Ok(Command::List(List::All, Format::default()));
    }
    let mut options = Options::of(words);
    let Ok(Some((tag, argument))) = options.next() else {
        return Err(Usage::try_help(program));
    };
    let verb = match tag {
        Tag::Help => return Ok(Command::Help),
        Tag::Version => return Ok(Command::Version),
        _ => verb(tag, argument)?.ok_or_else(|| Usage::try_help(program))?,
    };
    let mut line = Line::new(verb, names);
    loop {
        match options.next() {
            Ok(Some((tag, argument))) => {
                if !line.take(tag, argument)? {
                    return Err(Usage::wrong(format!("invalid option `{}'", options.word())));
                }
            }
            Ok(None) => break,
            Err(bad) => return Err(Usage::bad_option(options.word(), bad.text())),
        }
    }
    line.finish(&options.others)
}

//! From words to a command, in `ipvsadm`'s order: its first option says what is to be done.

mod address;
mod finish;
mod line;
mod options;
mod rules;
mod tunnel;
mod verb;

use crate::{Command, List, Usage, listing::Format};

use line::Line;
use options::{Options, Tag};
use verb::verb;

/// The command of these words, which follow `ipvsadm`.
///
/// # Errors
/// When `ipvsadm` refuses them itself.
pub fn parse(words: &[String]) -> Result<Command, Usage> {
    if words.is_empty() {
        return Ok(Command::List(List::All, Format::default()));
    }
    let mut options = Options::of(words);
    let Ok(Some((tag, argument))) = options.next() else {
        return Err(Usage::try_help());
    };
    if tag == Tag::Help {
        return Ok(Command::Help);
    }
    let mut line = Line::new(verb(tag, argument)?);
    loop {
        match options.next() {
            Ok(Some((tag, _))) if verb(tag, None).is_ok() || tag == Tag::Help => {
                return Err(Usage::wrong(format!("invalid option `{}'", options.word())));
            }
            Ok(Some((tag, argument))) => line.take(tag, argument)?,
            Ok(None) => break,
            Err(bad) => {
                return Err(Usage {
                    status: 255,
                    text: bad.0 + "\n",
                });
            }
        }
    }
    line.finish(&options.others)
}

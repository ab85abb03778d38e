//! Colours, for people at a terminal: nothing is said by colour alone.

use std::io;

use crate::terminal;

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// It stays as it is.
    Plain,
    /// It gets escape sequences (ECMA-48, SGR).
    Coloured,
}

impl Paint {
    /// As standard output is.
    pub(crate) fn of_stdout() -> Self {
        if terminal::takes_colours(&io::stdout()) {
            Self::Coloured
        } else {
            Self::Plain
        }
    }

    /// What is new, or as it should be.
    pub(crate) fn green(self, text: &str) -> String {
        self.with(32, text)
    }

    /// What goes, or is wrong.
    pub(crate) fn red(self, text: &str) -> String {
        self.with(31, text)
    }

    /// What changes, or wants a look.
    pub(crate) fn yellow(self, text: &str) -> String {
        self.with(33, text)
    }

    /// The heads of a table.
    pub(crate) fn bold(self, text: &str) -> String {
        self.with(1, text)
    }

    fn with(self, code: u8, text: &str) -> String {
        match self {
            Self::Coloured if !text.is_empty() => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }
}

/// How many columns a text takes: its characters without escape sequences.
pub(crate) fn columns(text: &str) -> usize {
    let mut rest = text;
    let mut columns = 0;
    while let Some((before, sequence)) = rest.split_once("\x1b[") {
        columns += before.chars().count();
        rest = sequence.split_once('m').map_or("", |(_, after)| after);
    }
    columns + rest.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_take_no_room() {
        for text in ["", "wrr", "größer"] {
            assert_eq!(Paint::Plain.red(text), text);
            let painted = format!(
                "{}, {}",
                Paint::Coloured.red(text),
                Paint::Coloured.bold(text)
            );
            assert_eq!(
                columns(&painted),
                2 * text.chars().count() + 2,
                "{painted:?}"
            );
        }
        assert_eq!(Paint::Coloured.green("+"), "\x1b[32m+\x1b[0m");
    }
}

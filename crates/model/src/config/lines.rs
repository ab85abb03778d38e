//! Lines and columns of a text.

use std::{cell::Cell, ops::Range};

use super::diagnostic::Place;

/// Where the lines of a text begin.
#[derive(Debug)]
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
    /// A place and its column, to count on from: a line may be long and have many places.
    counted: Cell<(usize, usize)>,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(ends).collect(),
            counted: Cell::new((0, 1)),
        }
    }

    /// The start of the line that a place is on.
    pub(super) fn start(&self, at: usize) -> usize {
        self.starts[self.number(at) - 1]
    }

    /// The first line of a span.
    pub(super) fn place(&self, span: Range<usize>) -> Place {
        let start = self.text.floor_char_boundary(span.start);
        let line = self.number(start);
        let next = self.starts.get(line).copied().unwrap_or(self.text.len());
        let end = self.text.floor_char_boundary(span.end).clamp(start, next);
        let end = start + self.text[start..end].trim_end_matches(['\r', '\n']).len();
        Place {
            span: start..end,
            line,
            column: self.column(start),
        }
    }

    /// The line of a place, from 1.
    fn number(&self, at: usize) -> usize {
        self.starts.partition_point(|line| *line <= at)
    }

    /// The column of a place, in characters from 1.
    fn column(&self, at: usize) -> usize {
        let line = self.start(at);
        let (from, column) = self.counted.get();
        let (from, column) = if (line..=at).contains(&from) {
            (from, column)
        } else {
            (line, 1)
        };
        let column = column + self.text[from..at].chars().count();
        self.counted.set((at, column));
        column
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_lines_and_columns_in_characters_from_one() {
        let text = "aé\r\nbc\n\nd";
        let lines = Lines::new(text);
        let place = |span: Range<usize>| {
            let place = lines.place(span);
            (place.line, place.column, text[place.span].to_owned())
        };
        assert_eq!(place(0..1), (1, 1, "a".to_owned()));
        assert_eq!(place(1..3), (1, 2, "é".to_owned()));
        assert_eq!(
            place(5..9),
            (2, 1, "bc".to_owned()),
            "only the first line of it"
        );
        assert_eq!(place(6..7), (2, 2, "c".to_owned()));
        assert_eq!(place(8..8), (3, 1, String::new()));
        assert_eq!(place(9..10), (4, 1, "d".to_owned()));
        assert_eq!(place(10..10), (4, 2, String::new()), "the end of the text");
        assert_eq!(place(0..5), (1, 1, "aé".to_owned()), "back again");
    }
}

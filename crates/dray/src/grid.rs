//! Lines of cells under one another, as wide as their widest.

use crate::paint::{self, Paint};

/// Text in columns, two spaces apart.
#[derive(Debug)]
pub(crate) struct Grid {
    sides: Vec<Side>,
    rows: Vec<Vec<String>>,
}

/// Where a column's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

impl Grid {
    /// A grid with one column for each side.
    pub(crate) fn new(sides: impl Into<Vec<Side>>) -> Self {
        Self {
            sides: sides.into(),
            rows: Vec::new(),
        }
    }

    /// Adds a line; cells that are missing at its end are empty.
    pub(crate) fn row<C: Into<String>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// Adds a line of what stands above the columns.
    pub(crate) fn heads(&mut self, paint: Paint, heads: &[&str]) {
        self.row(heads.iter().map(|head| paint.bold(head)));
    }

    /// The lines, each with a line break and without blanks at its end.
    pub(crate) fn text(&self) -> String {
        let widths: Vec<usize> = (0..self.sides.len())
            .map(|column| self.width(column))
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, &width), side) in row.iter().zip(&widths).zip(&self.sides) {
                let blanks = " ".repeat(width - paint::columns(cell));
                line += &match side {
                    Side::Left => format!("{cell}{blanks}  "),
                    Side::Right => format!("{blanks}{cell}  "),
                };
            }
            text += line.trim_end();
            text.push('\n');
        }
        text
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| paint::columns(cell)).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_lines_end_with_text() {
        let mut grid = Grid::new([Side::Left, Side::Right, Side::Left]);
        grid.row(["name", "n", "why"]);
        grid.row(["a", "12345", ""]);
        grid.row(["longer", "7"]);
        assert_eq!(
            grid.text(),
            "name        n  why\na       12345\nlonger      7\n"
        );
    }

    #[test]
    fn colours_do_not_move_columns() {
        let mut grid = Grid::new([Side::Right, Side::Left]);
        grid.heads(Paint::Coloured, &["head", "b"]);
        grid.row([Paint::Coloured.red("n"), "c".to_owned()]);
        assert_eq!(
            grid.text(),
            "\x1b[1mhead\x1b[0m  \x1b[1mb\x1b[0m\n   \x1b[31mn\x1b[0m  c\n"
        );
    }
}

//! Changes to a text, and the way back from places of the changed text.

use std::{collections::BTreeMap, ops::Range};

/// A text with pieces of it replaced.
#[derive(Debug)]
pub(super) struct Edits<'t> {
    text: &'t str,
    /// By their place; no two overlap.
    edits: BTreeMap<usize, Edit>,
    /// The edits as they lie in the changed text, in its order.
    seams: Vec<Seam>,
}

/// A piece replaced.
#[derive(Debug)]
struct Edit {
    range: Range<usize>,
    new: New,
    round: usize,
}

/// What comes instead of a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum New {
    /// This text, meant as it stands.
    Text(String),
    /// This text, only so that something stands there: what is wrong with it is nobody's fault.
    StandIn(&'static str),
}

/// Where a replaced piece lies in the changed text, and where it lay.
#[derive(Debug)]
struct Seam {
    changed: Range<usize>,
    original: Range<usize>,
    stand_in: bool,
}

impl<'t> Edits<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            edits: BTreeMap::new(),
            seams: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// Whether a piece has only a part of one that was replaced before. Such a piece cannot be replaced.
    pub(super) fn crosses(&self, range: &Range<usize>) -> bool {
        let before = self.edits.range(..range.start).next_back();
        let from_before = before.is_some_and(|(_, edit)| edit.range.end > range.start);
        let mut inside = self.edits.range(range.clone());
        from_before || inside.any(|(_, edit)| edit.range.end > range.end)
    }

    /// Replaces a piece; what was replaced inside of it before is forgotten. The round is for
    /// [`Self::round_at`].
    pub(super) fn replace(&mut self, range: Range<usize>, new: New, round: usize) {
        debug_assert!(!self.crosses(&range), "{range:?} crosses an edit");
        let inside: Vec<_> = self
            .edits
            .range(range.start..range.end.max(range.start + 1))
            .map(|(at, _)| *at)
            .collect();
        for at in inside {
            self.edits.remove(&at);
        }
        self.edits.insert(range.start, Edit { range, new, round });
    }

    /// The round of the edit that has the place in it or at its end.
    pub(super) fn round_at(&self, place: usize) -> Option<usize> {
        let (_, edit) = self.edits.range(..=place).next_back()?;
        (place <= edit.range.end).then_some(edit.round)
    }

    /// Whether just this piece was taken out.
    pub(super) fn is_removed(&self, range: &Range<usize>) -> bool {
        let nothing = New::Text(String::new());
        self.edits
            .get(&range.start)
            .is_some_and(|edit| edit.range == *range && edit.new == nothing)
    }

    /// The changed text.
    pub(super) fn apply(&mut self) -> String {
        let mut changed = String::with_capacity(self.text.len());
        let mut at = 0;
        self.seams.clear();
        for Edit { range, new, .. } in self.edits.values() {
            changed.push_str(&self.text[at..range.start]);
            let start = changed.len();
            changed.push_str(match new {
                New::Text(text) => text,
                New::StandIn(text) => text,
            });
            at = range.end;
            let stand_in = matches!(new, New::StandIn(_));
            self.seams.push(Seam {
                changed: start..changed.len(),
                original: range.clone(),
                stand_in,
            });
        }
        changed.push_str(&self.text[at..]);
        changed
    }

    /// A place of the changed text in the original; inside of a replaced piece, all of that.
    pub(super) fn original(&self, span: &Range<usize>) -> Range<usize> {
        let start = match self.seam_before(span.start) {
            None => span.start,
            Some(seam) if span.start < seam.changed.end => seam.original.start,
            Some(seam) => seam.original.end + (span.start - seam.changed.end),
        };
        let end = match self.seam_before(span.end) {
            None => span.end,
            Some(seam) if span.end < seam.changed.end => seam.original.end,
            Some(seam) => seam.original.end + (span.end - seam.changed.end),
        };
        start..end.max(start)
    }

    /// Whether a place of the changed text lies in a stand-in.
    pub(super) fn is_stand_in(&self, span: &Range<usize>) -> bool {
        let after = self
            .seams
            .partition_point(|seam| seam.changed.start <= span.start);
        let seam = after.checked_sub(1).map(|number| &self.seams[number]);
        seam.is_some_and(|seam| {
            seam.stand_in && span.end <= seam.changed.end && span.start < seam.changed.end
        })
    }

    /// The last seam that begins before a place; one that begins there is after it.
    fn seam_before(&self, place: usize) -> Option<&Seam> {
        let after = self
            .seams
            .partition_point(|seam| seam.changed.start < place);
        after.checked_sub(1).map(|number| &self.seams[number])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_the_changed_text_lead_back_to_the_original() {
        let text = "one two three four";
        let mut edits = Edits::new(text);
        edits.replace(4..7, New::Text("2222222".to_owned()), 0);
        edits.replace(8..13, New::Text(String::new()), 0);
        edits.replace(14..14, New::StandIn("\"\""), 0);
        let changed = edits.apply();
        assert_eq!(changed, "one 2222222  \"\"four");
        for word in ["one", "2222222", "four"] {
            let at = changed.find(word).expect(word);
            let original = edits.original(&(at..at + word.len()));
            assert_eq!(
                &text[original],
                if word == "2222222" { "two" } else { word }
            );
        }
        assert_eq!(
            edits.original(&(6..8)),
            4..7,
            "a part of a replaced piece is all of it"
        );
        assert!(edits.is_stand_in(&(13..15)));
        assert!(!edits.is_stand_in(&(15..19)));
        assert!(edits.is_removed(&(8..13)));
    }

    #[test]
    fn a_piece_that_has_part_of_an_edit_crosses_it() {
        let mut edits = Edits::new("one two three four");
        edits.replace(4..7, New::StandIn("2"), 0);
        edits.replace(14..14, New::StandIn(","), 0);
        for crossing in [5..7, 6..9, 0..5, 5..6, 5..5] {
            assert!(edits.crosses(&crossing), "{crossing:?}");
        }
        for apart in [4..7, 0..7, 4..9, 0..18, 7..9, 0..4, 14..14, 13..18] {
            assert!(!edits.crosses(&apart), "{apart:?}");
        }
    }

    #[test]
    fn a_larger_edit_takes_the_place_of_those_inside() {
        let mut edits = Edits::new("[a, b]");
        edits.replace(1..2, New::StandIn("1"), 0);
        edits.replace(4..5, New::StandIn("2"), 1);
        assert_eq!(
            (edits.round_at(2), edits.round_at(3), edits.round_at(4)),
            (Some(0), None, Some(1))
        );
        edits.replace(0..6, New::Text("c".to_owned()), 2);
        assert_eq!(edits.apply(), "c");
        assert_eq!(edits.round_at(4), Some(2));
    }
}

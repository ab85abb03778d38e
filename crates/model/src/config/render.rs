//! Diagnostics in the look of rustc.

use std::{iter, ops::Range};

use annotate_snippets::{
    AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str,
};

use super::diagnostic::{Diagnostic, Place};

/// Two places with at most this many lines between are shown in one piece of the text.
const NEAR: usize = 100;

/// How much of a line is shown to each side of a place, in bytes. The renderer looks at all that it gets, so
/// it gets no more.
const AROUND: usize = 500;

/// All diagnostics, and how many they are.
pub(super) fn render(file_name: &str, text: &str, list: &[Diagnostic], color: bool) -> String {
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut rendered = String::new();
    for diagnostic in list {
        rendered.push_str(&renderer.render(&[group(file_name, text, diagnostic)]));
        rendered.push_str("\n\n");
    }
    let errors = if list.len() == 1 { "error" } else { "errors" };
    rendered + &format!("{} {errors} in {file_name}\n", list.len())
}

/// One diagnostic: cause, places, cure.
fn group<'a>(file_name: &'a str, text: &'a str, diagnostic: &'a Diagnostic) -> Group<'a> {
    let mark = |kind, place, label| Mark {
        kind,
        place,
        label,
        around: around(text, place),
    };
    let primary = mark(
        AnnotationKind::Primary,
        &diagnostic.place,
        &diagnostic.label,
    );
    let related = diagnostic.related.iter();
    let related = related.map(|label| mark(AnnotationKind::Context, &label.place, &label.text));
    let (near, far): (Vec<_>, Vec<_>) = related.partition(|mark| mark.is_near(&primary));
    let first = near.into_iter().chain([primary]).collect();
    let snippets = iter::once(first).chain(far.into_iter().map(|mark| vec![mark]));
    Level::ERROR
        .primary_title(&diagnostic.cause)
        .elements(snippets.flat_map(|marks| snippet(file_name, text, &marks)))
        .element(Level::HELP.message(normalize_untrusted_str(&diagnostic.cure)))
}

/// A place with a label.
struct Mark<'a> {
    kind: AnnotationKind,
    place: &'a Place,
    label: &'a str,
    around: Around,
}

/// The line of a place, or what is shown of it.
struct Around {
    range: Range<usize>,
    /// Whether the line goes on before or after.
    cut: bool,
}

impl Mark<'_> {
    /// Whether it can be shown in one piece with another.
    fn is_near(&self, other: &Self) -> bool {
        let lines = self.place.line.abs_diff(other.place.line);
        lines <= NEAR && !self.around.cut && !other.around.cut
    }
}

/// The line of a place, as far as it is shown.
fn around(text: &str, place: &Place) -> Around {
    let Range { start, end } = place.span;
    let first = text.ceil_char_boundary(start.saturating_sub(AROUND));
    let last = text.floor_char_boundary(end.min(start + AROUND) + AROUND);
    let before = text[first..start].rfind('\n').map(|at| first + at + 1);
    let after = text[start..last].find('\n').map(|length| start + length);
    let cut = before.is_none() && first > 0 || after.is_none() && last < text.len();
    Around {
        range: before.unwrap_or(first)..after.unwrap_or(last),
        cut,
    }
}

/// The lines from the first to the last of some marks, or a piece of the line of one.
fn snippet<'a>(file_name: &'a str, text: &'a str, marks: &[Mark<'a>]) -> Vec<Element<'a>> {
    let starts = marks.iter().map(|mark| mark.around.range.start);
    let ends = marks.iter().map(|mark| mark.around.range.end);
    let (start, end) = (starts.min().unwrap_or(0), ends.max().unwrap_or(0));
    let source = text[start..end].trim_end_matches('\r');
    let line = marks.iter().map(|mark| mark.place.line).min().unwrap_or(1);
    let annotations = marks.iter().map(|mark| {
        let span = mark.place.span.start - start..(mark.place.span.end - start).min(source.len());
        mark.kind.span(span).label(mark.label)
    });
    let snippet = Snippet::source(source)
        .line_start(line)
        .annotations(annotations);
    match marks {
        // The renderer would count the column from the start of the piece.
        [Mark { place, around, .. }] if around.cut => {
            let origin = Origin::path(file_name)
                .line(place.line)
                .char_column(place.column);
            vec![origin.into(), snippet.into()]
        }
        _ => vec![snippet.path(file_name).into()],
    }
}

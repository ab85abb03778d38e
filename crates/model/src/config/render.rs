//! Diagnostics in the look of rustc.

use annotate_snippets::{
    Annotation, AnnotationKind, Element, Group, Level, Renderer, Snippet, normalize_untrusted_str,
    renderer::DEFAULT_TERM_WIDTH,
};

use super::diagnostic::{Diagnostic, Place};

/// Two places with at most this many lines between are shown in one piece of the text.
const NEAR: usize = 100;

/// All diagnostics, and how many they are.
pub(super) fn render(file_name: &str, text: &str, list: &[Diagnostic], color: bool) -> String {
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer.term_width(DEFAULT_TERM_WIDTH);
    let mut rendered = String::new();
    for diagnostic in list {
        rendered.push_str(&renderer.render(&[group(file_name, text, diagnostic)]));
        rendered.push_str("\n\n");
    }
    let errors = if list.len() == 1 { "error" } else { "errors" };
    rendered.push_str(&format!("{} {errors} in {file_name}\n", list.len()));
    rendered
}

/// One diagnostic: cause, places, cure.
fn group<'a>(file_name: &'a str, text: &'a str, diagnostic: &'a Diagnostic) -> Group<'a> {
    let primary = Mark {
        kind: AnnotationKind::Primary,
        place: &diagnostic.place,
        label: &diagnostic.label,
    };
    let related = diagnostic.related.iter().map(|label| Mark {
        kind: AnnotationKind::Context,
        place: &label.place,
        label: &label.text,
    });
    let (mut near, far): (Vec<_>, Vec<_>) =
        related.partition(|mark| mark.place.line.abs_diff(primary.place.line) <= NEAR);
    near.push(primary);
    let snippets = std::iter::once(near).chain(far.into_iter().map(|mark| vec![mark]));
    Level::ERROR
        .primary_title(&diagnostic.cause)
        .elements(
            snippets
                .map(|marks| snippet(file_name, text, &marks))
                .map(Element::from),
        )
        .element(Level::HELP.message(normalize_untrusted_str(&diagnostic.cure)))
}

/// A place with a label.
struct Mark<'a> {
    kind: AnnotationKind,
    place: &'a Place,
    label: &'a str,
}

/// The lines from the first to the last of some places.
///
/// Only these lines are given to the renderer: it looks at all lines that it gets, for every snippet.
fn snippet<'a>(
    file_name: &'a str,
    text: &'a str,
    marks: &[Mark<'a>],
) -> Snippet<'a, Annotation<'a>> {
    let places = || marks.iter().map(|mark| mark.place);
    let first = places().map(|place| place.span.start).min().unwrap_or(0);
    let last = places().map(|place| place.span.end).max().unwrap_or(0);
    let start = text[..first].rfind('\n').map_or(0, |end| end + 1);
    let end = text[last..]
        .find('\n')
        .map_or(text.len(), |length| last + length);
    Snippet::source(text[start..end].trim_end_matches('\r'))
        .path(file_name)
        .line_start(places().map(|place| place.line).min().unwrap_or(1))
        .annotations(marks.iter().map(|mark| {
            let span = mark.place.span.start - start..mark.place.span.end - start;
            mark.kind.span(span).label(mark.label)
        }))
}

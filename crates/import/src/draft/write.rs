//! The text of a draft, and what each of its lines belongs to.

use dray_model::document::Director;

use super::{Document, Draft, MarkDraft, RealDraft, Service, ServiceDraft, comment};

/// A draft's text.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// It.
    pub(super) text: String,
    /// What each line belongs to.
    pub(super) owners: Vec<Owner>,
}

/// What a line belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// To nothing that could be refused.
    Nobody,
    /// To a service.
    Service(usize),
    /// To a real server of a service.
    Real(usize, usize),
    /// To a rule that gives a mark.
    Mark(usize),
}

/// Writes the draft; what is refused stands as a comment.
pub(super) fn write(draft: &Draft) -> Text {
    let mut text = Text::default();
    text.lines(&draft.top, Owner::Nobody);
    if !draft.top.is_empty() {
        text.line("", Owner::Nobody);
    }
    let director = Document {
        director: draft.director.clone(),
        ..Document::default()
    };
    for (number, line) in director.to_toml().lines().enumerate() {
        text.line(line, Owner::Nobody);
        // Behind the header they cannot be taken for comments on the whole file.
        if number == 0 {
            text.lines(&draft.above_director, Owner::Nobody);
        }
    }
    text.lines(&draft.below_director, Owner::Nobody);
    for (number, service) in draft.services.iter().enumerate() {
        text.line("", Owner::Nobody);
        text.service(number, service);
    }
    for (number, mark) in draft.marks.iter().enumerate() {
        text.line("", Owner::Nobody);
        text.mark(number, mark);
    }
    text
}

impl Text {
    fn line(&mut self, line: &str, owner: Owner) {
        self.text.push_str(line);
        self.text.push('\n');
        self.owners.push(owner);
    }

    fn lines(&mut self, lines: &[String], owner: Owner) {
        for line in lines {
            self.line(line, owner);
        }
    }

    /// A line that is a comment where its owner is refused.
    fn unless(&mut self, refused: bool, line: &str, owner: Owner) {
        if refused {
            self.line(&comment(line.trim_end()), Owner::Nobody);
        } else {
            self.line(line, owner);
        }
    }

    fn service(&mut self, number: usize, service: &ServiceDraft) {
        let owner = Owner::Service(number);
        self.lines(&service.above, owner);
        self.why(&service.refused, "");
        let is_refused = service.refused.is_some();
        for line in of_service(&service.document) {
            self.unless(is_refused, &line, owner);
        }
        self.lines(&service.below, owner);
        if service.reals.is_empty() {
            return;
        }
        self.unless(is_refused, "real = [", owner);
        for (at, real) in service.reals.iter().enumerate() {
            self.real(is_refused, Owner::Real(number, at), real);
        }
        self.unless(is_refused, "]", owner);
    }

    fn real(&mut self, is_refused: bool, owner: Owner, real: &RealDraft) {
        let indented = |line: &String| format!("    {line}");
        let above: Vec<String> = real.above.iter().map(indented).collect();
        self.lines(&above, owner);
        self.why(&real.refused, "    ");
        let line = of_real(&real.document);
        if real.refused.is_some() && !is_refused {
            self.line(&indented(&comment(line.trim())), Owner::Nobody);
        } else {
            self.unless(is_refused, &line, owner);
        }
        let below: Vec<String> = real.below.iter().map(indented).collect();
        self.lines(&below, owner);
    }

    fn mark(&mut self, number: usize, mark: &MarkDraft) {
        let owner = Owner::Mark(number);
        self.lines(&mark.above, owner);
        self.why(&mark.refused, "");
        let document = Document {
            mark: vec![mark.document.clone()],
            ..Document::default()
        };
        for line in behind_director(&document) {
            self.unless(mark.refused.is_some(), &line, owner);
        }
    }

    fn why(&mut self, refused: &Option<String>, indent: &str) {
        if let Some(why) = refused {
            let line = comment(&format!("refused: {why}"));
            self.line(&format!("{indent}{line}"), Owner::Nobody);
        }
    }
}

/// The lines of a service without real servers.
fn of_service(service: &Service) -> Vec<String> {
    behind_director(&Document {
        service: vec![service.clone()],
        ..Document::default()
    })
}

/// The line of a real server.
fn of_real(real: &dray_model::document::Real) -> String {
    let service = Service {
        real: vec![real.clone()],
        ..Service::default()
    };
    let lines = of_service(&service);
    let mut lines = lines.into_iter().skip_while(|line| line != "real = [");
    lines.nth(1).unwrap_or_default()
}

/// The lines of a document without those of its director.
fn behind_director(document: &Document) -> Vec<String> {
    let nothing = Document {
        director: Director::default(),
        ..Document::default()
    };
    let before = nothing.to_toml().lines().count();
    let text = document.to_toml();
    let lines = text.lines().skip(before).filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

//! The configuration in the making: dray's own documents, each with the comments around it and the statements behind it.
//!
//! Writing it is the model's work ([`Document::to_toml`]), and so is judging it: what the model's parser refuses becomes a
//! comment with its words, until the rest is accepted. So no rule of dray's configuration is known here.

mod name;
mod rules;
mod seat;
mod settle;
mod write;

use dray_model::document::{Director, Document, Mark, Real, Service};

use crate::report::Place;

pub(crate) use name::{Names, title};
pub(crate) use seat::seat;

/// A configuration with what is to be said around it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    /// Comments at the top.
    pub(crate) top: Vec<String>,
    /// Comments on what the director is told.
    pub(crate) above_director: Vec<String>,
    /// What concerns the whole director.
    pub(crate) director: Director,
    /// Comments behind that.
    pub(crate) below_director: Vec<String>,
    /// The services, in order.
    pub(crate) services: Vec<ServiceDraft>,
    /// The rules that give marks, in order.
    pub(crate) marks: Vec<MarkDraft>,
}

/// One service.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServiceDraft {
    /// Which service it is, where its statement stands for many.
    pub(crate) title: String,
    /// Comments above it.
    pub(crate) above: Vec<String>,
    /// It, without its real servers.
    pub(crate) document: Service,
    /// The statement that it comes from.
    pub(crate) origin: Option<Origin>,
    /// The statements that its keys come from.
    pub(crate) keys: Vec<(&'static str, Origin)>,
    /// Comments below its keys.
    pub(crate) below: Vec<String>,
    /// Its real servers, in order.
    pub(crate) reals: Vec<RealDraft>,
    /// Why it is refused.
    pub(crate) refused: Option<String>,
}

/// One real server.
#[derive(Clone, Debug, Default)]
pub(crate) struct RealDraft {
    /// Comments above it.
    pub(crate) above: Vec<String>,
    /// It.
    pub(crate) document: Real,
    /// The statement that it comes from.
    pub(crate) origin: Option<Origin>,
    /// Comments below it.
    pub(crate) below: Vec<String>,
    /// Why it is refused.
    pub(crate) refused: Option<String>,
}

/// A rule that gives a mark.
#[derive(Clone, Debug, Default)]
pub(crate) struct MarkDraft {
    /// Comments above it.
    pub(crate) above: Vec<String>,
    /// It.
    pub(crate) document: Mark,
    /// The statement that it comes from.
    pub(crate) origin: Option<Origin>,
    /// Why it is refused.
    pub(crate) refused: Option<String>,
}

/// The statement behind something.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// Where it stands.
    pub(crate) place: Place,
    /// What it says.
    pub(crate) statement: String,
}

/// A text as lines of comments. Control characters, which TOML takes in no comment, are written as escapes.
pub(crate) fn comment(text: &str) -> String {
    let mut comment = String::from("#");
    if !text.is_empty() {
        comment.push(' ');
    }
    for char in text.chars() {
        match char {
            '\t' => comment.push(' '),
            char if char.is_control() => comment.extend(char.escape_default()),
            char => comment.push(char),
        }
    }
    comment
}

//! JSON as the text of a file, so that it is read by what reads files, and places of that text as paths of the JSON.
//!
//! Values are written as they are: a number that is no number of the file, a key that is none, a list where a table belongs
//! are found where those of a file are found. `null` alone has no counterpart. `nan` stands in for it, which no key may be, and
//! what is found wrong with that is told of the `null`.

use std::{fmt::Write as _, ops::Range};

use serde_json::{Map, Value};
use toml::de::DeTable;

use super::{
    fault::{Fault, Faults},
    field::FieldError,
    spelling::quoted,
};

/// How deep the values of any key lie, and a few levels more. What lies deeper is below something that is wrong already.
const DEEPEST: usize = 12;

/// The stand-in for `null`, and for what lies too deep.
const STAND_IN: &str = "nan";

/// Reads an object as a file's text would be, or gives what is wrong with it by field.
pub(super) fn read<T>(
    value: &Value,
    lower: impl FnOnce(&DeTable<'_>, &mut Faults<'_>) -> Option<T>,
) -> Result<T, Vec<FieldError>> {
    let Value::Object(members) = value else {
        let cure = "write `{`, its keys with their values, and `}`";
        return Err(vec![FieldError::new("", "this must be an object", cure)]);
    };
    let (text, nodes) = write(members);
    super::lowered(&text, lower).map_err(|faults| field_errors(&nodes, faults))
}

/// What the faults of the text are, in its order.
fn field_errors(nodes: &[Node<'_>], mut faults: Vec<Fault>) -> Vec<FieldError> {
    faults.sort_by_key(|fault| (fault.span.start, fault.span.end));
    let errors = faults.into_iter().map(|fault| {
        let node = innermost(nodes, &fault.span);
        let path = path(nodes, node);
        if node.is_some_and(|node| nodes[node].is_null) {
            let cause = "`null` is not a value of the configuration";
            return FieldError::new(path, cause, "leave the key out, or write its value");
        }
        FieldError::new(path, fault.cause, fault.cure)
    });
    let mut errors: Vec<_> = errors.collect();
    errors.dedup();
    errors
}

/// A value of the JSON and its place in the text, which begins with its key if it has one.
struct Node<'j> {
    place: Range<usize>,
    parent: Option<usize>,
    step: Step<'j>,
    is_null: bool,
}

#[derive(Clone, Copy)]
enum Step<'j> {
    Member(&'j str),
    Item(usize),
}

/// The text, and every value with its place: each before those inside of it.
fn write(members: &Map<String, Value>) -> (String, Vec<Node<'_>>) {
    let mut writer = Writer {
        text: String::new(),
        nodes: Vec::new(),
    };
    for (name, value) in members {
        writer.member(name, value, None, 1);
        writer.text.push('\n');
    }
    (writer.text, writer.nodes)
}

struct Writer<'j> {
    text: String,
    nodes: Vec<Node<'j>>,
}

impl<'j> Writer<'j> {
    fn member(&mut self, name: &'j str, value: &'j Value, parent: Option<usize>, depth: usize) {
        let node = self.begin(Step::Member(name), value, parent);
        self.text.push_str(&quoted(name));
        self.text.push_str(" = ");
        self.value(value, node, depth);
        self.nodes[node].place.end = self.text.len();
    }

    fn item(&mut self, number: usize, value: &'j Value, parent: usize, depth: usize) {
        let node = self.begin(Step::Item(number), value, Some(parent));
        self.value(value, node, depth);
        self.nodes[node].place.end = self.text.len();
    }

    fn begin(&mut self, step: Step<'j>, value: &Value, parent: Option<usize>) -> usize {
        let start = self.text.len();
        self.nodes.push(Node {
            place: start..start,
            parent,
            step,
            is_null: value.is_null(),
        });
        self.nodes.len() - 1
    }

    fn value(&mut self, value: &'j Value, node: usize, depth: usize) {
        match value {
            Value::String(text) => self.text.push_str(&quoted(text)),
            Value::Bool(value) => write!(self.text, "{value}").expect("a string takes all"),
            Value::Number(number) => write!(self.text, "{number}").expect("a string takes all"),
            Value::Array(items) if depth < DEEPEST => {
                self.text.push('[');
                for (number, item) in items.iter().enumerate() {
                    self.separate(number);
                    self.item(number, item, node, depth + 1);
                }
                self.text.push(']');
            }
            Value::Object(members) if depth < DEEPEST => {
                self.text.push('{');
                for (number, (name, value)) in members.iter().enumerate() {
                    self.separate(number);
                    self.member(name, value, Some(node), depth + 1);
                }
                self.text.push('}');
            }
            Value::Null | Value::Array(_) | Value::Object(_) => self.text.push_str(STAND_IN),
        }
    }

    fn separate(&mut self, number: usize) {
        if number > 0 {
            self.text.push_str(", ");
        }
    }
}

/// The innermost value that has all of the place.
fn innermost(nodes: &[Node<'_>], place: &Range<usize>) -> Option<usize> {
    let next = nodes.partition_point(|node| node.place.start <= place.start);
    let mut node = next.checked_sub(1);
    while let Some(number) = node {
        let whole = &nodes[number].place;
        if place.start < whole.end && place.end <= whole.end {
            break;
        }
        node = nodes[number].parent;
    }
    node
}

/// The path of a value (RFC 6901); that of the whole is empty.
fn path(nodes: &[Node<'_>], node: Option<usize>) -> String {
    let mut steps = Vec::new();
    let mut next = node;
    while let Some(number) = next {
        steps.push(match nodes[number].step {
            Step::Member(name) => name.replace('~', "~0").replace('/', "~1"),
            Step::Item(number) => number.to_string(),
        });
        next = nodes[number].parent;
    }
    steps.iter().rev().map(|step| format!("/{step}")).collect()
}

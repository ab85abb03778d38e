//! What kind of slip an error of toml is about.

/// A slip of the pen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slip {
    /// Something is given twice, or as two different things; toml reads on correctly after it.
    Twice,
    /// A line has no `=`.
    NoEquals,
    /// There is no key before `=`.
    NoKey,
    /// A key has a character that needs quotes.
    OddKey,
    /// A value is text without quotes, or there is none.
    Unquoted,
    /// A number has zeros before it.
    LeadingZero,
    /// A number has something in it that numbers do not have.
    Number,
    /// A text in double quotes is not closed, or has a character that may not be in it.
    Text,
    /// The same in single quotes.
    LiteralText,
    /// A backslash escapes nothing.
    Escape,
    /// A comma is missing at the place.
    NoComma,
    /// There is a comma too many at the place.
    ExtraComma,
    /// Something follows the value.
    Trailing,
    /// An inline table is not made of `key = value`.
    NotPairs,
    /// There is `=` in a list.
    EqualsInList,
    /// A bracket closes nothing.
    StrayBracket,
    /// A line begins with something that is not a key.
    NoStatement,
    /// Anything else.
    Other,
}

impl Slip {
    /// Whether it is inside of a value, so that it does not follow from another slip before it.
    pub(super) fn is_value(self) -> bool {
        matches!(self, Self::Unquoted | Self::Number | Self::LeadingZero)
    }
}

/// How toml's messages begin; the first that fits counts.
const MESSAGES: [(&str, Slip); 32] = [
    ("duplicate key", Slip::Twice),
    ("cannot extend value", Slip::Twice),
    ("key with no value", Slip::NoEquals),
    ("unquoted keys cannot be empty", Slip::NoKey),
    ("invalid unquoted key", Slip::OddKey),
    ("string values must be quoted", Slip::Unquoted),
    ("invalid boolean", Slip::Unquoted),
    ("invalid float, expected `nan`", Slip::Unquoted),
    ("unexpected leading zero", Slip::LeadingZero),
    ("`_` may only go between digits", Slip::Number),
    ("invalid hexadecimal", Slip::Number),
    ("invalid octal", Slip::Number),
    ("invalid binary", Slip::Number),
    ("invalid integer", Slip::Number),
    ("invalid float", Slip::Number),
    ("invalid fraction", Slip::Number),
    ("invalid exponent", Slip::Number),
    ("invalid basic string", Slip::Text),
    ("invalid literal string", Slip::LiteralText),
    ("missing escaped value", Slip::Escape),
    ("too few unicode value digits", Slip::Escape),
    ("missing comma", Slip::NoComma),
    ("extra comma", Slip::ExtraComma),
    ("unexpected key or value", Slip::Trailing),
    ("missing assignment", Slip::NotPairs),
    ("extra assignment", Slip::NotPairs),
    ("missing key for inline table", Slip::NotPairs),
    ("unexpected `=` in array", Slip::EqualsInList),
    ("missing array opening", Slip::StrayBracket),
    ("missing table open", Slip::StrayBracket),
    ("missing inline table opening", Slip::StrayBracket),
    ("invalid key-value pair", Slip::NoStatement),
];

/// The slip that a message of toml is about.
///
/// toml has no codes for its errors. Should a new version say something in another way, the message is
/// shown as it is ([`Slip::Other`]); the recorded messages of the tests show that it changed.
pub(super) fn slip(message: &str) -> Slip {
    let fits = |(start, _): &&(&str, Slip)| message.starts_with(start);
    MESSAGES
        .iter()
        .find(fits)
        .map_or(Slip::Other, |(_, slip)| *slip)
}

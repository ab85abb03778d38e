//! Statements as words, and what braces make of a line.

/// The words of a statement: blanks part them, double quotes keep them together and are not part of them.
pub(super) fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start_matches(BLANKS);
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => {
                let end = rest.find([' ', '\t', '\x0c', '\r', '\x0b', '"']);
                rest.split_at(end.unwrap_or(rest.len()))
            }
        };
        words.push(word.to_owned());
        rest = after.trim_start_matches(BLANKS);
    }
    words
}

/// A line's first piece.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    /// A statement's words.
    Text(&'t str),
    /// `{`
    Open,
    /// `}`
    Close,
}

/// The first piece of a line, and what is left of it. A brace between double quotes is text. `None` for an empty line.
pub(super) fn first_piece(line: &str) -> Option<(Piece<'_>, &str)> {
    let line = line.trim_matches(BLANKS);
    let piece = match line.chars().next()? {
        '{' => Piece::Open,
        '}' => Piece::Close,
        _ => {
            let (text, rest) = line.split_at(first_brace(line).unwrap_or(line.len()));
            return Some((Piece::Text(text.trim_end_matches(BLANKS)), rest));
        }
    };
    Some((piece, &line[1..]))
}

/// What parts words.
const BLANKS: [char; 5] = [' ', '\t', '\x0c', '\r', '\x0b'];

/// The first brace that is neither between double quotes nor part of a parameter that nobody defines, `${NAME}`.
fn first_brace(line: &str) -> Option<usize> {
    let mut in_quotes = false;
    let mut in_parameter = false;
    let mut before = ' ';
    for (at, char) in line.char_indices() {
        match char {
            '"' => in_quotes = !in_quotes,
            '{' if !in_quotes && before == '$' => in_parameter = true,
            '}' if in_parameter => in_parameter = false,
            '{' | '}' if !in_quotes => return Some(at),
            _ => {}
        }
        before = char;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Piece, first_piece, split};

    #[test]
    fn quotes_keep_words_together() {
        assert_eq!(split(r#"abcd "efg h" mnop"#), ["abcd", "efg h", "mnop"]);
        assert_eq!(split(r#"misc_path "/a b""#), ["misc_path", "/a b"]);
        assert_eq!(split(r#"password """#), ["password", ""]);
        assert!(split("  ").is_empty());
    }

    #[test]
    fn braces_are_pieces_of_their_own() {
        let line = r#"real_server 10.0.0.1 80{ weight "{1" }"#;
        let (piece, rest) = first_piece(line).expect("it has pieces");
        assert_eq!(piece, Piece::Text("real_server 10.0.0.1 80"));
        let (piece, rest) = first_piece(rest).expect("it has pieces");
        assert_eq!(piece, Piece::Open);
        let (piece, rest) = first_piece(rest).expect("it has pieces");
        assert_eq!(piece, Piece::Text(r#"weight "{1""#));
        assert_eq!(first_piece(rest), Some((Piece::Close, "")));
        assert_eq!(first_piece(" "), None);
        let undefined = "track_file load.${ID} {";
        let (piece, rest) = first_piece(undefined).expect("it has pieces");
        assert_eq!((piece, rest), (Piece::Text("track_file load.${ID}"), "{"));
    }
}

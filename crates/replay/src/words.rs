//! A command line taken apart into words, as a shell does it.

/// The line needs a shell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotWords {
    /// A character that a shell gives a meaning.
    #[error("`{0}` has a meaning to a shell, and there is none here")]
    Shell(char),
    /// A quotation that does not end.
    #[error("the quotation that begins with {0} does not end")]
    Quote(char),
}

/// The words of a line. Quotation marks hold words together; whatever else a shell would act on is refused.
///
/// # Errors
/// When the line has anything that needs a shell.
pub(crate) fn words(line: &str) -> Result<Vec<String>, NotWords> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' => words.extend(word.take()),
            '\'' | '"' => {
                let quoted = letters.as_str();
                let end = quoted.find(letter).ok_or(NotWords::Quote(letter))?;
                let (inside, behind) = quoted.split_at(end);
                if letter == '"' && inside.contains(['$', '`', '\\']) {
                    return Err(NotWords::Shell('$'));
                }
                word.get_or_insert_default().push_str(inside);
                letters = behind[1..].chars();
            }
            '|' | '&' | ';' | '<' | '>' | '(' | ')' | '$' | '`' | '\\' | '*' | '?' | '#' | '~'
            | '{' | '}' | '!' | '\n' => return Err(NotWords::Shell(letter)),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_divided_by_blanks_and_held_together_by_quotation_marks() {
        assert_eq!(
            words(" -A  -t '10.0.0.1:80' -s \"r\"r ''"),
            Ok(["-A", "-t", "10.0.0.1:80", "-s", "rr", ""]
                .map(str::to_owned)
                .to_vec())
        );
    }

    #[test]
    fn what_needs_a_shell_is_refused() {
        assert_eq!(words("-L | grep x"), Err(NotWords::Shell('|')));
        assert_eq!(words("-L \"$x\""), Err(NotWords::Shell('$')));
        assert_eq!(words("-L 'x"), Err(NotWords::Quote('\'')));
    }
}

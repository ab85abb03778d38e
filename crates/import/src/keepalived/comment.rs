//! Comments: from `#` or `!` to the end of the line, wherever they begin.

/// The line without its comment and the blanks around it, as keepalived makes it.
///
/// `\#` and `\!` are the characters themselves, except between double quotes, where neither begins a comment. A `\` at the
/// line's end survives, even that of a comment: it says that a definition goes on. `None` where a quote is not closed.
pub(super) fn strip(line: &str) -> Option<String> {
    let line = line.trim_start_matches([' ', '\t']);
    let mut kept = String::with_capacity(line.len());
    let (mut in_quotes, mut in_comment, mut goes_on) = (false, false, false);
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' if !in_comment => in_quotes = !in_quotes,
            '\\' => {
                let Some(escaped) = chars.next() else {
                    goes_on = true;
                    break;
                };
                if !in_comment {
                    if in_quotes || !matches!(escaped, '#' | '!') {
                        kept.push(char);
                    }
                    kept.push(escaped);
                }
                continue;
            }
            '#' | '!' if !in_quotes => in_comment = true,
            _ => {}
        }
        if !in_comment {
            kept.push(char);
        }
    }
    let end = kept.trim_end_matches([' ', '\t']).len();
    kept.truncate(end);
    if goes_on {
        kept.push('\\');
    }
    (!in_quotes).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::strip;

    #[test]
    fn a_comment_begins_anywhere_but_between_quotes() {
        let strip = |line| strip(line).expect("no quote is open");
        assert_eq!(strip("  weight 1 ! one"), "weight 1");
        assert_eq!(strip("# all"), "");
        assert_eq!(strip(r#"a "b # c" d#e"#), r#"a "b # c" d"#);
        assert_eq!(strip(r"digest a\#b \!c"), "digest a#b !c");
        assert_eq!(strip(r#"digest "a\#b""#), r#"digest "a\#b""#);
        assert_eq!(strip(r#"x # he said "no"#), "x");
    }

    #[test]
    fn a_backslash_at_the_end_survives_a_comment() {
        assert_eq!(strip(r"$A= \").as_deref(), Some(r"$A=\"));
        assert_eq!(strip(r"weight 1 # one \").as_deref(), Some(r"weight 1\"));
    }

    #[test]
    fn an_open_quote_is_noticed() {
        assert_eq!(strip(r#"path "/a"#), None);
    }
}

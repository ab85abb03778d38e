//! The standard input of `-R`: a command line in each line.

/// The words of a line as it was read, with its line end if it has one. None when `ipvsadm` does nothing with it: it is
/// empty, or is the last, has no line end, and ends with two blanks or more.
pub(crate) fn words(line: &str) -> Option<Vec<String>> {
    let (text, ended) = match line.strip_suffix('\n') {
        Some(text) => (text, true),
        None => (line, false),
    };
    let cut = !ended && text.chars().rev().take_while(|c| is_blank(*c)).count() > 1;
    let words: Vec<String> = text
        .split(is_blank)
        .filter(|word| !word.is_empty() && *word != "ipvsadm")
        .map(str::to_owned)
        .collect();
    (!cut && !words.is_empty()).then_some(words)
}

const fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<String> {
        words(line).map(|words| words.join("|"))
    }

    #[test]
    fn words_are_divided_by_blanks_and_the_programs_name_is_left_out() {
        assert_eq!(
            read(" ipvsadm\t-A  -t 10.0.0.1:80 \r\n").as_deref(),
            Some("-A|-t|10.0.0.1:80")
        );
        assert_eq!(read("# -A\n").as_deref(), Some("#|-A"));
        assert_eq!(read("\n"), None);
        assert_eq!(read("ipvsadm\n"), None);
    }

    #[test]
    fn a_last_line_without_an_end_is_lost_when_it_ends_with_blanks() {
        assert_eq!(read("-C").as_deref(), Some("-C"));
        assert_eq!(read("-C ").as_deref(), Some("-C"));
        assert_eq!(read("-C  "), None);
        assert_eq!(read("-C  \n").as_deref(), Some("-C"));
    }
}

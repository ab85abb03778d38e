//! `ipvsadm-save` and `ipvsadm-restore`: the scripts that come with `ipvsadm`.

use crate::Usage;

/// The words for `ipvsadm` that `ipvsadm-save` makes of its own.
///
/// # Errors
/// When one of them is an option that it does not have.
pub fn save(words: &[String]) -> Result<Vec<String>, Usage> {
    let options = || words.iter().filter(|word| word.starts_with('-'));
    if options().any(|word| word != "-n") {
        return Err(Usage {
            status: 1,
            text: "ipvsadm-save: Script to save the IPVS table to stdout.\n   \
                   With the -n option, prints out the table in numeric format.\n"
                .to_owned(),
            ends: true,
        });
    }
    let numeric = options().next().map(|_| "-n");
    Ok(["-S"]
        .into_iter()
        .chain(numeric)
        .map(str::to_owned)
        .collect())
}

/// What of its standard input `ipvsadm-restore` hands to `ipvsadm -R`, after `ipvsadm -C`.
pub fn restored(input: &str) -> String {
    let lines: Vec<&str> = input
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    lines.join("\n").trim_end_matches('\n').to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_is_saved_with_names_or_numbers() {
        let words =
            |words: &[&str]| -> Vec<String> { words.iter().map(|it| (*it).to_owned()).collect() };
        assert_eq!(save(&[]), Ok(words(&["-S"])));
        assert_eq!(save(&words(&["x", "-n", "-n"])), Ok(words(&["-S", "-n"])));
        assert_eq!(save(&words(&["-n", "-h"])).map_err(|it| it.status), Err(1));
    }

    #[test]
    fn comments_are_not_restored() {
        assert_eq!(
            restored("# ipvsadm\n-A -t 10.0.0.1:80\n#\n\n\n"),
            "-A -t 10.0.0.1:80\n"
        );
        assert_eq!(restored(""), "\n");
    }
}

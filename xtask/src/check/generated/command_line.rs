//! Every command of `dray`, as its own help tells it.

use anyhow::Result;

use crate::process;

/// The help of `dray` and of each of its commands, a section each.
pub(super) fn as_markdown() -> Result<String> {
    let mut page = String::new();
    describe(&mut Vec::new(), &mut page)?;
    Ok(page)
}

/// Writes the section of the command `words`, then those of the commands below it.
fn describe(words: &mut Vec<String>, page: &mut String) -> Result<()> {
    let help = help(words)?;
    let lines: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
    let title = [&["dray".to_owned()], words.as_slice()].concat().join(" ");
    page.push_str(&format!(
        "## {title}\n\n```text\n{}\n```\n\n",
        lines.join("\n")
    ));
    for below in commands(&help) {
        words.push(below);
        describe(words, page)?;
        words.pop();
    }
    Ok(())
}

fn help(words: &[String]) -> Result<String> {
    process::output(
        process::cargo()
            .args(["run", "--quiet", "--package", "dray", "--bin", "dray", "--"])
            .args(words)
            .arg("--help")
            .env("DRAY_BPF", "require")
            // Help is wrapped to the terminal, which must not decide what the page looks like.
            .env("COLUMNS", "100"),
    )
}

/// The names below `Commands:`, without `help` itself.
fn commands(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        // A description that goes on in a further line is set in deeper than the names.
        .filter_map(|line| {
            line.strip_prefix("  ")
                .filter(|rest| !rest.starts_with(' '))
        })
        .filter_map(|line| line.split_whitespace().next())
        // The help of `dray ipvsadm` is ipvsadm's, whose commands are flags.
        .filter(|name| *name != "help" && !name.starts_with('-'))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::commands;

    #[test]
    fn the_commands_of_a_help_text_are_found() {
        let help = "A director.\n\nUsage: dray <COMMAND>\n\nCommands:\n  run     Balance\n          on and on\n  \
                    status  Tell\n  help    Print this\n\nOptions:\n  -h, --help  Print help\n";
        assert_eq!(commands(help), ["run", "status"]);
        assert!(commands("Usage: dray run\n\nOptions:\n  -h\n").is_empty());
    }
}

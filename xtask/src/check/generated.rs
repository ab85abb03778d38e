//! The parts of the documentation that are written by programs: each stays what the code says.
//!
//! A generated part stands in a page between two lines, `<!-- generated: NAME -->` and `<!-- end of NAME -->`; the
//! page around it is written by hand. To add one: put the two lines into a page, and a row into [`PARTS`]. A file that is
//! generated from its first line to its last has a row in [`FILES`].

mod command_line;
mod openapi;
mod reasons;

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};

use super::rooms;
use crate::workspace;

/// One generated part of a page.
struct Part {
    page: &'static str,
    name: &'static str,
    text: fn() -> Result<String>,
}

const PARTS: &[Part] = &[
    Part {
        page: "docs/architecture.md",
        name: "rooms",
        text: || Ok(rooms::as_markdown()),
    },
    Part {
        page: "docs/reference/reasons.md",
        name: "reasons",
        text: || Ok(reasons::as_markdown()),
    },
    Part {
        page: "docs/reference/cli.md",
        name: "commands",
        text: command_line::as_markdown,
    },
];

/// One file that is generated as a whole.
struct File {
    path: &'static str,
    text: fn() -> Result<String>,
}

const FILES: &[File] = &[File {
    path: "docs/openapi.json",
    text: openapi::as_json,
}];

/// Every generated part and file is what its generator writes now.
pub(super) fn check() -> Result<()> {
    let mut stale = Vec::new();
    for file in FILES {
        let path = workspace::root().join(file.path);
        // One that is not there is out of step too.
        if fs::read_to_string(&path).unwrap_or_default() != (file.text)()? {
            stale.push(path.display().to_string());
        }
    }
    for part in PARTS {
        let (path, page) = read(part)?;
        if renewed(&page, part, &(part.text)()?)? != page {
            stale.push(format!("{}: {}", path.display(), part.name));
        }
    }
    if !stale.is_empty() {
        bail!(
            "out of step with the code:\n  {}\n  write them anew: cargo xtask check --write-docs",
            stale.join("\n  ")
        );
    }
    Ok(())
}

/// Writes every generated part and file anew.
pub(super) fn write() -> Result<()> {
    for file in FILES {
        let path = workspace::root().join(file.path);
        let new = (file.text)()?;
        if fs::read_to_string(&path).unwrap_or_default() != new {
            fs::write(&path, new).with_context(|| format!("failed to write {}", path.display()))?;
            eprintln!("wrote {}", path.display());
        }
    }
    for part in PARTS {
        let (path, page) = read(part)?;
        let new = renewed(&page, part, &(part.text)()?)?;
        if new != page {
            fs::write(&path, new).with_context(|| format!("failed to write {}", path.display()))?;
            eprintln!("wrote {} of {}", part.name, path.display());
        }
    }
    Ok(())
}

fn read(part: &Part) -> Result<(PathBuf, String)> {
    let path = workspace::root().join(part.page);
    let page =
        fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    Ok((path, page))
}

/// `page` with `text` as its `part`.
fn renewed(page: &str, part: &Part, text: &str) -> Result<String> {
    let first = format!("<!-- generated: {} -->\n", part.name);
    let last = format!("<!-- end of {} -->", part.name);
    let missing = || {
        format!(
            "{} has no lines `{}` … `{last}`",
            part.page,
            first.trim_end()
        )
    };
    let (before, rest) = page.split_once(&first).with_context(missing)?;
    let (_, after) = rest.split_once(&last).with_context(missing)?;
    Ok(format!("{before}{first}\n{}\n\n{last}{after}", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::{Part, renewed};

    const LIST: Part = Part {
        page: "docs/page.md",
        name: "list",
        text: || Ok("new\n".to_owned()),
    };

    #[test]
    fn what_is_written_by_hand_stays() {
        let page = "# Page\n<!-- generated: list -->\nold\n<!-- end of list -->\nmore\n";
        let new = renewed(page, &LIST, "new\n").expect("the page has the two lines");
        assert_eq!(
            new,
            "# Page\n<!-- generated: list -->\n\nnew\n\n<!-- end of list -->\nmore\n"
        );
        let again = renewed(&new, &LIST, "new\n").expect("it still has them");
        assert_eq!(again, new, "a second time changes nothing");
    }

    #[test]
    fn a_page_without_the_place_is_an_error_that_says_so() {
        let error = renewed("# Page\n", &LIST, "new")
            .expect_err("there is no place")
            .to_string();
        assert!(
            error.contains("docs/page.md") && error.contains("generated: list"),
            "{error}"
        );
    }
}

//! The book hangs together: every page is in its table of contents, every link leads somewhere, and every reason
//! that a packet is counted under has its cure.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use dray_abi::Reason;

use crate::workspace;

/// Every page below docs/ is in SUMMARY.md, and every relative link of docs/ and README.md names a file.
pub(super) fn check() -> Result<()> {
    let root = workspace::root();
    let summary = root.join("docs/SUMMARY.md");
    let contents = links_of(&summary)?;
    let mut broken = Vec::new();
    let mut pages = pages(&root.join("docs"))?;
    for page in &pages {
        if *page != summary && !contents.contains(page) {
            broken.push(format!("{} is not in docs/SUMMARY.md", shown(page)));
        }
    }
    pages.push(root.join("README.md"));
    for page in &pages {
        for target in links_of(page)? {
            if !target.exists() {
                broken.push(format!(
                    "{} links to {}, which is not there",
                    shown(page),
                    shown(&target)
                ));
            }
        }
    }
    broken.extend(reasons_without_cure(&root.join("docs/troubleshoot.md"))?);
    if !broken.is_empty() {
        bail!("{}", broken.join("\n  "));
    }
    Ok(())
}

/// The reasons that have no section of their own in `page`.
fn reasons_without_cure(page: &Path) -> Result<impl Iterator<Item = String>> {
    let text = read(page)?;
    Ok(Reason::ALL
        .iter()
        .map(|reason| format!("### {}", reason.name()))
        .filter(move |heading| !text.lines().any(|line| line == heading))
        .map(|heading| format!("docs/troubleshoot.md has no section `{heading}`")))
}

fn read(page: &Path) -> Result<String> {
    fs::read_to_string(page).with_context(|| format!("failed to read {}", page.display()))
}

fn pages(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut pages = Vec::new();
    for entry in
        fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))?
    {
        let path = entry?.path();
        if path.is_dir() {
            pages.extend(self::pages(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    pages.sort();
    Ok(pages)
}

/// The files that `page` links to.
fn links_of(page: &Path) -> Result<Vec<PathBuf>> {
    let text = read(page)?;
    let folder = page.parent().expect("a file has a folder");
    Ok(relative_links(&text)
        .map(|link| normal(&folder.join(link)))
        .collect())
}

/// The targets of `[text](target)`, without those of the web and those within the page.
fn relative_links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#']).next())
        .filter(|link| !link.is_empty() && !link.contains("://") && !link.starts_with("mailto:"))
}

/// `path` without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                normal.pop();
            }
            std::path::Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}

fn shown(path: &Path) -> String {
    path.strip_prefix(workspace::root())
        .unwrap_or(path)
        .display()
        .to_string()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{normal, relative_links};

    #[test]
    fn links_within_the_book_are_found() {
        let text = "See [one](one.md), [two](../two.md#part), [the web](https://example.org/a.md), [here](#here).";
        assert_eq!(
            relative_links(text).collect::<Vec<_>>(),
            ["one.md", "../two.md"]
        );
    }

    #[test]
    fn a_path_is_followed_upwards() {
        assert_eq!(
            normal(Path::new("/docs/guide/./../two.md")),
            Path::new("/docs/two.md")
        );
    }
}

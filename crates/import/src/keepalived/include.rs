//! `include` and its kin: which files a pattern names.

use std::path::{Path, PathBuf};

use super::Files;

/// The file names of an `include`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Include<'t> {
    /// As it is written.
    pub(super) pattern: &'t str,
    /// Whether keepalived complains where no file matches.
    pub(super) must_match: bool,
}

/// The files that a pattern names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Matches {
    /// Paths of files, in the order in which they are read.
    pub(super) files: Vec<PathBuf>,
    /// Names without wildcards that nothing is there for.
    pub(super) missing: Vec<String>,
}

/// Reads `include FILE`, `includer FILE`, …; `None` where the line is something else.
pub(super) fn parse(line: &str) -> Option<Include<'_>> {
    let after = line.strip_prefix("include")?;
    let (kind, pattern) = after.split_at_checked(after.find([' ', '\t'])?)?;
    let must_match = match kind {
        "" => false,
        "r" | "m" | "w" | "b" | "a" => true,
        _ => return None,
    };
    let pattern = pattern.trim();
    let pattern = pattern
        .strip_prefix('"')
        .and_then(|pattern| pattern.strip_suffix('"'))
        .unwrap_or(pattern);
    Some(Include {
        pattern,
        must_match,
    })
}

/// The files that `pattern` names, from a file in `directory`.
pub(super) fn matches(files: &dyn Files, directory: &Path, pattern: &str) -> Matches {
    let mut matches = Matches::default();
    for name in unfold(pattern) {
        let path = directory.join(&name);
        if !has_wildcard(&name) {
            if files.is_file(&path) {
                matches.files.push(path);
            } else {
                matches.missing.push(name);
            }
            continue;
        }
        let start = if name.starts_with('/') {
            Path::new("/")
        } else {
            directory
        };
        let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty()).collect();
        let mut found = Vec::new();
        walk(files, start, &parts, &mut found);
        found.sort();
        matches.files.append(&mut found);
    }
    matches
}

/// The files below `directory` that match one part of the pattern at each level.
fn walk(files: &dyn Files, directory: &Path, parts: &[&str], found: &mut Vec<PathBuf>) {
    let Some((part, deeper)) = parts.split_first() else {
        return;
    };
    let candidates: Vec<(String, bool)> = if has_wildcard(part) {
        let names = files.names(directory).unwrap_or_default();
        let fitting = names.into_iter().filter(|name| fits(part, &name.name));
        fitting.map(|name| (name.name, name.is_directory)).collect()
    } else {
        vec![((*part).to_owned(), !deeper.is_empty())]
    };
    for (name, is_directory) in candidates {
        let path = directory.join(name);
        if deeper.is_empty() {
            if !is_directory && files.is_file(&path) {
                found.push(path);
            }
        } else if is_directory {
            walk(files, &path, deeper, found);
        }
    }
}

fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// `a{b,c}d` as `abd` and `acd`; braces may nest.
fn unfold(pattern: &str) -> Vec<String> {
    let Some(open) = pattern.find('{') else {
        return vec![pattern.to_owned()];
    };
    let mut depth = 0_usize;
    let mut cuts = vec![open];
    let mut close = None;
    for (at, char) in pattern.char_indices().skip_while(|(at, _)| *at < open) {
        match char {
            '{' => depth += 1,
            ',' if depth == 1 => cuts.push(at),
            '}' => {
                depth -= 1;
                if depth == 0 {
                    close = Some(at);
                    break;
                }
            }
            _ => {}
        }
    }
    let Some(close) = close else {
        return vec![pattern.to_owned()];
    };
    cuts.push(close);
    let (before, after) = (&pattern[..open], &pattern[close + 1..]);
    let choices = cuts.windows(2).map(|cut| &pattern[cut[0] + 1..cut[1]]);
    choices
        .flat_map(|choice| unfold(&format!("{before}{choice}{after}")))
        .collect()
}

/// Whether a file's name fits a pattern of the shell: `*`, `?`, `[a-z]`, `[!a-z]`. A dot at the start is only fitted by a dot.
fn fits(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        let step = match pattern.get(p) {
            Some('*') => {
                retry = Some((p, n));
                p += 1;
                continue;
            }
            Some('?') => Some(p + 1),
            Some('[') => class(&pattern, p, name[n]),
            Some(char) if *char == name[n] => Some(p + 1),
            _ => None,
        };
        match (step, retry) {
            (Some(next), _) => (p, n) = (next, n + 1),
            (None, Some((star, from))) => {
                retry = Some((star, from + 1));
                (p, n) = (star + 1, from + 1);
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|char| *char == '*')
}

/// Where the pattern goes on behind the class at `open`, if `char` is of it.
fn class(pattern: &[char], open: usize, char: char) -> Option<usize> {
    let is_not = matches!(pattern.get(open + 1), Some('!' | '^'));
    let first = open + 1 + usize::from(is_not);
    let close = first
        + 1
        + pattern
            .get(first + 1..)?
            .iter()
            .position(|char| *char == ']')?;
    let mut at = first;
    let mut is_in = false;
    while at < close {
        if at + 2 < close && pattern[at + 1] == '-' {
            is_in |= (pattern[at]..=pattern[at + 2]).contains(&char);
            at += 3;
        } else {
            is_in |= pattern[at] == char;
            at += 1;
        }
    }
    (is_in != is_not).then_some(close + 1)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Include, fits, matches, parse, unfold};
    use crate::keepalived::testing::Shelf;

    #[test]
    fn the_kinds_of_include_are_told_apart() {
        let plain = Include {
            pattern: "a.conf",
            must_match: false,
        };
        assert_eq!(parse("include a.conf"), Some(plain));
        assert!(parse("includew *.conf").is_some_and(|include| include.must_match));
        assert_eq!(parse("include_check match"), None);
        assert_eq!(parse("includex a"), None);
        assert_eq!(parse("interface eth0"), None);
    }

    #[test]
    fn braces_unfold() {
        assert_eq!(unfold("a"), ["a"]);
        assert_eq!(
            unfold("foo/{,cat,dog},bar"),
            ["foo/,bar", "foo/cat,bar", "foo/dog,bar"]
        );
        assert_eq!(unfold("{a,b{c,d}}e"), ["ae", "bce", "bde"]);
        assert_eq!(unfold("{a"), ["{a"]);
    }

    #[test]
    fn names_fit_patterns_as_in_the_shell() {
        assert!(fits("*.conf", "a.conf"));
        assert!(!fits("*.conf", ".a.conf"));
        assert!(fits("*a*b", "xaxxab"));
        assert!(!fits("*a*b", "xaxxa"));
        assert!(fits("[0-9][!x]?", "1ab"));
        assert!(!fits("[0-9]", "a"));
        assert!(!fits("[0-9", "1"));
    }

    #[test]
    fn patterns_name_files_in_the_order_of_their_names() {
        let shelf = Shelf::of(&[
            ("/etc/k/conf.d/b.conf", ""),
            ("/etc/k/conf.d/a.conf", ""),
            ("/etc/k/conf.d/a.txt", ""),
            ("/etc/k/x.conf", ""),
        ]);
        let names = |pattern| {
            let matches = matches(&shelf, Path::new("/etc/k"), pattern);
            let files = matches.files.iter().map(|file| file.display().to_string());
            (files.collect::<Vec<_>>(), matches.missing)
        };
        let both = vec![
            "/etc/k/conf.d/a.conf".to_owned(),
            "/etc/k/conf.d/b.conf".to_owned(),
        ];
        assert_eq!(names("conf.d/*.conf"), (both.clone(), vec![]));
        assert_eq!(names("/etc/*/conf.d/*.conf"), (both, vec![]));
        assert_eq!(
            names("{x,y}.conf"),
            (vec!["/etc/k/x.conf".to_owned()], vec!["y.conf".to_owned()])
        );
        assert_eq!(names("none/*"), (vec![], vec![]));
    }
}

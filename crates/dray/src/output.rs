//! Standard output: what was asked for, and nothing else.

use std::io::{self, ErrorKind, Write};

use anyhow::Context;
use serde::Serialize;

/// Writes text as it is. A reader that has gone away (`dray status | head -1`) is no error.
pub(crate) fn text(text: &str) -> anyhow::Result<()> {
    is_read(text).map(drop)
}

/// Writes text as it is, and tells whether anybody may read more of it.
pub(crate) fn is_read(text: &str) -> anyhow::Result<bool> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error).context("failed to write to standard output"),
    }
}

/// Writes a value as JSON over several lines.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    text(&as_json(value)?)
}

/// A value as JSON over several lines.
pub(crate) fn as_json(value: &impl Serialize) -> anyhow::Result<String> {
    let mut json = serde_json::to_string_pretty(value).context("failed to write JSON")?;
    json.push('\n');
    Ok(json)
}

/// A value as JSON on one line.
pub(crate) fn as_json_line(value: &impl Serialize) -> anyhow::Result<String> {
    let mut json = serde_json::to_string(value).context("failed to write JSON")?;
    json.push('\n');
    Ok(json)
}

/// Says what was done: a value as JSON, or a line.
pub(crate) fn done(as_json: bool, value: &impl Serialize, line: &str) -> anyhow::Result<()> {
    if as_json {
        json(value)
    } else {
        text(&format!("{line}\n"))
    }
}

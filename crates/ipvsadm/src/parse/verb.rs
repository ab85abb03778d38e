//! What a command line is to do: its first option says it.

use super::options::Tag;
use crate::{Role, Usage};

/// What a line is to do, by its first option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    AddService,
    EditService,
    DeleteService,
    Clear,
    List,
    AddServer,
    DeleteServer,
    EditServer,
    Set,
    StartDaemon(Role),
    StopDaemon(Role),
    Restore,
    Save,
    Zero,
}

/// What the first option says; `None` when it is none that can be first.
pub(super) fn verb(tag: Tag, argument: Option<&str>) -> Result<Option<Verb>, Usage> {
    let role = |wrong: &str| match argument {
        Some("master") => Ok(Role::Master),
        Some("backup") => Ok(Role::Backup),
        _ => Err(Usage::wrong(wrong)),
    };
    Ok(Some(match tag {
        Tag::AddService => Verb::AddService,
        Tag::EditService => Verb::EditService,
        Tag::DeleteService => Verb::DeleteService,
        Tag::Clear => Verb::Clear,
        Tag::List => Verb::List,
        Tag::Zero => Verb::Zero,
        Tag::AddServer => Verb::AddServer,
        Tag::EditServer => Verb::EditServer,
        Tag::DeleteServer => Verb::DeleteServer,
        Tag::Set => Verb::Set,
        Tag::Restore => Verb::Restore,
        Tag::Save => Verb::Save,
        Tag::StartDaemon => Verb::StartDaemon(role("illegal start-daemon parameter specified")?),
        Tag::StopDaemon => Verb::StopDaemon(role("illegal start_daemon specified")?),
        _ => return Ok(None),
    }))
}

impl Verb {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::AddService => "add-service",
            Self::EditService => "edit-service",
            Self::DeleteService => "delete-service",
            Self::Clear => "flush",
            Self::List => "list",
            Self::AddServer => "add-server",
            Self::DeleteServer => "delete-server",
            Self::EditServer => "edit-server",
            Self::Set => "set",
            Self::StartDaemon(_) => "start-daemon",
            Self::StopDaemon(_) => "stop-daemon",
            Self::Restore => "restore",
            Self::Save => "save",
            Self::Zero => "zero",
        }
    }
}

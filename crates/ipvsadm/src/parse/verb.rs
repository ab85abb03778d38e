//! What a command line is to do: its first option says it.

use super::options::Tag;
use crate::Usage;

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
    StartDaemon,
    StopDaemon,
    Restore,
    Save,
    Zero,
}

pub(super) fn verb(tag: Tag, argument: Option<&str>) -> Result<Verb, Usage> {
    let daemon = matches!(argument, Some("master" | "backup"));
    Ok(match tag {
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
        Tag::StartDaemon if daemon => Verb::StartDaemon,
        Tag::StartDaemon => return Err(Usage::wrong("illegal start-daemon parameter specified")),
        Tag::StopDaemon if daemon => Verb::StopDaemon,
        Tag::StopDaemon => return Err(Usage::wrong("illegal start_daemon specified")),
        Tag::Version => {
            return Err(Usage {
                status: 0,
                text: crate::command::VERSION.to_owned(),
            });
        }
        _ => return Err(Usage::try_help()),
    })
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
            Self::StartDaemon => "start-daemon",
            Self::StopDaemon => "stop-daemon",
            Self::Restore => "restore",
            Self::Save => "save",
            Self::Zero => "zero",
        }
    }
}

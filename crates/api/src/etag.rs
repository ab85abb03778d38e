//! Entity tags (RFC 9110 §8.8.3): what a caller has seen, so that it does not overwrite what it has not.
//!
//! The tag of the whole configuration is its revision. That of a service, of a real server or of the director's settings is
//! a hash of what they say, so that two writers are in each other's way only where both change the same thing.

use std::{fmt, io};

use dray_model::{
    Desired, RealServer, Service, ServiceName,
    document::{self, Endpoint},
    edit::Edit,
};
use ring::digest;
use serde::Serialize;

use crate::v1::Problem;

/// A strong entity tag, without its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ETag(String);

/// What must hold for a change to be made: the headers `If-Match` and `If-None-Match` (RFC 9110 §13.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing.
    #[default]
    None,
    /// What is changed is there.
    Exists,
    /// What is put is not there yet.
    Absent,
    /// What is changed is as one of these tags says.
    OneOf(Vec<ETag>),
}

/// The text is no list of entity tags.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no list of entity tags (write tags as they were given, in quotes, or `*`)")]
pub(crate) struct NotTags(String);

impl ETag {
    /// The tag of the configuration of that revision.
    pub fn of_revision(revision: u64) -> Self {
        Self(revision.to_string())
    }

    /// The tag of one service.
    pub fn of_service(service: &Service) -> Self {
        Self::of(&document::Service::from(service))
    }

    /// The tag of one real server of a service.
    pub fn of_real(real: &RealServer, service: &Service) -> Self {
        Self::of(&document::Real::of(real, service))
    }

    /// The tag of the director's settings.
    pub fn of_director(desired: &Desired) -> Self {
        Self::of(&document::Director::from(&desired.director))
    }

    /// The tag of what an edit changes, before it does; none when that is not there.
    fn of_target(edit: &Edit, desired: &Desired, revision: u64) -> Option<Self> {
        let real = |service: &ServiceName, real: &Endpoint| {
            let (service, real) = find_real(desired, service.as_str(), real)?;
            Some(Self::of_real(real, service))
        };
        match edit {
            Edit::AddService(_) | Edit::Clear => Some(Self::of_revision(revision)),
            Edit::PatchDirector { .. } => Some(Self::of_director(desired)),
            Edit::PutService { name, .. }
            | Edit::PatchService { name, .. }
            | Edit::RemoveService { name }
            | Edit::AddReal { service: name, .. } => {
                find_service(desired, name.as_str()).map(Self::of_service)
            }
            Edit::PutReal {
                service, real: at, ..
            }
            | Edit::PatchReal {
                service, real: at, ..
            }
            | Edit::RemoveReal { service, real: at } => real(service, at),
        }
    }

    fn of(value: &impl Serialize) -> Self {
        let mut hash = Hash(digest::Context::new(&digest::SHA256));
        serde_json::to_writer(&mut hash, value).expect("a document has only plain fields");
        let half = &hash.0.finish().as_ref()[..16].to_vec();
        Self(half.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// As it stands in a header: in quotes.
impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

impl Precondition {
    /// Whether it holds for an edit of the configuration of that revision.
    ///
    /// # Errors
    /// With status 412 when it does not. What is to be changed and is not there is no error here: the edit says so better.
    pub fn check_edit(&self, edit: &Edit, desired: &Desired, revision: u64) -> Result<(), Problem> {
        if *self == Self::None {
            return Ok(());
        }
        let puts = matches!(edit, Edit::PutService { .. } | Edit::PutReal { .. });
        match ETag::of_target(edit, desired, revision) {
            None if !puts => Ok(()),
            present => self.check(present.as_ref()),
        }
    }

    /// Whether it holds for a change of the whole configuration.
    ///
    /// # Errors
    /// With status 412 when it does not.
    pub fn check_revision(&self, revision: u64) -> Result<(), Problem> {
        self.check(Some(&ETag::of_revision(revision)))
    }

    fn check(&self, present: Option<&ETag>) -> Result<(), Problem> {
        let why = match (self, present) {
            (Self::None, _) | (Self::Exists, Some(_)) | (Self::Absent, None) => return Ok(()),
            (Self::OneOf(tags), Some(present)) if tags.contains(present) => return Ok(()),
            (Self::OneOf(_), Some(present)) => {
                format!("its tag is {present} now: somebody else has changed it")
            }
            (Self::Absent, Some(_)) => "it is there already".to_owned(),
            (Self::Exists | Self::OneOf(_), None) => "it is not there".to_owned(),
        };
        Err(Problem::precondition_failed(format!(
            "{why}; nothing was changed: read again, and decide anew"
        )))
    }
}

/// How tags are compared (RFC 9110 §8.8.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// For a change: a weak tag is none of ours, and equals none.
    Strong,
    /// For reading: somebody on the way may have made a weak tag of ours.
    Weak,
}

/// The tags in the value of a header `If-Match` or `If-None-Match` that can equal one of ours.
pub(crate) fn tags(text: &str, comparison: Comparison) -> Result<Vec<ETag>, NotTags> {
    let wrong = || NotTags(text.to_owned());
    let mut tags = Vec::new();
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let is_weak = rest.starts_with("W/");
        let inside = rest.strip_prefix("W/").unwrap_or(rest);
        let inside = inside.strip_prefix('"').ok_or_else(wrong)?;
        let (tag, after) = inside.split_once('"').ok_or_else(wrong)?;
        if !tag.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong());
        }
        if !is_weak || comparison == Comparison::Weak {
            tags.push(ETag(tag.to_owned()));
        }
        rest = after.trim_start();
        if !rest.is_empty() {
            rest = rest.strip_prefix(',').ok_or_else(wrong)?.trim_start();
        }
    }
    Ok(tags)
}

/// The service of that name.
pub(crate) fn find_service<'d>(desired: &'d Desired, name: &str) -> Option<&'d Service> {
    let mut services = desired.services.iter();
    let found = services.find(|service| service.name.as_str() == name);
    found.map(|service| &**service)
}

/// The real server of that name in the service of that name.
pub(crate) fn find_real<'d>(
    desired: &'d Desired,
    service: &str,
    real: &Endpoint,
) -> Option<(&'d Service, &'d RealServer)> {
    let service = find_service(desired, service)?;
    let mut reals = service.reals.iter();
    let found = reals.find(|each| real.names(each, &service.identity))?;
    Some((service, found))
}

struct Hash(digest::Context);

impl io::Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

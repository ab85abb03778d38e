//! A configuration: a text, and what it means.

use std::sync::Arc;

use dray_model::{
    Desired,
    config::{self, Diagnostics},
};

use crate::Digest;

/// A configuration's text with what it means. There is none that does not parse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    text: Arc<str>,
    desired: Arc<Desired>,
    digest: Digest,
}

impl Configuration {
    /// Reads the text of a configuration. `file_name` is only for the messages.
    ///
    /// # Errors
    /// With every error of the text.
    pub fn parse(file_name: &str, text: impl Into<Arc<str>>) -> Result<Self, Diagnostics> {
        let text = text.into();
        let desired = Arc::new(config::parse(file_name, &text)?);
        Ok(Self::parsed(text, desired))
    }

    /// The same for somebody who has parsed it already: `desired` is what the text means.
    pub fn parsed(text: impl Into<Arc<str>>, desired: Arc<Desired>) -> Self {
        let text = text.into();
        let digest = Digest::of(text.as_bytes());
        Self {
            text,
            desired,
            digest,
        }
    }

    /// The text, to the byte.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// What it means.
    pub fn desired(&self) -> &Arc<Desired> {
        &self.desired
    }

    /// The fingerprint of its text.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

//! Tells of any line whether it belongs to a pattern, as the pattern was when it was asked for.

use std::sync::Arc;

use super::cluster::Template;
use super::line::{Reader, Written};
use crate::domain::log::Level;

/// Takes the lines of one pattern and no others. It keeps buffers of its own; a clone is another reader's.
#[derive(Debug)]
pub struct Matcher {
    service: Option<Arc<str>>,
    level: Level,
    written: Written,
    template: Template,
    reader: Reader,
}

impl Clone for Matcher {
    fn clone(&self) -> Self {
        Self {
            service: self.service.clone(),
            level: self.level,
            written: self.written,
            template: self.template.clone(),
            reader: Reader::new(self.reader.reach()),
        }
    }
}

impl Matcher {
    pub(super) fn new(
        (service, level): (Option<Arc<str>>, Level),
        written: Written,
        template: Template,
        reader: Reader,
    ) -> Self {
        Self {
            service,
            level,
            written,
            template,
            reader,
        }
    }

    /// Whether a line is of the pattern; the same arguments as [`super::Patterns::learn`] was given.
    pub fn holds(&mut self, level: Level, service: Option<&str>, text: &[u8], extra: &[u8]) -> bool {
        level == self.level
            && service == self.service.as_deref()
            && self.reader.read(text, extra) == self.written
            && self.template.fits(&self.reader.masked)
    }
}

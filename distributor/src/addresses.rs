//! The patterns of all addresses that are documented, for labels and logs.

use std::collections::BTreeSet;
use std::sync::Arc;

/// The label of a request that is for none of them.
pub const NONE: &str = "none";

/// The patterns of all addresses that are documented; clones share them.
#[derive(Debug, Clone)]
pub struct Addresses(Arc<BTreeSet<Arc<str>>>);

impl Addresses {
    /// These.
    pub fn new<'a>(patterns: impl Iterator<Item = &'a str>) -> Self {
        Self(Arc::new(patterns.map(Arc::from).collect()))
    }

    /// The pattern if it is one of them.
    pub fn known(&self, pattern: &str) -> Option<Arc<str>> {
        self.0.get(pattern).cloned()
    }
}

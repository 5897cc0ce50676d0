//! Who asks: uploaders by access key, donors by signature.

mod donor;
mod uploader;

pub use donor::{Claimed, Signed};
pub use uploader::{Scope, Uploader, known_key, may_read, missing_key};

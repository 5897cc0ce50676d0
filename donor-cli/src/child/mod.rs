//! A unit's process: the donor's own file, started again with a hidden command.

pub mod bucket;
pub mod gate;
pub mod limits;
pub mod messages;
pub mod unit;
pub mod work;

/// The hidden command.
pub const COMMAND: &str = "work-unit";

//! The site: what people look at instead of reading. Pages are made here from what the store says, whole, for every
//! browser; a script only keeps figures fresh. Whatever strangers wrote goes through [`maud`], which escapes it, or
//! through [`markdown`].
//!
//! Links are relative, since a proxy may put the site below a path that the distributor never sees.

pub mod answer;
pub mod assets;
pub mod board;
mod chart;
pub mod donor;
pub mod forecast;
mod frame;
pub mod front;
pub mod markdown;
pub mod owner;
mod parts;
pub mod plot;
pub mod project;
pub mod projects;
pub mod refusal;
pub mod team;
mod words;

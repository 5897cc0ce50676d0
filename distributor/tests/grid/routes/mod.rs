//! One module for each beginning of an address: what is taken, what is refused, and how it is said.

mod any;
mod browser;
mod leases;
mod operations;
mod programs;
mod projects;
mod units;

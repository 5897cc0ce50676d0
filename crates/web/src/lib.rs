//! What a browser's tab needs to donate and to check results: it runs units, proves them and verifies proofs, in one thread, without
//! files, sockets or clocks. Those are the page's, and so is everything that asks the distributor (`js/`).
//!
//! Nothing that the distributor says is believed here: leases, receipts and checks come in as the texts that it sent, and are compared
//! with what was asked for. All of this builds natively too, where it is tested; what JavaScript calls is in
//! `glue`, and only there for `wasm32`.

mod answers;
mod check;
#[cfg(target_arch = "wasm32")]
mod glue;
mod project;
mod unit;

pub use answers::{
    LeaseWish, lease_request, read_lease, read_no_work, read_problem, read_receipt, read_renewal, submission_target,
};
pub use check::{Checked, CheckedRun, check, read_check};
pub use project::{Failure, OpenProject};
pub use unit::{Bounds, Host, MAX_CELLS, Proven, Stop, work};

//! Bitwise row tables: a prank for every constraint and interaction, proofs of false claims that must be refused, and layouts that are none.
//!
//! Each false claim is consistent but for one thing: without that thing, which the test names, the same proof is accepted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod forger;
mod honest;
mod instances;
mod layouts;
mod planned;
mod rows;

use cairo_air::components::bitwise::BitwiseSize;
use cairo_air::components::bitwise_row::{BitwiseRow, CELLS};
use cairo_air::components::byte_and;
use cairo_air::layout::BitwiseRowsError;
use cairo_air::{
    Builtin, CairoProof, LayoutError, Segment, TableEntry, TableKind, Verified, VerifyError, buses, public_tuples,
    verify,
};
use cairo_prover::Witness;
use cairo_prover::witness::build;
use common::balance::balance;
use common::instances::{classes, row, witness_with};
use common::{disclose_all, execution, report};
use felt::{Felt, encoding};
use forger::*;
use honest::*;
use stark::{NoControl, PublicTuple, Shape};
use std::collections::BTreeSet;
use std::sync::Arc;
use testkit::proofs::{CHEAP, policy};

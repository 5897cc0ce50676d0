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
use cairo_air::components::{Path, byte_and};
use cairo_air::layout::BitwiseRowsError;
use cairo_air::{
    Builtin, CairoProof, LayoutError, Segment, TableEntry, TableKind, Verified, VerifyError, buses, public_tuples,
    verify,
};
use cairo_execution::Execution;
use cairo_prover::planner::Assignment;
use cairo_prover::planner::builtins::bitwise_rows::Instances;
use cairo_prover::prove::all_generic;
use cairo_prover::witness::build;
use cairo_prover::{StepTable, Witness, table_size};
use common::balance::balance;
use common::{disclose_all, execution, report};
use felt::{Felt, encoding};
use forger::*;
use honest::*;
use stark::{NoControl, PublicTuple, Shape};
use std::collections::BTreeSet;
use std::sync::Arc;
use testkit::proofs::{CHEAP, policy};

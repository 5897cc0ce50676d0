//! Bitwise row tables: a prank for every constraint and interaction, proofs of false claims that must be refused, and layouts that are none.
//!
//! Each false claim is consistent but for one thing: without that thing, which the test names, the same proof is accepted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod bytes;
mod files;
mod forger;
mod honest;
mod inputs;
mod instances;
mod layouts;
mod owners;
mod planned;
mod rows;
mod segment;
mod told;

use cairo_air::components::bitwise::BitwiseSize;
use cairo_air::components::bitwise_row::{BitwiseRow, CELLS};
use cairo_air::components::{Context, byte_and, memory, nibble_and};
use cairo_air::layout::BitwiseRowsError;
use cairo_air::{
    Builtin, CairoProof, CodecError, DisclosedTable, LayoutError, Program, ProofFileError, Segment, TableKind,
    VerifyError, buses, verify,
};
use cairo_prover::Witness;
use cairo_prover::planner::builtins::bitwise_rows::Instances;
use cairo_prover::witness::build;
use common::alone::Alone;
use common::forger::{Forger, Weak, edge, public, twice};
use common::instances::{classes, row, segment_of, witness_with};
use common::{execution, report};
use felt::{Felt, encoding};
use forger::*;
use honest::*;
use stark::{AirBuilder, DisclosedError, NoControl, PublicTuple};
use std::collections::BTreeSet;
use testkit::proofs::{CHEAP, policy};
use told::*;

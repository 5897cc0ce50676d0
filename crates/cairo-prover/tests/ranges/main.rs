//! Range tables: a prank for every constraint and interaction, proofs of false claims that must be refused, and layouts that are none.
//!
//! Each false claim is consistent but for one thing: without that thing, which the test names, the same proof is accepted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod cells;
mod forger;
mod honest;
mod layouts;
mod planned;
mod rows;
mod segment;
mod several;

use cairo_air::components::range::Range;
use cairo_air::components::range_check::Limbs;
use cairo_air::components::range_row::{Entry, MAX_CELLS, ONCE, RangeRow, UNUSED};
use cairo_air::components::{Limb, Path, word12, word16};
use cairo_air::{
    Builtin, CairoProof, ClaimError, CodecError, LayoutError, Program, ProofFileError, Segment, TableEntry, TableKind,
    VerifyError, buses, verify,
};
use cairo_execution::Execution;
use cairo_prover::prove::{all_generic, witness};
use cairo_prover::witness::memory as memory_witness;
use cairo_prover::witness::multiplicities::Multiplicities;
use cairo_prover::witness::range_check::fill_words12;
use cairo_prover::{StepTable, Witness, table_size};
use common::alone::Alone;
use common::forger::{Forger, Weak, edge, kept, public, twice};
use common::{execution, report};
use felt::{Felt, encoding};
use forger::*;
use honest::*;
use stark::{AirBuilder, Bus, NoControl, PublicTuple};
use std::collections::BTreeSet;
use std::sync::OnceLock;
use testkit::proofs::{CHEAP, policy};

//! Full proofs of false claims. Each attack takes an honest witness, changes it consistently wherever the change shows,
//! lets every lookup table offer whatever it can, makes a whole new proof of the false claim, and must be refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod batches;
mod borders;
mod builtins;
mod circuits;
mod files;
mod forger;
mod honest;
mod modular;
mod owners;
mod owning_words;
mod retold;
mod statement;
mod steps;
mod tables;

use cairo_air::claim::ClaimError;
use cairo_air::components::bitwise::BitwiseSize;
use cairo_air::components::derived::{Linear, Source};
use cairo_air::components::range_check::Limbs;
use cairo_air::components::{Limb, Path, cell, memory, word12};
use cairo_air::decode::signed;
use cairo_air::fetch::{Fetch, FetchError, MAX_FETCHES};
use cairo_air::{
    ArgumentBinding, Builtin, CairoProof, Layout, LayoutError, Program, Segment, Statement, TableEntry, TableKind,
    Verified, VerifyError, Version, buses, public_tuples, verify,
};
use cairo_execution::Execution;
use cairo_prover::planner::{Costs, DEFAULT_COLUMNS, plan};
use cairo_prover::prove::{all_generic, witness};
use cairo_prover::witness::multiplicities::Multiplicities;
use cairo_prover::witness::range_check::fill_words12;
use cairo_prover::witness::word12 as word12_witness;
use cairo_prover::{StepTable, Witness};
use common::balance::balance;
use common::{disclose_all, execution, generic_witness};
use felt::{Felt, encoding};
use forger::*;
use honest::*;
use retold::*;
use stark::debug::Report;
use stark::graph::Input;
use stark::{NoControl, Shape};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use testkit::proofs::{CHEAP, policy};

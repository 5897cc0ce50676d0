//! The table that decodes instructions with an opcode extension.

use crate::cheating::{Alone, every_cell_counts, forge, halve, is_refused};
use crate::runs::{ADD, AP_ADD1, ASSERT_EQ, DST_FP, MUL, OP0_FP, OP1_AP, OP1_FP, OP1_IMM, Word, execution, made, word};
use crate::system::System;
use cairo_air::TableKind;
use cairo_air::decode::Extension;
use cairo_prover::Witness;
use felt::Felt;

const KIND: TableKind = TableKind::OpcodeExtension;

/// Sums and products of zeros in every way that there is.
fn honest() -> Witness {
    let mut words = Vec::new();
    for source in [OP1_FP, OP1_AP, OP1_IMM] {
        for (res, bases) in [(ADD, 0), (MUL, DST_FP | AP_ADD1), (ADD, OP0_FP | AP_ADD1), (MUL, DST_FP | OP0_FP)] {
            let is_immediate = source == OP1_IMM;
            let flags = ASSERT_EQ | source | res | bases;
            let Word(instruction, _) = word(Extension::Qm31, flags, [0, 1, if is_immediate { 1 } else { 2 }]);
            words.push(Word(instruction, is_immediate.then(Felt::zero)));
        }
    }
    let execution = execution(&words, &[Felt::zero(); 16]);
    execution.check().unwrap();
    made(&execution)
}

fn set(system: &mut System, row: usize, edits: &[(&str, Felt)]) {
    for (name, value) in edits {
        system.column(0, name)[row] = *value;
    }
}

#[test]
fn every_cell_of_a_row_counts() {
    every_cell_counts(&honest(), &KIND, &[0, 9]);
}

/// Memory holds the word that the row says, and who executes it takes what it provides.
#[test]
fn each_rule_stands_alone() {
    let mut alone = Alone::new(&honest(), &KIND);
    alone.expect("boolean_enabler", |system| halve(system, 0, 63));
    // Row 0 is a sum with op1 at fp, row 8 one with an immediate.
    for name in ["qm31", "dst_fp", "op0_fp", "op1_fp", "res_mul", "ap_add1"] {
        alone.expect(&format!("boolean_{name}"), |system| set(system, 0, &[(name, Felt::from(2))]));
    }
    alone.expect("boolean_op1_imm", |system| set(system, 8, &[("op1_imm", Felt::from(2))]));
    let finalize = |value: u64| [("qm31", Felt::zero()), ("finalize", Felt::from(value))];
    alone.expect("boolean_finalize", |system| set(system, 0, &finalize(2)));
    alone.expect("one_extension", |system| set(system, 0, &[("finalize", Felt::one())]));
    alone.expect("one_op1_source", |system| set(system, 8, &[("op1_fp", Felt::one())]));
    alone.expect("blake_op1_imm", |system| set(system, 8, &[("qm31", Felt::zero())]));
    alone.expect("blake_res_mul", |system| set(system, 1, &[("qm31", Felt::zero())]));
    alone.expect("immediate_off2", |system| set(system, 8, &[("offset_low[2]", Felt::from(2))]));
    for half in ["low", "high"] {
        for i in 0..3 {
            alone.expect(&format!("byte_{half}[{i}]"), |system| {
                set(system, 0, &[(&format!("offset_{half}[{i}]"), Felt::from(256))]);
            });
        }
    }
    alone.finish();
}

#[test]
fn another_instruction_is_refused_in_a_proof() {
    let honest = honest();
    for (name, value) in [("qm31", 0), ("finalize", 1), ("res_mul", 1), ("dst_fp", 1), ("op1_imm", 1), ("ap_add1", 1)] {
        is_refused(forge(&honest, &KIND, 0, &[(name, Felt::from(value))], &[]));
    }
}

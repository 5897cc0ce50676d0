//! QM31 in whole proofs of false claims, in which everything that a forgery touches is made to fit, so that one thing alone stands against each.

use crate::cheating::forge;
use crate::common::only::{accepted, refused_only_by};
use crate::common::table;
use crate::runs::{ADD, ASSERT_EQ, MAIN, OP1_FP, OP1_IMM, Word, execution, frame, made, word};
use cairo_air::components::qm31::ORDER;
use cairo_air::decode::{DecodeError, Extended, Extension};
use cairo_air::{Program, TableKind};
use cairo_execution::extended::qm31::Qm31;
use cairo_prover::Witness;
use felt::Felt;

const KIND: TableKind = TableKind::Qm31;

/// One sum, whose operands nothing else uses: the witness, and where the sum stands.
fn sum(x: Qm31, y: Qm31) -> (Witness, u32) {
    let words = [word(Extension::Qm31, ASSERT_EQ | ADD | OP1_FP, [0, 1, 2])];
    let run = execution(&words, &[x + y, x, y].map(|value| value.pack()));
    run.check().unwrap();
    (made(&run), frame(&words))
}

/// The inverse that two coordinates demand.
fn apart(coordinates: [u64; 2]) -> Felt {
    coordinates.iter().fold(Felt::one(), |product, c| product * (Felt::from(*c) - Felt::from(ORDER))).inv().unwrap()
}

fn limb(value: u64) -> Felt {
    Felt::from(value)
}

/// A coordinate of 37 bits is the next one, less one: `i` is taken for 2^36, which is 32. Other sums follow, with other quotients.
#[test]
fn coordinates_that_overlap() {
    let (x, y) = (Qm31([0, 1, 0, 0]), Qm31([5, 0, 0, 0]));
    let (honest, dst) = sum(x, y);
    accepted(honest.clone());
    let result = Qm31([37, 0, 0, 0]);
    let bias = 1 << 11;
    let edits = [
        ("op0[2]", limb(1 << 12)),
        ("op0[3]", limb(0)),
        ("apart[2]", apart([1 << 36, 0])),
        ("dst[0]", limb(37)),
        ("dst[3]", limb(0)),
        ("apart[0]", apart([37, 0])),
        ("quotient[0]", limb(32)),
        ("quotient[2]", limb(bias)),
    ];
    let forged = forge(&honest, &KIND, 0, &edits, &[(dst, result.pack())]);
    refused_only_by(forged, &["qm31/limb_op0[2]", "qm31/top_op0[2]"]);
}

/// Any value for a sum: the element of the field that, times the order, makes up for it.
#[test]
fn quotients_that_are_none() {
    let (x, y) = (Qm31([1, 2, 3, 4]), Qm31([5, 6, 7, 8]));
    let (honest, dst) = sum(x, y);
    for coordinate in 0..4 {
        let mut result = x + y;
        result.0[coordinate] += 1000;
        // 2^11 is the bias, in the highest limb.
        let quotient = -Felt::from(1000) * (Felt::from(ORDER) * Felt::from(1 << 24)).inv().unwrap();
        let pair = coordinate / 2;
        let coordinates = [result.0[2 * pair], result.0[2 * pair + 1]].map(u64::from);
        let [lowest, highest, inverse] =
            [format!("dst[{}]", 3 * coordinate), format!("quotient[{}]", 3 * coordinate + 2), format!("apart[{pair}]")];
        let edits = [
            (&*lowest, limb(u64::from(result.0[coordinate]))),
            (&*highest, limb(1 << 11) + quotient),
            (&*inverse, apart(coordinates)),
        ];
        let forged = forge(&honest, &KIND, 0, &edits, &[(dst, result.pack())]);
        refused_only_by(forged, &[&format!("qm31/limb_{highest}")]);
    }
}

/// A sum that is 0 is asserted to be the order, and an operand of 0 to be it.
#[test]
fn the_order_is_no_coordinate() {
    let zero = Qm31::default();
    let (honest, dst) = sum(zero, zero);
    let order = [4095, 4095, 127].map(limb);
    for (operand, number, lowest) in [("dst", 0, limb(4095)), ("op0", 1, limb(1)), ("op1", 2, limb(1))] {
        let names = [0, 1, 2].map(|i| format!("{operand}[{i}]"));
        let quotient = if operand == "dst" {
            // 2^35 less one.
            [("quotient[0]", lowest), ("quotient[1]", limb(4095)), ("quotient[2]", limb(2047))]
        } else {
            [("quotient[0]", lowest), ("quotient[1]", limb(0)), ("quotient[2]", limb(2048))]
        };
        let edits: Vec<(&str, Felt)> = names.iter().map(|name| &**name).zip(order).chain(quotient).collect();
        let forged = forge(&honest, &KIND, 0, &edits, &[(dst + number, Felt::from(ORDER))]);
        refused_only_by(forged, &[&format!("qm31/reduced[{}]", 2 * number)]);
    }
}

/// A word that is no instruction, with two sources of its second operand, in a program of its own: `pc + fp − ap` and one is where the immediate
/// stands, since `fp` is `ap`.
#[test]
fn two_sources_of_an_operand() {
    let (x, y) = (Qm31([1, 2, 3, 4]), Qm31([5, 6, 7, 8]));
    let Word(instruction, _) = word(Extension::Qm31, ASSERT_EQ | ADD | OP1_IMM, [0, 1, 1]);
    let run = execution(&[Word(instruction, Some(y.pack()))], &[(x + y).pack(), x.pack()]);
    run.check().unwrap();
    let honest = made(&run);
    accepted(honest.clone());
    // Of an operand at ap, the flag is what the other two leave: -1.
    let illegal = instruction.encode() - Felt::from(8_u64 << 48);
    assert_eq!(Extended::new(&illegal), Err(DecodeError::Qm31Flags));
    let mut forged = forge(&honest, &KIND, 0, &[("op1_fp", Felt::one())], &[(MAIN, illegal)]);
    let (names, trace) = table(&mut forged, &TableKind::OpcodeExtension);
    let column = names.iter().position(|name| name == "op1_fp").unwrap();
    trace[column][0] = Felt::one();
    let program = &forged.statement.program;
    let mut words = program.bytecode().to_vec();
    words[MAIN as usize - 1] = illegal;
    forged.statement.program = Program::new(words, program.builtins().to_vec(), program.arguments()).unwrap();
    refused_only_by(forged, &["opcode_extension/one_op1_source"]);
}

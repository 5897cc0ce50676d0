//! Assertions of sums and products in QM31: one step a row. See README.md.

use crate::buses;
use crate::components::columns::columns;
use crate::components::component::{Component, ComponentError, Context, Occurrence};
use crate::decode::Extension;
use felt::Felt;
use stark::{Air, AirBuilder, AirError, Expr, Rows};

/// The order of the field M31.
pub const ORDER: u64 = (1 << 31) - 1;

/// Bits from one coordinate of a packed value to the next.
pub const STRIDE: u32 = 36;

/// Coordinates of a value.
pub const COORDINATES: usize = 4;

/// Bits of a limb.
pub const LIMB_BITS: u32 = 12;

/// Limbs of a coordinate: 12, 12 and 7 bits.
pub const LIMBS: usize = 3;

/// By what a quotient's limbs are too large: quotients lie between `−2^35` and `2^35`.
pub const QUOTIENT_BIAS: u64 = 1 << 35;

/// The kind: it has nothing but its name.
#[derive(Debug, Clone, Copy)]
pub struct Table;

impl Component for Table {
    fn name(&self) -> String {
        "qm31".to_owned()
    }

    fn code(&self) -> u8 {
        81
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::AsNeeded
    }

    fn air(&self, _context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(air()?)
    }
}

columns! {
    /// 1 if the row executes its step, 0 in padding.
    enabler,
    /// Program counter.
    pc,
    /// Allocation pointer.
    ap,
    /// Frame pointer.
    fp,
    /// Steps before this one.
    clock,
    /// The flag dst_fp.
    dst_fp,
    /// The flag op0_fp.
    op0_fp,
    /// The flag op1_imm.
    op1_imm,
    /// The flag op1_fp.
    op1_fp,
    /// The flag res_mul.
    res_mul,
    /// The flag ap_add1.
    ap_add1,
    /// The signed offsets.
    offset[3],
    /// Limbs of the coordinates of dst, the first coordinate's first.
    dst[12],
    /// Of op0.
    op0[12],
    /// Of op1.
    op1[12],
    /// For each two coordinates, those of dst first, the inverse of the product of what they differ by from the order.
    apart[6],
    /// For each coordinate of the result the limbs of what it is reduced by, in multiples of the order, plus [`QUOTIENT_BIAS`].
    quotient[12],
}

/// The coordinates of the product of two values, not reduced: QM31 is M31(i)(u) with `i² = −1` and `u² = 2 + i`, and a value is
/// `c0 + c1·i + (c2 + c3·i)·u`.
fn product(x: &[Expr; COORDINATES], y: &[Expr; COORDINATES]) -> [Expr; COORDINATES] {
    let at = |i: usize, j: usize| &x[i] * &y[j];
    // The product of the parts at u, which comes in times 2 + i.
    let (real, imaginary) = (at(2, 2) - at(3, 3), at(2, 3) + at(3, 2));
    [
        at(0, 0) - at(1, 1) + &real * 2 - &imaginary,
        at(0, 1) + at(1, 0) + &real + &imaginary * 2,
        at(0, 2) - at(1, 3) + at(2, 0) - at(3, 1),
        at(0, 3) + at(1, 2) + at(2, 1) + at(3, 0),
    ]
}

/// A number from its limbs, the lowest first.
fn number(limbs: &[Expr]) -> Expr {
    limbs.iter().rev().fold(Expr::zero(), |number, limb| number * (1_u64 << LIMB_BITS) + limb)
}

/// The AIR.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air() -> Result<Air, AirError> {
    let mut b = AirBuilder::new("qm31");
    let c = Columns::new(&mut b);
    let booleans = [
        ("enabler", &c.enabler),
        ("dst_fp", &c.dst_fp),
        ("op0_fp", &c.op0_fp),
        ("op1_imm", &c.op1_imm),
        ("op1_fp", &c.op1_fp),
        ("res_mul", &c.res_mul),
        ("ap_add1", &c.ap_add1),
    ];
    for (name, column) in booleans {
        b.constrain_boolean(format!("boolean_{name}"), column);
    }
    let operands = [("dst", &c.dst), ("op0", &c.op0), ("op1", &c.op1)];
    let values: [[Expr; COORDINATES]; 3] =
        operands.map(|(_, limbs)| std::array::from_fn(|i| number(&limbs[LIMBS * i..LIMBS * (i + 1)])));
    // A coordinate is below 2^31 by its limbs, and not 2^31 − 1: the product of two differences has an inverse if neither is 0.
    let pairs = values.iter().flat_map(|value| value.chunks_exact(2)).zip(&c.apart);
    for (i, (pair, inverse)) in pairs.enumerate() {
        let product = pair.iter().fold(Expr::one(), |product, coordinate| product * (coordinate - ORDER));
        b.constrain(format!("reduced[{i}]"), Rows::All, product * inverse - 1);
    }
    // dst + quotient·(2^31 − 1) is the sum or the product. Both sides are below 2^67 in amount: an equation of integers.
    let [dst, op0, op1] = &values;
    let products = product(op0, op1);
    for (i, limbs) in c.quotient.chunks_exact(LIMBS).enumerate() {
        let sum = &op0[i] + &op1[i];
        let result = &c.res_mul * (&products[i] - &sum) + sum;
        let quotient = number(limbs) - QUOTIENT_BIAS;
        b.constrain(format!("result[{i}]"), Rows::All, &dst[i] + quotient * ORDER - result);
    }
    look_up(&mut b, &c, &values);
    b.build()
}

/// All lookups carry the enabler, so a padding row requires and provides nothing.
fn look_up(b: &mut AirBuilder, c: &Columns<Expr>, values: &[[Expr; COORDINATES]; 3]) {
    let enabler = &c.enabler;
    let [off0, off1, off2] = &c.offset;
    b.require("state", buses::STATE, enabler, [&c.pc, &c.ap, &c.fp, &c.clock].map(Expr::clone));
    let next = [&c.pc + 1 + &c.op1_imm, &c.ap + &c.ap_add1, c.fp.clone(), &c.clock + 1];
    b.provide("next_state", buses::STATE, enabler, next);
    // The instruction has one source of op1, so op1_imm and op1_fp are not both 1: with −16 for op1_ap the lowest seven bits would be 28 to 31
    // or 60 to 63, which no instruction has.
    let op1_ap = Expr::one() - &c.op1_imm - &c.op1_fp;
    let flags = &c.dst_fp
        + &c.op0_fp * 2
        + &c.op1_imm * 4
        + &c.op1_fp * 8
        + &op1_ap * 16
        + 32
        + &c.res_mul * 32
        + &c.ap_add1 * (1 << 11)
        + (1 << 14);
    let extension = Expr::zero() + Extension::Qm31.number();
    let instruction = [c.pc.clone(), extension, flags, off0.clone(), off1.clone(), off2.clone()];
    b.require("instruction", buses::OPCODE_EXTENSION, enabler, instruction);
    let base = |fp_flag: &Expr| &c.ap + fp_flag * (&c.fp - &c.ap);
    let op1_base = &c.op1_imm * &c.pc + &c.op1_fp * &c.fp + op1_ap * &c.ap;
    let addresses = [base(&c.dst_fp) + off0, base(&c.op0_fp) + off1, op1_base + off2];
    let stride = Felt::from(1_u64 << STRIDE);
    for ((name, value), address) in ["dst", "op0", "op1"].into_iter().zip(values).zip(addresses) {
        let packed = value.iter().rev().fold(Expr::zero(), |packed, coordinate| packed * stride + coordinate);
        b.require(name, buses::MEMORY, enabler, [address, packed]);
    }
    for (name, limbs) in [("dst", &c.dst), ("op0", &c.op0), ("op1", &c.op1)] {
        for (i, limb) in limbs.iter().enumerate() {
            b.require(format!("limb_{name}[{i}]"), buses::WORD12, enabler, [limb.clone()]);
            // Of a coordinate's highest limb 32 times as much is below 2^12, too: it has 7 bits.
            if i % LIMBS == LIMBS - 1 {
                b.require(format!("top_{name}[{i}]"), buses::WORD12, enabler, [limb * 32]);
            }
        }
    }
    for (i, limb) in c.quotient.iter().enumerate() {
        b.require(format!("limb_quotient[{i}]"), buses::WORD12, enabler, [limb.clone()]);
    }
}

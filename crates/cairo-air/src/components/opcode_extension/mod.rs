//! Decoding of instructions with an opcode extension: one row for each distinct one. See README.md.

use crate::buses;
use crate::components::columns::columns;
use crate::components::component::{Component, ComponentError, Context, Occurrence};
use crate::decode::OFFSET_BIAS;
use felt::Felt;
use stark::{Air, AirBuilder, AirError, Expr, Rows};

/// The kind: it has nothing but its name.
#[derive(Debug, Clone, Copy)]
pub struct Table;

impl Component for Table {
    fn name(&self) -> String {
        "opcode_extension".to_owned()
    }

    fn code(&self) -> u8 {
        80
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::IfRequired(buses::OPCODE_EXTENSION)
    }

    fn air(&self, _context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(air()?)
    }
}

columns! {
    /// 1 on rows in use.
    enabler,
    /// Address of the instruction.
    pc,
    /// 1 if the extension is that of QM31.
    qm31,
    /// 1 if it is that of blake's last block.
    finalize,
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
    /// The low bytes of the biased offsets.
    offset_low[3],
    /// The high bytes of the biased offsets.
    offset_high[3],
    /// How often the instruction is executed.
    multiplicity,
}

/// The AIR.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air() -> Result<Air, AirError> {
    let mut b = AirBuilder::new("opcode_extension");
    let Columns {
        enabler,
        pc,
        qm31,
        finalize,
        dst_fp,
        op0_fp,
        op1_imm,
        op1_fp,
        res_mul,
        ap_add1,
        offset_low,
        offset_high,
        multiplicity,
    } = &Columns::new(&mut b);
    let booleans = [
        ("enabler", enabler),
        ("qm31", qm31),
        ("finalize", finalize),
        ("dst_fp", dst_fp),
        ("op0_fp", op0_fp),
        ("op1_imm", op1_imm),
        ("op1_fp", op1_fp),
        ("res_mul", res_mul),
        ("ap_add1", ap_add1),
    ];
    for (name, column) in booleans {
        b.constrain_boolean(format!("boolean_{name}"), column);
    }
    // The extension is 1, 2 or 3, and op1 comes from one place: at ap, unless a flag says otherwise.
    b.constrain("one_extension", Rows::All, qm31 * finalize);
    b.constrain("one_op1_source", Rows::All, op1_imm * op1_fp);
    // Blake has no immediate and no result.
    b.constrain("blake_op1_imm", Rows::All, (Expr::one() - qm31) * op1_imm);
    b.constrain("blake_res_mul", Rows::All, (Expr::one() - qm31) * res_mul);
    let biased: [Expr; 3] = std::array::from_fn(|i| &offset_low[i] + &offset_high[i] * 256);
    let [off0, off1, off2]: [Expr; 3] = std::array::from_fn(|i| &biased[i] - OFFSET_BIAS as u64);
    b.constrain("immediate_off2", Rows::All, op1_imm * (&off2 - 1));
    for (half, bytes) in [("low", offset_low), ("high", offset_high)] {
        for (i, byte) in bytes.iter().enumerate() {
            b.require(format!("byte_{half}[{i}]"), buses::BYTE, enabler, [byte.clone()]);
        }
    }
    // res_add, op1_ap and assert_eq are what the other flags leave: in QM31 qm31 − res_mul and qm31.
    let op1_ap = Expr::one() - op1_imm - op1_fp;
    let flags = dst_fp
        + op0_fp * 2
        + op1_imm * 4
        + op1_fp * 8
        + op1_ap * 16
        + (qm31 - res_mul) * 32
        + res_mul * 64
        + ap_add1 * (1 << 11)
        + qm31 * (1 << 14);
    let extension = Expr::one() + finalize + qm31 * 2;
    // Below 2^65 < p: the offsets have 16 bits each, the flags 15, and the extension 2.
    let word = &biased[0]
        + &biased[1] * (1 << 16)
        + &biased[2] * (1 << 32)
        + &flags * (1 << 48)
        + &extension * Felt::from(1_u64 << 63);
    b.require("word", buses::MEMORY, enabler, [pc.clone(), word]);
    let tuple = [pc.clone(), extension, flags, off0, off1, off2];
    b.provide("instruction", buses::OPCODE_EXTENSION, enabler * multiplicity, tuple);
    b.build()
}

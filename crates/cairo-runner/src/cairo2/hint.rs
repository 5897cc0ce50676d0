//! The hints of Cairo 2 executables, as the compiler writes them into `*.executable.json`.
//!
//! Names and fields are those of the Cairo compiler's Sierra-to-CASM stage, whose file format promises that a hint keeps
//! its name and meaning; what is not needed to execute a hint is not read.

use cairo_vm::Felt252;
use num_bigint::BigUint;
use num_traits::Num;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// A register that addresses are relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Register {
    /// The allocation pointer.
    #[serde(rename = "AP")]
    Ap,
    /// The frame pointer.
    #[serde(rename = "FP")]
    Fp,
}

/// The cell at `register + offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct CellRef {
    pub(crate) register: Register,
    pub(crate) offset: i16,
}

/// A field element, in the file a hexadecimal number with or without a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Immediate(pub(crate) Felt252);

/// Longest number in a file, in characters. Elements have 63 digits, and nothing larger means more.
const MAX_NUMBER: usize = 80;

impl<'de> Deserialize<'de> for Immediate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.as_ref()),
        };
        let number = digits
            .strip_prefix("0x")
            .filter(|digits| digits.len() <= MAX_NUMBER && digits.chars().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| BigUint::from_str_radix(digits, 16).ok())
            .ok_or_else(|| D::Error::custom("an operand of a hint is no hexadecimal number"))?;
        let element = Felt252::from(number);
        Ok(Self(if negative { -element } else { element }))
    }
}

/// A cell's value or a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum DerefOrImmediate {
    Deref(CellRef),
    Immediate(Immediate),
}

/// How the two parts of a [`BinOp`] are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Operation {
    Add,
    Mul,
}

/// The sum or product of a cell's value and another operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct BinOp {
    pub(crate) op: Operation,
    pub(crate) a: CellRef,
    pub(crate) b: DerefOrImmediate,
}

/// What a hint reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum ResOperand {
    /// A cell's value.
    Deref(CellRef),
    /// The value of the cell that is so far behind the one at which a cell points.
    DoubleDeref(CellRef, i16),
    Immediate(Immediate),
    BinOp(BinOp),
}

/// A hint. Those without a note are core hints: guesses that the code around them checks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "programs have few hints, and most are of the large ones")]
pub(crate) enum Hint {
    AllocSegment {
        dst: CellRef,
    },
    AllocConstantSize {
        size: ResOperand,
        dst: CellRef,
    },
    TestLessThan {
        lhs: ResOperand,
        rhs: ResOperand,
        dst: CellRef,
    },
    TestLessThanOrEqual {
        lhs: ResOperand,
        rhs: ResOperand,
        dst: CellRef,
    },
    TestLessThanOrEqualAddress {
        lhs: ResOperand,
        rhs: ResOperand,
        dst: CellRef,
    },
    WideMul128 {
        lhs: ResOperand,
        rhs: ResOperand,
        high: CellRef,
        low: CellRef,
    },
    DivMod {
        lhs: ResOperand,
        rhs: ResOperand,
        quotient: CellRef,
        remainder: CellRef,
    },
    Uint256DivMod {
        dividend0: ResOperand,
        dividend1: ResOperand,
        divisor0: ResOperand,
        divisor1: ResOperand,
        quotient0: CellRef,
        quotient1: CellRef,
        remainder0: CellRef,
        remainder1: CellRef,
    },
    Uint512DivModByUint256 {
        dividend0: ResOperand,
        dividend1: ResOperand,
        dividend2: ResOperand,
        dividend3: ResOperand,
        divisor0: ResOperand,
        divisor1: ResOperand,
        quotient0: CellRef,
        quotient1: CellRef,
        quotient2: CellRef,
        quotient3: CellRef,
        remainder0: CellRef,
        remainder1: CellRef,
    },
    SquareRoot {
        value: ResOperand,
        dst: CellRef,
    },
    Uint256SquareRoot {
        value_low: ResOperand,
        value_high: ResOperand,
        sqrt0: CellRef,
        sqrt1: CellRef,
        remainder_low: CellRef,
        remainder_high: CellRef,
        sqrt_mul_2_minus_remainder_ge_u128: CellRef,
    },
    LinearSplit {
        value: ResOperand,
        scalar: ResOperand,
        max_x: ResOperand,
        x: CellRef,
        y: CellRef,
    },
    FieldSqrt {
        val: ResOperand,
        sqrt: CellRef,
    },
    U256InvModN {
        b0: ResOperand,
        b1: ResOperand,
        n0: ResOperand,
        n1: ResOperand,
        g0_or_no_inv: CellRef,
        g1_option: CellRef,
        s_or_r0: CellRef,
        s_or_r1: CellRef,
        t_or_k0: CellRef,
        t_or_k1: CellRef,
    },
    RandomEcPoint {
        x: CellRef,
        y: CellRef,
    },
    EvalCircuit {
        n_add_mods: ResOperand,
        add_mod_builtin: ResOperand,
        n_mul_mods: ResOperand,
        mul_mod_builtin: ResOperand,
    },
    AllocFelt252Dict {
        segment_arena_ptr: ResOperand,
    },
    Felt252DictEntryInit {
        dict_ptr: ResOperand,
        key: ResOperand,
    },
    Felt252DictEntryUpdate {
        dict_ptr: ResOperand,
        value: ResOperand,
    },
    GetSegmentArenaIndex {
        dict_end_ptr: ResOperand,
        dict_index: CellRef,
    },
    InitSquashData {
        dict_accesses: ResOperand,
        n_accesses: ResOperand,
        big_keys: CellRef,
        first_key: CellRef,
    },
    GetCurrentAccessIndex {
        range_check_ptr: ResOperand,
    },
    ShouldSkipSquashLoop {
        should_skip_loop: CellRef,
    },
    GetCurrentAccessDelta {
        index_delta_minus1: CellRef,
    },
    ShouldContinueSquashLoop {
        should_continue: CellRef,
    },
    GetNextDictKey {
        next_key: CellRef,
    },
    AssertLeFindSmallArcs {
        range_check_ptr: ResOperand,
        a: ResOperand,
        b: ResOperand,
    },
    AssertLeIsFirstArcExcluded {
        skip_exclude_a_flag: CellRef,
    },
    AssertLeIsSecondArcExcluded {
        skip_exclude_b_minus_a: CellRef,
    },
    /// Prints; has no effect here.
    DebugPrint {},
    /// Of older compilers, as all up to `Felt252DictWrite`; an assertion.
    AssertCurrentAccessIndicesIsEmpty,
    AssertAllAccessesUsed {},
    AssertAllKeysUsed,
    AssertLeAssertThirdArcExcluded,
    AssertLtAssertValidInput {},
    Felt252DictRead {
        dict_ptr: ResOperand,
        key: ResOperand,
        value_dst: CellRef,
    },
    Felt252DictWrite {
        dict_ptr: ResOperand,
        key: ResOperand,
        value: ResOperand,
    },
    /// Of the entry wrapper, as the next three: a temporary segment's place.
    AddRelocationRule {
        src: ResOperand,
        dst: ResOperand,
    },
    /// Writes the pointers to the arguments.
    WriteRunParam {
        index: ResOperand,
        dst: CellRef,
    },
    /// Announces the result.
    AddMarker {
        start: ResOperand,
        end: ResOperand,
    },
    /// For profilers.
    AddTrace {},
    /// Of Starknet, which is not here.
    SystemCall {},
    /// Of Starknet's test runner.
    Cheatcode {},
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operand(json: &str) -> Result<ResOperand, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn numbers() {
        let number = |text: &str| operand(&format!(r#"{{"Immediate": "{text}"}}"#));
        let of = |value: Felt252| Ok(ResOperand::Immediate(Immediate(value)));
        assert_eq!(number("0x2a"), of(Felt252::from(42)));
        assert_eq!(number("-0x3"), of(-Felt252::from(3)));
        // The modulus and one more.
        assert_eq!(number("0x800000000000011000000000000000000000000000000000000000000000002"), of(Felt252::ONE));
        for bad in ["", "2", "0x", "0x+1", "--0x1", "0xg", &format!("0x{}", "1".repeat(81))] {
            assert!(number(bad).unwrap_err().contains("no hexadecimal number"), "{bad}");
        }
    }

    #[test]
    fn other_names() {
        let hint = serde_json::from_str::<Hint>(r#"{"ReadClock": {"dst": {"register": "AP", "offset": 0}}}"#);
        assert!(hint.unwrap_err().to_string().contains("ReadClock"));
    }
}

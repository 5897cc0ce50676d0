//! ecdsa.

use crate::forger::{Forger, honest, pranks, settle_products};
use crate::json;
use crate::runs::{proven, try_run};
use cairo_air::components::product::User;
use cairo_air::{Builtin, TableKind};
use cairo_execution::{Execution, ExecutionError, Signature};
use cairo_prover::Witness;
use cairo_prover::witness::product::{Wanted, fill};
use cairo_runner::RunError;
use felt::{Felt, encoding};
use stark_curve::ecdsa::{EXAMPLE, Refusal, Signed, Steps, steps};
use stark_curve::products::{Factors, products};
use stark_curve::{GENERATOR, ORDER, Point, START};
use std::sync::OnceLock;

pub const OWN: TableKind = TableKind::Ecdsa;
const PRODUCT: TableKind = TableKind::Product(User::Ecdsa);

/// The program of whose instance 0 nobody wrote anything.
pub fn blank() -> &'static Witness {
    static WITNESS: OnceLock<Witness> = OnceLock::new();
    WITNESS.get_or_init(|| honest("cairo0/ecdsa_blank", None))
}

fn power(bits: u64) -> Felt {
    Felt::from(2).pow(bits)
}

/// A signature of 12345 by the private key 6, made elsewhere: see `programs/fixtures/expected.py`.
fn signed() -> Signed {
    EXAMPLE
}

/// A signature of the message 0 by the private key 1 with the nonce 1.
pub fn of_zero() -> Signed {
    Signed { key: GENERATOR.x, message: Felt::zero(), signature: Signature { r: GENERATOR.x, s: GENERATOR.x } }
}

fn arguments(signed: &Signed, n: u64) -> String {
    let Signed { key, message, signature: Signature { r, s } } = signed;
    let [key, message, r, s] = [key, message, r, s].map(json);
    format!(r#"{{"key": {key}, "message": {message}, "r": {r}, "s": {s}, "n": {n}}}"#)
}

fn ran(signed: &Signed, n: u64) -> Result<Execution, RunError> {
    try_run("cairo0/ecdsa_args", Some(&arguments(signed, n)))
}

#[test]
fn runs() {
    for n in [0, 1, 3, 24] {
        let (_, kinds) = proven(ran(&signed(), n).unwrap());
        assert_eq!(kinds.contains("ecdsa") && kinds.contains("ecdsa_product"), n > 0);
    }
    proven(ran(&of_zero(), 1).unwrap());
    let execution = try_run("cairo0/ecdsa_blank", None).unwrap();
    assert_eq!(execution.signatures, [EXAMPLE.signature; 2]);
    proven(execution);
}

/// Signatures by keys with either `y`: those of the private keys from 1 on, with the nonce 1.
#[test]
fn keys_of_both_signs() {
    let mut signs = [0, 0];
    let mut key = GENERATOR;
    for private in 1..12_u64 {
        // s = z + r·private with z = 5. (For 0 both signs would do.)
        let s = multiple_and_5(&GENERATOR.x, private).unwrap_or_default();
        let signed = Signed { key: key.x, message: Felt::from(5), signature: Signature { r: GENERATOR.x, s } };
        if let Ok(steps) = steps(&[signed])[0] {
            assert_eq!(steps.q, key);
            signs[usize::from(Point::with_x(key.x) == Some(key))] += 1;
        }
        key = key.add(&GENERATOR).unwrap();
    }
    assert!(signs[0] > 0 && signs[1] > 0, "{signs:?}");
}

/// A small multiple of an integer and 5, modulo the curve's order; `None` if it is not below `p`.
fn multiple_and_5(value: &Felt, times: u64) -> Option<Felt> {
    let mut sum = [5_u64, 0, 0, 0];
    for _ in 0..times {
        let add = |a: [u64; 4], b: [u64; 4]| {
            let mut carry = 0_u128;
            std::array::from_fn(|i| {
                let limb = u128::from(a[i]) + u128::from(b[i]) + carry;
                carry = limb >> 64;
                limb as u64
            })
        };
        sum = add(sum, encoding::canonical_limbs(value));
        let reversed = |word: [u64; 4]| [word[3], word[2], word[1], word[0]];
        if reversed(sum) >= reversed(ORDER) {
            // Less the order: plus its complement, of which the carry is lost.
            let mut complement = ORDER.map(|limb| !limb);
            complement = add(complement, [1, 0, 0, 0]);
            sum = add(sum, complement);
        }
    }
    encoding::from_canonical_limbs(sum)
}

/// Saved, and loaded with its signatures; each damage is named.
#[test]
fn executions() {
    let honest = ran(&signed(), 2).unwrap();
    let mut file = Vec::new();
    cairo_execution::save(&honest, &mut file).unwrap();
    assert_eq!(cairo_execution::load(file.as_slice(), cairo_execution::LoadLimits::default()).unwrap(), honest);

    let base = honest.segments[&Builtin::Ecdsa].base;
    let damaged = |damage: &dyn Fn(&mut Execution)| {
        let mut execution = honest.clone();
        damage(&mut execution);
        execution.check()
    };
    let refused = |refusal| Err(ExecutionError::Signature { address: base + 2, refusal });
    let signature = |signature: Signature| damaged(&|execution| execution.signatures[1] = signature);
    let Signature { r, s } = honest.signatures[1];
    let zero = Felt::zero();
    let order = encoding::from_canonical_limbs(ORDER).unwrap();
    assert_eq!(signature(Signature { r: zero, s }), refused(Refusal::R));
    assert_eq!(signature(Signature { r: power(251), s }), refused(Refusal::R));
    assert_eq!(signature(Signature { r, s: zero }), refused(Refusal::S));
    assert_eq!(signature(Signature { r, s: order }), refused(Refusal::S));
    assert_eq!(signature(Signature { r: r + Felt::one(), s }), refused(Refusal::Signature));
    assert_eq!(signature(Signature { r, s: s + Felt::one() }), refused(Refusal::Signature));
    // −s is as good: it is the opposite nonce.
    assert_eq!(signature(Signature { r, s: order - s }), Ok(()));
    let cell = |offset: u32, value: Felt| damaged(&|execution| execution.memory[(base + 2 + offset) as usize] = value);
    assert_eq!(cell(1, power(251)), refused(Refusal::Message));
    assert_eq!(cell(1, Felt::from(12346)), refused(Refusal::Signature));
    // No point has this x.
    assert_eq!(cell(0, zero), refused(Refusal::Key));
    assert_eq!(cell(0, GENERATOR.x), refused(Refusal::Signature));
    let missing = damaged(&|execution| execution.signatures.truncate(1));
    assert_eq!(missing, Err(ExecutionError::Signatures { instances: 2, signatures: 1 }));
    let more = damaged(&|execution| execution.signatures.push(EXAMPLE.signature));
    assert_eq!(more, Err(ExecutionError::Signatures { instances: 2, signatures: 3 }));
}

/// What cairo-vm itself refuses.
#[test]
fn what_the_machine_refuses() {
    let good = signed();
    for bad in [
        Signed { message: good.message + Felt::one(), ..good },
        Signed { key: GENERATOR.x, ..good },
        Signed { key: Felt::zero(), ..good },
        Signed { signature: Signature { r: Felt::zero(), ..good.signature }, ..good },
        Signed { signature: Signature { s: Felt::zero(), ..good.signature }, ..good },
        Signed { message: power(251), ..good },
    ] {
        let found = ran(&bad, 1);
        assert!(found.is_err(), "{found:?}");
    }
}

#[test]
fn pranks_on_the_instances() {
    pranks(
        blank(),
        &OWN,
        &[
            ("first_address", 0, "address"),
            ("next_address", 1, "address"),
            ("last_address", 63, "address"),
            ("sum_chord", 0, "sum_slope"),
            ("sum_tangent", 0, "sum_slope"),
            ("sum_x", 0, "sum_x"),
            ("b_chord", 0, "b_slope"),
            ("b_tangent", 0, "b_slope"),
            ("b_x", 0, "b_x"),
            ("r_chord", 0, "r_slope"),
            ("r_tangent", 0, "r_slope"),
            ("r_x", 0, "r"),
            ("zg", 0, "z"),
            ("zg", 0, "zg_x"),
            ("zg", 0, "zg_y"),
            ("rq", 0, "q_x"),
            ("rq", 0, "q_y"),
            ("rq", 0, "r"),
            ("rq", 0, "rq_x"),
            ("rq", 0, "rq_y"),
            ("wb", 0, "w"),
            ("wb", 0, "b_x"),
            ("wb", 0, "wb_x"),
            ("wb", 0, "wb_y"),
            ("cell_key", 0, "q_x"),
            ("cell_message", 0, "z"),
        ],
    );
    let provided = [("product", 126, "sum_x"), ("product", 126, "scalar"), ("product", 126, "double_x")];
    for (what, row, column) in provided {
        let mut forger = Forger::new(blank());
        forger.add(&PRODUCT, row, column, 1);
        assert!(forger.notices("ecdsa_product", what));
    }
}

/// The example's signature, step by step.
pub fn example() -> Steps {
    steps(&[signed()])[0].unwrap()
}

/// Rewrites instance 0, its row, cells and products.
pub fn forged(steps: &Steps, factors: [Factors; 3]) -> Forger {
    let mut forger = Forger::new(blank());
    for (name, value) in [
        ("q_x", steps.q.x),
        ("q_y", steps.q.y),
        ("z", steps.z),
        ("r", steps.r),
        ("w", steps.w),
        ("zg_x", steps.zg.x),
        ("zg_y", steps.zg.y),
        ("rq_x", steps.rq.x),
        ("rq_y", steps.rq.y),
        ("sum_slope", steps.sum_slope),
        ("sum_x", steps.sum.x),
        ("b_slope", steps.b_slope),
        ("b_x", steps.b.x),
        ("wb_x", steps.wb.x),
        ("wb_y", steps.wb.y),
        ("r_slope", steps.r_slope),
    ] {
        forger.set(&OWN, 0, name, value);
    }
    let base = forger.instance(Builtin::Ecdsa, 0);
    forger.set_memory(base, steps.q.x).set_memory(base + 1, steps.z);
    let wanted = factors.map(|factors| Wanted { factors, uses: 1 });
    let (columns, _) = fill(&[wanted[0], wanted[1], wanted[2]], 9, &stark::NoControl).unwrap();
    for (name, column) in forger.columns(&PRODUCT).into_iter().zip(columns) {
        // The fourth is a product that nobody needs: the second instance's stay.
        for (row, value) in column.into_iter().enumerate().take(3 * 128) {
            forger.set(&PRODUCT, row, &name, value);
        }
    }
    settle(&mut forger);
    forger
}

pub fn settle(forger: &mut Forger) {
    forger.balance();
    settle_products(forger, &PRODUCT);
}

#[test]
fn other_instances_that_hold_pass() {
    let steps = example();
    let forger = forged(&steps, steps.factors());
    assert!(forger.faults().is_empty(), "{:?}", forger.faults());
}

/// The scalars `z`, `r`, `w` from `2^251` on: bit 251 is not 0.
#[test]
fn scalars_beyond_2_to_the_251() {
    let honest = example();
    for wrong in 0..3 {
        let mut factors = honest.factors();
        // The same field element as an integer beyond p, which is another point of the group.
        let [l0, l1, l2, l3] = factors[wrong].scalar;
        let Some(top) = l3.checked_add(encoding::MODULUS[0]).filter(|top| *top < 1 << 60) else { continue };
        let (low, carry) = l0.overflowing_add(1);
        assert!(!carry);
        factors[wrong].scalar = [low, l1, l2, top];
        let end = products(&factors)[wrong].unwrap();
        let mut steps = honest;
        match wrong {
            0 => steps.zg = end,
            1 => steps.rq = end,
            _ => steps.wb = end,
        }
        let faults = forged(&steps, factors).faults();
        assert!(faults.contains("ecdsa_product"), "{wrong}: {faults:?}");
    }
}

/// `w = 0`: the last product is the start, from which it cannot be taken away.
#[test]
fn an_inverse_of_zero() {
    let honest = example();
    let mut steps = Steps { w: Felt::zero(), wb: START, ..honest };
    steps.r_slope = Felt::zero();
    let faults = forged(&steps, steps.factors()).faults();
    assert!(faults.contains("ecdsa/r_chord"), "{faults:?}");
}

/// Another `r` than the point's `x`; a signature of another message; a key that is no `x`.
#[test]
fn wrong_signatures() {
    let honest = example();
    // The nonce's point is right for another r: everything follows but the last equation.
    let other = Steps { r: honest.r + Felt::one(), ..honest };
    let factors = other.factors();
    let rq = products(&factors)[1].unwrap();
    let (sum_slope, sum) = honest.zg.add_by_slope(&rq).unwrap();
    let (b_slope, b) = sum.add_by_slope(&stark_curve::ecdsa::minus_twice_start()).unwrap();
    let mut steps = Steps { rq, sum_slope, sum, b_slope, b, ..other };
    steps.wb = products(&steps.factors())[2].unwrap();
    steps.r_slope = steps.wb.add_by_slope(&-START).unwrap().0;
    forged(&steps, steps.factors()).refused_for(&["ecdsa/r_x"]);
    // Two values for one cell.
    let mut forger = forged(&honest, honest.factors());
    let base = forger.instance(Builtin::Ecdsa, 0);
    forger.set_memory(base + 1, honest.z + Felt::one());
    settle(&mut forger);
    forger.refused_for(&["memory"]);
    let mut forger = forged(&honest, honest.factors());
    forger.set(&OWN, 0, "q_x", Felt::zero()).set_memory(base, Felt::zero());
    settle(&mut forger);
    forger.refused_for(&["ecdsa_product"]);
}

#[test]
fn half_an_instance() {
    let mut forger = Forger::new(blank());
    let at = forger.0.statement.program.builtins().iter().position(|builtin| *builtin == Builtin::Ecdsa).unwrap();
    forger.0.claim.runs[0].segments[at].stop -= 1;
    let claim = forger.0.claim.check(&forger.0.statement.program, &forger.0.statement.runs, u64::MAX);
    assert!(claim.is_err());
}

//! ec_op.

use crate::forger::{Forger, honest, pranks, settle_products};
use crate::runs::{ec_op_arguments, proven, try_run};
use cairo_air::components::Limb;
use cairo_air::components::product::User;
use cairo_air::{Builtin, TableKind};
use cairo_execution::ExecutionError;
use cairo_prover::Witness;
use cairo_runner::RunError;
use felt::{Felt, encoding};
use stark_curve::ec_op::{Operation, results};
use stark_curve::products::{Factors, products};
use stark_curve::{GENERATOR, ORDER, Point, START, double_repeatedly, pedersen};
use std::sync::OnceLock;

pub const OWN: TableKind = TableKind::EcOp;
pub const PRODUCT: TableKind = TableKind::Product(User::EcOp);

/// The program whose instance 4 has a result that nobody reads, and whose instance 1 nobody wrote anything of.
pub fn partly() -> &'static Witness {
    static WITNESS: OnceLock<Witness> = OnceLock::new();
    WITNESS.get_or_init(|| honest("cairo0/ec_op_partly", None))
}

fn power(bits: u64) -> Felt {
    Felt::from(2).pow(bits)
}

#[test]
fn runs() {
    let (p, q) = (pedersen::POINTS[0], pedersen::POINTS[1]);
    for (n, m) in [(0, Felt::from(3)), (1, -Felt::one()), (3, power(251) - Felt::one()), (70, Felt::zero())] {
        let (output, kinds) = proven(try_run("cairo0/ec_op_args", Some(&ec_op_arguments(&p, &q, &m, n))).unwrap());
        assert_eq!(kinds.contains("ec_op"), n > 0);
        assert_eq!(kinds.contains("ec_op_product"), n > 0);
        if n > 0 {
            let last = results(&[Operation { p, q, m: m + Felt::from(n - 1) }])[0].unwrap();
            assert_eq!(output[6..], [last.x, last.y]);
        }
    }
    let (_, kinds) = proven(try_run("cairo0/ec_op_partly", None).unwrap());
    assert!(kinds.contains("ec_op"));
}

#[test]
fn scalars_at_the_edges() {
    let order = encoding::from_canonical_limbs(ORDER).unwrap();
    let largest = -Felt::one();
    let (p, q) = (pedersen::POINTS[0], -GENERATOR);
    let least_with_top = power(251);
    for m in [
        Felt::zero(),
        Felt::one(),
        order,
        order - Felt::one(),
        order + Felt::one(),
        least_with_top,
        least_with_top - Felt::one(),
        least_with_top + power(196) - Felt::one(),
        least_with_top + power(196),
        largest,
        largest - power(192),
    ] {
        let (output, _) = proven(try_run("cairo0/ec_op_args", Some(&ec_op_arguments(&p, &q, &m, 1))).unwrap());
        let last = results(&[Operation { p, q, m }])[0].unwrap();
        assert_eq!(output[6..], [last.x, last.y], "{m:?}");
    }
}

/// Sums that the machine refuses to compute, though they are finite, and points that are none.
#[test]
fn what_the_machine_refuses() {
    let (g, twice) = (GENERATOR, GENERATOR.add(&GENERATOR).unwrap());
    let failed = |p: &Point, q: &Point, m: u64| {
        let result = try_run("cairo0/ec_op_args", Some(&ec_op_arguments(p, q, &Felt::from(m), 1)));
        matches!(result, Err(RunError::Vm { .. }))
    };
    assert!(failed(&g, &g, 1) && failed(&g, &-g, 1) && failed(&twice, &g, 2));
    let off = Point { x: g.x, y: g.y + Felt::one() };
    assert!(failed(&off, &g, 1) && failed(&g, &off, 1));
    // No bit is added, so nothing can meet.
    proven(try_run("cairo0/ec_op_args", Some(&ec_op_arguments(&g, &g, &Felt::zero(), 1))).unwrap());
    // Beyond the scalar's bits points may meet.
    let doubles = double_repeatedly(&g, 9);
    let before = doubles[8].add(&-g).unwrap();
    proven(try_run("cairo0/ec_op_args", Some(&ec_op_arguments(&before, &g, &Felt::one(), 1))).unwrap());
}

/// The check of an execution names what is wrong.
#[test]
fn executions_that_are_none() {
    let honest = try_run("cairo0/ec_op_partly", None).unwrap();
    let base = honest.segments[&Builtin::EcOp].base;
    let damaged = |offset: u32, value: Felt| {
        let mut execution = honest.clone();
        execution.memory[(base + offset) as usize] = value;
        execution.check()
    };
    for offset in [33, 34] {
        let found = damaged(offset, Felt::from(5));
        let address = base + offset;
        assert!(
            matches!(found, Err(ExecutionError::BuiltinResult { builtin: Builtin::EcOp, address: at, .. }) if at == address)
        );
    }
    for offset in [28, 29, 30, 31] {
        let found = damaged(offset, Felt::from(5));
        assert!(matches!(found, Err(ExecutionError::NotOnCurve { builtin: Builtin::EcOp, .. })), "{found:?}");
    }
    // m·Q = −P.
    let mut execution = honest.clone();
    let cells = [GENERATOR.x, GENERATOR.y, GENERATOR.x, -GENERATOR.y, Felt::one()];
    execution.memory[(base + 28) as usize..(base + 33) as usize].copy_from_slice(&cells);
    assert_eq!(execution.check(), Err(ExecutionError::EcOpInfinity { address: base + 28 }));
}

#[test]
fn pranks_on_the_instances() {
    let mut list: Vec<(String, usize, String)> = Vec::new();
    let mut add = |what: &str, row, column: &str| list.push((what.to_owned(), row, column.to_owned()));
    let last = 63;
    add("first_address", 0, "address");
    add("next_address", 2, "address");
    add("last_address", last, "address");
    for (what, column) in [
        ("p_on_curve", "p_y"),
        ("sum_chord", "sum_slope"),
        ("sum_tangent", "sum_slope"),
        ("sum_x", "sum_x"),
        ("r_chord", "r_slope"),
        ("r_tangent", "r_slope"),
        ("r_x", "r_x"),
        ("rest", "m"),
        ("product", "product_x"),
        ("product", "product_y"),
        ("product", "top"),
        ("product", "q_x"),
        ("product", "q_y"),
        ("last_limb", "limb[24]"),
        ("cell_p_x", "p_x"),
        ("cell_p_y", "p_y"),
        ("cell_q_x", "q_x"),
        ("cell_q_y", "q_y"),
        ("cell_m", "m"),
        ("cell_r_x", "r_x"),
        ("cell_r_y", "r_slope"),
    ] {
        add(what, 0, column);
    }
    for i in 0..25 {
        add(&format!("limb[{i}]"), 0, &format!("limb[{i}]"));
    }
    let list: Vec<_> = list.iter().map(|(what, row, column)| (what.as_str(), *row, column.as_str())).collect();
    pranks(partly(), &OWN, &list);
}

#[test]
fn pranks_on_the_products() {
    pranks(
        partly(),
        &PRODUCT,
        &[
            ("q_on_curve", 5, "q_y"),
            ("q_tangent", 5, "q_slope"),
            ("double_x", 5, "double_x"),
            ("double_tangent", 5, "double_slope"),
            ("quadruple_x", 5, "q_x"),
            ("quadruple_y", 5, "q_y"),
            ("same_x", 126, "q_x"),
            ("same_y", 126, "q_y"),
            ("start_x", 128, "sum_x"),
            ("start_y", 128, "sum_y"),
            ("boolean_high", 0, "high"),
            ("boolean_low", 127, "low"),
            ("high_chord", 100, "high_slope"),
            ("high_tangent", 100, "high_slope"),
            ("high_off", 127, "high_slope"),
            ("middle_x", 5, "middle_x"),
            ("low_chord", 100, "low_slope"),
            ("low_tangent", 100, "low_slope"),
            ("low_off", 126, "low_slope"),
            ("next_sum_x", 5, "low_slope"),
            ("next_sum_y", 5, "sum_y"),
            ("start_scalar", 128, "scalar"),
            ("next_scalar", 5, "scalar"),
            ("start_top", 128, "top"),
            ("next_top", 5, "top"),
            ("product", 126, "sum_x"),
            ("product", 126, "scalar"),
            ("product", 126, "double_x"),
        ],
    );
}

/// A forged instance 4, which is `p + n·q`: its own row and memory are rewritten to another result.
pub struct Instance {
    pub p: Point,
    pub q: Point,
    pub m: Felt,
    pub top: bool,
    pub product: Point,
    pub sum_slope: Felt,
    pub r_slope: Felt,
    pub r: Point,
}

impl Instance {
    /// The honest row for such a product.
    pub fn of(p: Point, q: Point, m: Felt, top: bool, product: Point) -> Self {
        let (sum_slope, sum) = p.add_by_slope(&product).unwrap();
        let (r_slope, r) = sum.add_by_slope(&-START).unwrap();
        Self { p, q, m, top, product, sum_slope, r_slope, r }
    }

    pub fn write(&self, forger: &mut Forger, instance: u32) {
        let row = instance as usize;
        let sum_x = self.sum_slope.square() - self.p.x - self.product.x;
        for (name, value) in [
            ("p_x", self.p.x),
            ("p_y", self.p.y),
            ("q_x", self.q.x),
            ("q_y", self.q.y),
            ("m", self.m),
            ("top", Felt::from(u64::from(self.top))),
            ("product_x", self.product.x),
            ("product_y", self.product.y),
            ("sum_slope", self.sum_slope),
            ("sum_x", sum_x),
            ("r_slope", self.r_slope),
            ("r_x", self.r.x),
        ] {
            forger.set(&OWN, row, name, value);
        }
        let rest = if self.top { encoding::canonical_limbs(&(-self.m - Felt::one())) } else { [0; 4] };
        for i in 0..25 {
            // What does not fit stays in the last limb.
            let limb = if i < 24 { rest[i / 8] >> (8 * (i % 8)) & 255 } else { rest[3] };
            forger.set(&OWN, row, &format!("limb[{i}]"), Felt::from(limb));
        }
        let base = forger.instance(Builtin::EcOp, instance);
        let cells = [self.p.x, self.p.y, self.q.x, self.q.y, self.m, self.r.x, self.r.y];
        for (address, value) in (base..).zip(cells) {
            forger.set_memory(address, value);
        }
    }
}

/// Writes a whole product into the table of products, with the bits of the integer.
pub fn write_product(forger: &mut Forger, product: usize, factors: Factors) {
    let filled = cairo_prover::witness::product::fill(
        &[cairo_prover::witness::product::Wanted { factors, uses: 1 }],
        7,
        &stark::NoControl,
    );
    let (columns, _) = filled.unwrap();
    for (name, column) in forger.columns(&PRODUCT).into_iter().zip(columns) {
        for (row, value) in column.into_iter().enumerate() {
            forger.set(&PRODUCT, 128 * product + row, &name, value);
        }
    }
}

/// Balances, with what follows from it in the table of products.
pub fn settle(forger: &mut Forger) {
    forger.balance();
    settle_products(forger, &PRODUCT);
}

pub fn forged(instance: &Instance, factors: Factors) -> Forger {
    let mut forger = Forger::new(partly());
    instance.write(&mut forger, 1);
    write_product(&mut forger, 1, factors);
    settle(&mut forger);
    forger
}

pub fn end(factors: Factors) -> Point {
    products(&[factors])[0].unwrap()
}

/// What the forger writes is taken if it is true: the tests below fail for the reasons that they name.
#[test]
fn other_instances_that_hold_pass() {
    let m = Felt::from(77);
    let factors = Factors { point: pedersen::POINTS[2], scalar: [77, 0, 0, 0] };
    let instance = Instance::of(pedersen::POINTS[1], factors.point, m, false, end(factors));
    assert!(forged(&instance, factors).faults().is_empty());
    // The tangent is a line like any other: p is the product itself.
    let instance = Instance::of(end(factors), factors.point, m, false, end(factors));
    assert!(forged(&instance, factors).faults().is_empty());
}

/// `m + p` in the place of `m` makes another point.
#[test]
fn scalars_beyond_the_modulus() {
    let q = pedersen::POINTS[2];
    for m in [0_u64, 5] {
        // m + p, which has 252 bits.
        let factors = Factors { point: q, scalar: [m + 1, 0, 0, encoding::MODULUS[0]] };
        let truth = end(Factors { point: q, scalar: [m, 0, 0, 0] });
        assert_ne!(end(factors), truth);
        let instance = Instance::of(pedersen::POINTS[1], q, Felt::from(m), true, end(factors));
        // The rest, p − 1 − m, has 252 bits: its last limb is no byte.
        forged(&instance, factors).refused_for(&["byte"]);
        // Bit 251 is denied: no product is like that.
        let instance = Instance { top: false, ..instance };
        forged(&instance, factors).refused_for(&["ec_op_product"]);
        // It is denied there, too.
        let mut forger = forged(&instance, factors);
        for row in 128..=254 {
            forger.set(&PRODUCT, row, "top", Felt::zero());
        }
        settle(&mut forger);
        forger.refused_for(&["ec_op_product/start_top"]);
    }
    // The largest that could be taken for one with 197 bits left: 2p − 1 − m = 34·2^192 + 2 for m + p = 2^252 − 1.
    let most = Factors { point: q, scalar: [u64::MAX, u64::MAX, u64::MAX, (1 << 60) - 1] };
    let m = power(252) - Felt::one();
    let instance = Instance::of(pedersen::POINTS[1], q, m, true, end(most));
    forged(&instance, most).refused_for(&["byte"]);
}

#[test]
fn points_off_the_curve() {
    let factors = Factors { point: pedersen::POINTS[2], scalar: [1, 0, 0, 0] };
    let p = Point { x: Felt::from(5), y: Felt::from(6) };
    let instance = Instance::of(p, factors.point, Felt::one(), false, end(factors));
    // The tangent's equation rests on the curve's.
    forged(&instance, factors).refused_for(&["ec_op/p_on_curve", "ec_op/sum_tangent", "ec_op/r_tangent"]);
    let off = Point { x: Felt::from(5), y: Felt::from(6) };
    let factors = Factors { point: off, scalar: [1, 0, 0, 0] };
    let instance = Instance::of(pedersen::POINTS[1], off, Felt::one(), false, end(factors));
    let faults = forged(&instance, factors).faults();
    assert!(faults.contains("ec_op_product/q_on_curve"), "{faults:?}");
}

/// Where both points are one, the chord says nothing: any slope would do.
#[test]
fn equal_points_have_the_tangent_alone() {
    let factors = Factors { point: pedersen::POINTS[2], scalar: [9, 0, 0, 0] };
    let product = end(factors);
    let honest = Instance::of(product, factors.point, Felt::from(9), false, product);
    let slope = Felt::from(12345);
    let sum = product.along(&slope, &product.x);
    let (numerator, denominator) = (sum.y + START.y, sum.x - START.x);
    let r_slope = numerator * denominator.inv().unwrap();
    let instance = Instance { sum_slope: slope, r_slope, r: sum.along(&r_slope, &START.x), ..honest };
    // The sum is off the curve then, so that the next tangent fails, too; but for one slope it is not.
    forged(&instance, factors).refused_for(&["ec_op/sum_tangent", "ec_op/r_tangent"]);
    let mut refused = 0;
    for scalar in 9..40 {
        let factors = Factors { point: pedersen::POINTS[2], scalar: [scalar, 0, 0, 0] };
        let product = end(factors);
        // slope² = 3x makes the sum the opposite point, which is on the curve.
        let Some((slope, _)) = (product.x * Felt::from(3)).sqrt() else { continue };
        let sum = product.along(&slope, &product.x);
        assert_eq!(sum, -product);
        let (r_slope, r) = sum.add_by_slope(&-START).unwrap();
        let honest = Instance::of(product, factors.point, Felt::from(scalar), false, product);
        let instance = Instance { sum_slope: slope, r_slope, r, ..honest };
        forged(&instance, factors).refused_for(&["ec_op/sum_tangent"]);
        refused += 1;
        if refused == 2 {
            return;
        }
    }
    panic!("no such product");
}

/// Opposite points have no finite sum.
#[test]
fn opposite_points_have_no_sum() {
    let factors = Factors { point: pedersen::POINTS[2], scalar: [9, 0, 0, 0] };
    let product = end(factors);
    let honest = Instance::of(product, factors.point, Felt::from(9), false, product);
    let faults = forged(&Instance { p: -product, ..honest }, factors).faults();
    assert!(faults.contains("ec_op/sum_chord"), "{faults:?}");
}

/// A product with other bits than its scalar's, or from another start.
#[test]
fn other_products() {
    let q = pedersen::POINTS[2];
    let factors = Factors { point: q, scalar: [9, 0, 0, 0] };
    let instance = Instance::of(pedersen::POINTS[1], q, Felt::from(8), false, end(factors));
    let mut forger = forged(&instance, factors);
    forger.set(&PRODUCT, 254, "scalar", Felt::from(8));
    settle(&mut forger);
    forger.refused_for(&["ec_op_product/next_scalar"]);
    // The first sum is another point.
    let mut forger = forged(&instance, Factors { point: q, scalar: [8, 0, 0, 0] });
    let (x, y) = (Felt::from(3), Felt::from(4));
    forger.set(&PRODUCT, 128, "sum_x", x).set(&PRODUCT, 128, "sum_y", y);
    let faults = forger.faults();
    assert!(faults.contains("ec_op_product/start_x") && faults.contains("ec_op_product/start_y"), "{faults:?}");
    // The point of the bits is another than the one that is named.
    let mut forger = forged(&instance, Factors { point: q, scalar: [8, 0, 0, 0] });
    let other = pedersen::POINTS[3];
    forger.set(&PRODUCT, 254, "q_x", other.x).set(&PRODUCT, 254, "q_y", other.y);
    settle(&mut forger);
    let faults = forger.faults();
    assert!(faults.contains("ec_op_product/same_x") && faults.contains("ec_op_product/same_y"), "{faults:?}");
}

/// Two values for one cell: an instance whose result is not what memory says.
#[test]
fn a_result_that_memory_does_not_have() {
    let mut forger = Forger::new(partly());
    let factors = Factors { point: GENERATOR, scalar: [5, 0, 0, 0] };
    let instance = Instance::of(pedersen::POINTS[1], GENERATOR, Felt::from(5), false, end(factors));
    instance.write(&mut forger, 1);
    write_product(&mut forger, 1, factors);
    let base = forger.instance(Builtin::EcOp, 1);
    forger.set_memory(base + 6, -instance.r.y);
    settle(&mut forger);
    forger.refused_for(&["memory"]);
}

/// A segment that ends within an instance, or is another than the program's.
#[test]
fn half_an_instance() {
    let mut forger = Forger::new(partly());
    let at = forger.0.statement.program.builtins().iter().position(|builtin| *builtin == Builtin::EcOp).unwrap();
    forger.0.claim.runs[0].segments[at].stop -= 3;
    let claim = forger.0.claim.check(&forger.0.statement.program, &forger.0.statement.runs, u64::MAX);
    assert!(claim.is_err());
    // An instance that no row visits.
    let mut forger = Forger::new(partly());
    for name in forger.columns(&OWN) {
        let value = forger.get(&OWN, 3, &name);
        forger.set(&OWN, 4, &name, value);
    }
    settle(&mut forger);
    forger.refused_for(&["ec_op/next_address"]);
}

/// The bytes are there once for all that use them.
#[test]
fn bytes_are_shared() {
    let tables = &partly().layout.tables;
    assert_eq!(tables.iter().filter(|entry| entry.kind == TableKind::Limb(Limb::Bits8)).count(), 1);
}

//! Integers modulo the order of the curve's group, by additions alone.

use felt::{Felt, encoding};
use stark_curve::products::{Factors, products};
use stark_curve::{ORDER, Point, START, Word};

/// `a + b` of two integers below the order.
fn added(a: &Word, b: &Word) -> Word {
    let sum = plus(a, b, 0);
    // Less the order: plus its complement, of which the carry is lost.
    if sum.iter().rev().lt(ORDER.iter().rev()) { sum } else { plus(&sum, &ORDER.map(|limb| !limb), 1) }
}

fn plus(a: &Word, b: &Word, carry: u64) -> Word {
    let mut carry = u128::from(carry);
    std::array::from_fn(|i| {
        let limb = u128::from(a[i]) + u128::from(b[i]) + carry;
        carry = limb >> 64;
        limb as u64
    })
}

/// The bits of an integer, from the highest on.
fn bits(word: &Word) -> impl Iterator<Item = bool> {
    (0..256).rev().map(|i| word[i / 64] >> (i % 64) & 1 == 1)
}

pub fn times(a: &Word, b: &Word) -> Word {
    bits(b).fold([0; 4], |product, bit| {
        let product = added(&product, &product);
        if bit { added(&product, a) } else { product }
    })
}

/// `1/a`, as `a^(n − 2)`.
pub fn inverse(a: &Word) -> Word {
    let exponent = plus(&ORDER, &[u64::MAX - 1, u64::MAX, u64::MAX, u64::MAX], 0);
    bits(&exponent).fold([1, 0, 0, 0], |power, bit| {
        let power = times(&power, &power);
        if bit { times(&power, a) } else { power }
    })
}

/// The integer below `p` that an element stands for.
pub fn word(value: &Felt) -> Word {
    encoding::canonical_limbs(value)
}

/// `START + m·Q`.
pub fn end(point: Point, scalar: Word) -> Point {
    products(&[Factors { point, scalar }])[0].unwrap()
}

/// `m·Q`, which must be finite.
pub fn multiple(point: Point, scalar: Word) -> Point {
    // `None` is infinity.
    let product = bits(&scalar).fold(None, |product: Option<Point>, bit| {
        let product = product.and_then(|product| product.add(&product));
        if bit { product.map_or(Some(point), |product| product.add(&point)) } else { product }
    });
    product.unwrap()
}

/// `Q/m` in the group.
pub fn divided(point: Point, by: &Word) -> Point {
    multiple(point, inverse(by))
}

#[test]
fn inverses() {
    for a in [[1, 0, 0, 0], [2, 0, 0, 0], [7, 8, 9, 10], plus(&ORDER, &[u64::MAX; 4], 0)] {
        assert_eq!(times(&a, &inverse(&a)), [1, 0, 0, 0], "{a:?}");
        assert_eq!(multiple(divided(START, &a), a), START, "{a:?}");
    }
}

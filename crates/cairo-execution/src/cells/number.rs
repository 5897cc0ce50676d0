//! Numbers of 384 bits, and what the modular builtins say of them.

use std::array::from_fn;

/// Bits of a digit: half a word of 96 bits.
pub const DIGIT_BITS: u32 = 48;

/// Digits of a number.
pub const DIGITS: usize = 8;

/// Digits from one carry of a product to the next.
pub const CHUNK: usize = 4;

/// A number below 2^384, in limbs of 64 bits, the least significant first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Number(pub [u64; 6]);

/// What shows that `c` is a sum of two numbers modulo `p`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// Whether the modulus is subtracted: `a + b − c` is `p`, not 0.
    pub reduces: bool,
    /// What the lower 192 bits carry: −1, 0 or 1.
    pub carry: i64,
}

/// What shows that `c` is a product of two numbers modulo `p`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Product {
    /// How often the modulus is subtracted: `a·b − c` is `quotient·p`.
    pub quotient: Number,
    /// What the digits of `a·b − quotient·p − c`, not carried, carry from each four of them to the next. All are below 2^52 in amount.
    pub carries: [i64; 3],
}

impl Number {
    /// The number of four words of 96 bits.
    pub const fn from_words([w0, w1, w2, w3]: [u128; 4]) -> Self {
        Self([
            w0 as u64,
            (w0 >> 64) as u64 | (w1 as u64) << 32,
            (w1 >> 32) as u64,
            w2 as u64,
            (w2 >> 64) as u64 | (w3 as u64) << 32,
            (w3 >> 32) as u64,
        ])
    }

    /// Its digits to the base 2^48: the halves of its words, the least significant first.
    pub fn digits(&self) -> [u64; DIGITS] {
        from_fn(|i| {
            let (limb, bit) = (48 * i / 64, 48 * i % 64);
            let above = if bit > 16 { self.0.get(limb + 1).map_or(0, |next| next << (64 - bit)) } else { 0 };
            (self.0[limb] >> bit | above) & ((1 << DIGIT_BITS) - 1)
        })
    }

    /// In hexadecimal, for messages.
    pub fn to_hex(self) -> String {
        let digits: String = self.0.iter().rev().map(|limb| format!("{limb:016x}")).collect();
        let digits = digits.trim_start_matches('0');
        format!("0x{}", if digits.is_empty() { "0" } else { digits })
    }

    const fn is_zero(&self) -> bool {
        let [l0, l1, l2, l3, l4, l5] = self.0;
        l0 | l1 | l2 | l3 | l4 | l5 == 0
    }

    /// Whether `self + b − c` is 0 or `p`, as integers; `None` if it is neither. If both are true (of a modulus of 0), it is 0.
    pub fn sum(p: &Self, a: &Self, b: &Self, c: &Self) -> Option<Sum> {
        let [p, a, b, c] = [p, a, b, c].map(Self::digits);
        [false, true].into_iter().find_map(|reduces| {
            let (mut carry, mut lower) = (0, 0);
            for i in 0..DIGITS {
                let subtracted = if reduces { p[i] as i64 } else { 0 };
                let digit = carry + a[i] as i64 + b[i] as i64 - c[i] as i64 - subtracted;
                if digit & ((1 << DIGIT_BITS) - 1) != 0 {
                    return None;
                }
                carry = digit >> DIGIT_BITS;
                if i == DIGITS / 2 - 1 {
                    lower = carry;
                }
            }
            (carry == 0).then_some(Sum { reduces, carry: lower })
        })
    }

    /// How often `p` goes into `a·b − c`, if it goes into it exactly, and fewer than 2^384 times. Of a modulus of 0 the quotient is 0.
    pub fn product(p: &Self, a: &Self, b: &Self, c: &Self) -> Option<Product> {
        let quotient = quotient(difference(multiply(&a.0, &b.0), &c.0)?, p)?;
        let [a, b, c, p, q] = [a, b, c, p, &quotient].map(Self::digits);
        let (mut carry, mut carries) = (0_i128, [0; 3]);
        for place in 0..2 * DIGITS - 1 {
            let mut digit = carry - c.get(place).map_or(0, |digit| i128::from(*digit));
            for i in place.saturating_sub(DIGITS - 1)..=place.min(DIGITS - 1) {
                let product = |x: u64, y: u64| (u128::from(x) * u128::from(y)) as i128;
                digit += product(a[i], b[place - i]) - product(q[i], p[place - i]);
            }
            carry = digit >> DIGIT_BITS;
            if place % CHUNK == CHUNK - 1 {
                // Of at most eight products of two digits each way: below 2^52 in amount.
                carries[place / CHUNK] = carry as i64;
            }
        }
        Some(Product { quotient, carries })
    }
}

/// The product of two numbers.
fn multiply(a: &[u64; 6], b: &[u64; 6]) -> [u64; 12] {
    let mut product = [0; 12];
    for (i, x) in a.iter().enumerate() {
        let mut carry = 0;
        for (j, y) in b.iter().enumerate() {
            let wide = u128::from(*x) * u128::from(*y) + u128::from(product[i + j]) + u128::from(carry);
            (product[i + j], carry) = (wide as u64, (wide >> 64) as u64);
        }
        product[i + 6] = carry;
    }
    product
}

/// `a − b`, if it is not negative.
fn difference(mut a: [u64; 12], b: &[u64; 6]) -> Option<[u64; 12]> {
    let mut borrow = false;
    for (i, limb) in a.iter_mut().enumerate() {
        let (less, first) = limb.overflowing_sub(b.get(i).copied().unwrap_or(0));
        let (less, second) = less.overflowing_sub(u64::from(borrow));
        (*limb, borrow) = (less, first | second);
    }
    (!borrow).then_some(a)
}

/// The number by which `p` must be multiplied to make `value`, if there is one below 2^384.
///
/// It is found from its least significant limb up (exact division; Jebelean, 1993): each limb is that of the rest, times the inverse of an odd
/// `p` modulo 2^64. What is left must be 0: modulo 2^768, and so as an integer, since value and product are both below.
fn quotient(value: [u64; 12], p: &Number) -> Option<Number> {
    if p.is_zero() {
        return (value == [0; 12]).then(Number::default);
    }
    let zeros = p.0.iter().position(|limb| *limb != 0).unwrap_or(0);
    let zeros = 64 * zeros + p.0[zeros].trailing_zeros() as usize;
    let p = shift_right(&p.0, zeros).0;
    let (mut rest, lost) = shift_right(&value, zeros);
    if lost {
        return None;
    }
    // Newton: each round doubles the bits that are right, of which an odd number has three as its own inverse.
    let inverse = (0..5).fold(p[0], |x, _| x.wrapping_mul(2_u64.wrapping_sub(p[0].wrapping_mul(x))));
    let mut quotient = [0_u64; 6];
    for (i, place) in quotient.iter_mut().enumerate() {
        let limb = rest[i].wrapping_mul(inverse);
        *place = limb;
        let mut borrow = 0_u64;
        for (j, digit) in rest.iter_mut().skip(i).enumerate() {
            let subtracted = u128::from(limb) * u128::from(p.get(j).copied().unwrap_or(0)) + u128::from(borrow);
            let (less, under) = digit.overflowing_sub(subtracted as u64);
            *digit = less;
            borrow = ((subtracted >> 64) as u64).wrapping_add(u64::from(under));
        }
    }
    (rest == [0; 12]).then_some(Number(quotient))
}

/// The number divided by `2^bits`, and whether that lost something.
fn shift_right<const N: usize>(limbs: &[u64; N], bits: usize) -> ([u64; N], bool) {
    let (whole, bit) = (bits / 64, bits % 64);
    let get = |i: usize| limbs.get(i).copied().unwrap_or(0);
    let shifted = from_fn(|i| {
        let above = if bit > 0 { get(i + whole + 1) << (64 - bit) } else { 0 };
        get(i + whole) >> bit | above
    });
    let lost = limbs.iter().take(whole).any(|limb| *limb != 0) || get(whole) & ((1 << bit) - 1) != 0;
    (shifted, lost)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use num_bigint::BigUint;
    use proptest::prelude::*;

    fn big(limbs: &[u64]) -> BigUint {
        limbs.iter().rev().fold(BigUint::ZERO, |number, limb| (number << 64) + limb)
    }

    fn number(value: &BigUint) -> Number {
        let mut limbs = value.to_u64_digits();
        limbs.resize(6, 0);
        Number(limbs.try_into().unwrap())
    }

    /// What the definition says of a sum, and what of a product.
    fn reference(p: &Number, a: &Number, b: &Number, c: &Number) -> (Option<bool>, Option<BigUint>) {
        let [p, a, b, c] = [p, a, b, c].map(|number| big(&number.0));
        let sum = if &a + &b == c { Some(false) } else { (&a + &b == &c + &p).then_some(true) };
        let product = &a * &b;
        let rest = (product >= c).then(|| product - c);
        let quotient = rest.and_then(|rest| match p == BigUint::ZERO {
            true => (rest == BigUint::ZERO).then_some(rest),
            false => (&rest % &p == BigUint::ZERO).then(|| rest / p),
        });
        (sum, quotient.filter(|quotient| quotient.bits() <= 384))
    }

    fn compare(p: &Number, a: &Number, b: &Number, c: &Number) {
        let (sum, quotient) = reference(p, a, b, c);
        let found = Number::sum(p, a, b, c);
        assert_eq!(found.map(|sum| sum.reduces), sum);
        if let Some(Sum { reduces, carry }) = found {
            let half = |number: &Number| i128::try_from(big(&number.0[..3]) >> 128_u32).unwrap();
            // The lower halves are their top limbs, and an error below 2.
            let subtracted = if reduces { half(p) } else { 0 };
            let difference = half(a) + half(b) - half(c) - subtracted - (i128::from(carry) << 64);
            assert!(difference.abs() <= 2 && carry.abs() <= 1, "{difference}");
        }
        let found = Number::product(p, a, b, c);
        assert_eq!(found.map(|product| big(&product.quotient.0)), quotient);
        if let Some(Product { carries, .. }) = found {
            assert!(carries.iter().all(|carry| carry.abs() < 1 << 52), "{carries:?}");
        }
    }

    fn edges() -> Vec<Number> {
        let one = BigUint::from(1_u8);
        let power = |bits: u32| &one << bits;
        let mut numbers: Vec<BigUint> = [0_u32, 1, 2, 5, 6, 12].map(BigUint::from).to_vec();
        for bits in [48, 64, 96, 191, 192, 193, 288, 383] {
            numbers.extend([power(bits) - &one, power(bits), power(bits) + &one]);
        }
        numbers.extend([power(384) - &one, power(384) - 2_u32]);
        numbers.iter().map(number).collect()
    }

    /// Every triple of edges, with results that fit, that are off by a modulus or one, and that are edges.
    #[test]
    fn edges_are_as_defined() {
        let edges = edges();
        for p in &edges {
            for (a, b) in edges.iter().flat_map(|a| edges.iter().map(move |b| (a, b))) {
                let [whole, left, right] = [p, a, b].map(|number| big(&number.0));
                let mut results = vec![&left + &right, &left * &right];
                if whole > BigUint::ZERO {
                    results.extend([(&left + &right) % &whole, &left * &right % &whole]);
                }
                results.extend([(&left + &right) + 1_u32, &left + &right + &whole]);
                if &left + &right >= whole {
                    results.push(&left + &right - &whole);
                }
                let results = results.iter().filter(|result| result.bits() <= 384).map(number);
                results.chain([*a, edges[0]]).for_each(|c| compare(p, a, b, &c));
            }
        }
    }

    proptest! {
        #[test]
        fn random_numbers(limbs: [[u64; 6]; 4], widths in prop::array::uniform4(0_u32..=384)) {
            let [p, a, b, c] = std::array::from_fn(|i| number(&(big(&limbs[i]) >> (384 - widths[i]))));
            compare(&p, &a, &b, &c);
            let [whole, left, right] = [p, a, b].map(|number| big(&number.0));
            if whole > BigUint::ZERO {
                compare(&p, &a, &b, &number(&((&left + &right) % &whole)));
                compare(&p, &a, &b, &number(&(&left * &right % &whole)));
            }
        }

        #[test]
        fn digits_are_those_of_words(words in prop::array::uniform4(0_u128..1 << 96)) {
            let number = Number::from_words(words);
            let digits = number.digits();
            for (word, pair) in words.into_iter().zip(digits.chunks(2)) {
                prop_assert_eq!(u128::from(pair[0]) | u128::from(pair[1]) << 48, word);
            }
            prop_assert_eq!(number.to_hex(), format!("{:#x}", big(&number.0)));
        }
    }
}

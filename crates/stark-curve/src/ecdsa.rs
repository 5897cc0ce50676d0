//! Signatures on the Stark curve, as the machine's builtin ecdsa verifies them.
//!
//! A signature `(r, s)` of the message `z` is good for the key `Q` if `[w·(z·G + r·Q)].x = r` with `w = 1/s` modulo the group's order. Of the key only
//! its `x` is known: either point with it will do. As the reference demands, `z`, `r` and `w` are integers below `2^251`; `r` and `w` are not 0.
//! Source: StarkEx's documentation, "STARK signatures".

use crate::products::{Factors, products};
use crate::{GENERATOR, ORDER, Point, START, Word, lines};
use felt::Felt;
use felt::encoding::{canonical_limbs, from_canonical_limbs};
use lambdaworks_math::field::element::FieldElement;
use lambdaworks_math::field::fields::montgomery_backed_prime_fields::{IsModulus, MontgomeryBackendPrimeField};
use lambdaworks_math::unsigned_integer::element::U256;

/// A signature as programs have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// `x` of the nonce's point.
    pub r: Felt,
    /// The other part, an integer modulo the group's order.
    pub s: Felt,
}

/// What is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed {
    /// `x` of the key.
    pub key: Felt,
    /// The message.
    pub message: Felt,
    /// The signature.
    pub signature: Signature,
}

/// Why a signature is none, or cannot be proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The message is too large.
    #[error("the message is not below 2^251")]
    Message,
    /// `r` is out of range.
    #[error("r is 0 or not below 2^251")]
    R,
    /// `1/s` is out of range.
    #[error("s has no inverse below 2^251 modulo the curve's order")]
    S,
    /// The key is no `x` of a point.
    #[error("no point of the curve has the public key as its x")]
    Key,
    /// The signature does not belong to message and key.
    #[error("the signature does not belong to the message and the public key, or a sum on the way is infinity")]
    Signature,
}

/// `START` twice, negated: what remains of two products is taken away by it.
pub fn minus_twice_start() -> Point {
    let double = lines::doubles(&[START]);
    -double.first().map_or(START, |(_, double)| *double)
}

/// All that a proof shows of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    /// The key: of both points with this `x` the one that is good.
    pub q: Point,
    /// `z`.
    pub z: Felt,
    /// `r`.
    pub r: Felt,
    /// `1/s`.
    pub w: Felt,
    /// `START + z·G`.
    pub zg: Point,
    /// `START + r·Q`.
    pub rq: Point,
    /// The slope of the line through both.
    pub sum_slope: Felt,
    /// Their sum.
    pub sum: Point,
    /// The slope of the line through the sum and `−2·START`.
    pub b_slope: Felt,
    /// `B = z·G + r·Q`.
    pub b: Point,
    /// `START + w·B`.
    pub wb: Point,
    /// The slope of the line through that and `−START`.
    pub r_slope: Felt,
}

impl Steps {
    /// The three products.
    pub fn factors(&self) -> [Factors; 3] {
        let factors = |point: Point, scalar: &Felt| Factors { point, scalar: canonical_limbs(scalar) };
        [factors(GENERATOR, &self.z), factors(self.q, &self.r), factors(self.b, &self.w)]
    }
}

#[derive(Clone, Debug)]
struct Order;

impl IsModulus<U256> for Order {
    const MODULUS: U256 = U256 { limbs: [ORDER[3], ORDER[2], ORDER[1], ORDER[0]] };
}

type Scalar = FieldElement<MontgomeryBackendPrimeField<Order, 4>>;

/// The inverse modulo the group's order; `None` for multiples of it.
fn inverse(word: &Word) -> Option<Word> {
    let [l0, l1, l2, l3] = *word;
    let inverse = Scalar::new(U256 { limbs: [l3, l2, l1, l0] }).inv().ok()?;
    let [l3, l2, l1, l0] = inverse.representative().limbs;
    Some([l0, l1, l2, l3])
}

const fn is_short(word: &Word) -> bool {
    word[3] >> 59 == 0
}

/// A signature whose parts are in range.
struct Candidate {
    q: Point,
    z: Felt,
    r: Felt,
    w: Felt,
}

impl Candidate {
    fn new(signed: &Signed) -> Result<Self, Refusal> {
        let Signed { key, message, signature } = signed;
        if !is_short(&canonical_limbs(message)) {
            return Err(Refusal::Message);
        }
        if !is_short(&canonical_limbs(&signature.r)) || signature.r == Felt::zero() {
            return Err(Refusal::R);
        }
        let w = inverse(&canonical_limbs(&signature.s)).filter(is_short).and_then(from_canonical_limbs);
        let w = w.ok_or(Refusal::S)?;
        let q = Point::with_x(*key).ok_or(Refusal::Key)?;
        Ok(Self { q, z: *message, r: signature.r, w })
    }
}

/// What a proof shows of each signature, or why it is refused.
pub fn steps(signed: &[Signed]) -> Vec<Result<Steps, Refusal>> {
    let candidates: Vec<_> = signed.iter().map(Candidate::new).collect();
    let mut results: Vec<Result<Steps, Refusal>> = candidates
        .iter()
        .map(|candidate| Err(candidate.as_ref().err().copied().unwrap_or(Refusal::Signature)))
        .collect();
    for negated in [false, true] {
        let open = candidates.iter().zip(&results).enumerate().filter(|(_, (_, result))| result.is_err());
        let open: Vec<(usize, Candidate)> = open
            .filter_map(|(number, (candidate, _))| {
                let Candidate { q, z, r, w } = candidate.as_ref().ok()?;
                Some((number, Candidate { q: if negated { -*q } else { *q }, z: *z, r: *r, w: *w }))
            })
            .collect();
        let tried: Vec<Candidate> = open.iter().map(|(_, candidate)| Candidate { ..*candidate }).collect();
        for ((number, _), steps) in open.iter().zip(attempt(&tried)) {
            if let Some(steps) = steps {
                results[*number] = Ok(steps);
            }
        }
    }
    results
}

fn attempt(candidates: &[Candidate]) -> Vec<Option<Steps>> {
    let factors = |point: Point, scalar: &Felt| Factors { point, scalar: canonical_limbs(scalar) };
    let pairs = candidates.iter().flat_map(|Candidate { q, z, r, .. }| [factors(GENERATOR, z), factors(*q, r)]);
    let ends = products(&pairs.collect::<Vec<_>>());
    let ends: Vec<Option<(Point, Point)>> = ends.chunks(2).map(|pair| Some((pair[0]?, pair[1]?))).collect();
    let or_start = |pair: &Option<(Point, Point)>| pair.unwrap_or((START, START));
    let sums = lines::sums(&ends.iter().map(or_start).collect::<Vec<_>>());
    let less = minus_twice_start();
    let pairs: Vec<_> = sums.iter().map(|sum| (sum.map_or(START, |(_, sum)| sum), less)).collect();
    let bs = lines::sums(&pairs);
    let of_b =
        |(candidate, b): (&Candidate, &Option<(Felt, Point)>)| factors(b.map_or(START, |(_, b)| b), &candidate.w);
    let wbs = products(&candidates.iter().zip(&bs).map(of_b).collect::<Vec<_>>());
    let pairs: Vec<_> = wbs.iter().map(|wb| (wb.unwrap_or(START), -START)).collect();
    let results = lines::sums(&pairs);
    let steps = |number: usize| {
        let Candidate { q, z, r, w } = candidates.get(number)?;
        let ((zg, rq), (sum_slope, sum)) = ((*ends.get(number)?)?, (*sums.get(number)?)?);
        let ((b_slope, b), wb) = ((*bs.get(number)?)?, (*wbs.get(number)?)?);
        let (r_slope, end) = (*results.get(number)?)?;
        let steps = Steps { q: *q, z: *z, r: *r, w: *w, zg, rq, sum_slope, sum, b_slope, b, wb, r_slope };
        (end.x == *r).then_some(steps)
    };
    (0..candidates.len()).map(steps).collect()
}

/// A signature that is good: of the message 12345, by the private key 6 with the nonce 2.
pub const EXAMPLE: Signed = Signed {
    key: Felt::from_hex_unchecked("1efc3d7c9649900fcbd03f578a8248d095bc4b6a13b3c25f9886ef971ff96fa"),
    message: Felt::from_hex_unchecked("3039"),
    signature: Signature {
        r: Felt::from_hex_unchecked("759ca09377679ecd535a81e83039658bf40959283187c654c5416f439403cf5"),
        s: Felt::from_hex_unchecked("20d5e1ba6636d9bffa0f85b890ac30af2ff12a50e0637b298fbaf3879510e06"),
    },
};

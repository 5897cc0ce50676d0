//! Every kernel against lambdaworks, one operation at a time: for the tests, and for those of a browser, which has kernels of its own.

use super::{Packed, WithPacked, dispatch_each};
use crate::Felt;

/// Results of every operation on two vectors of one length, lane by lane.
#[derive(Clone, Copy)]
struct Operations<'a>(&'a [Felt], &'a [Felt]);

impl WithPacked for Operations<'_> {
    type Output = Vec<[Felt; 10]>;

    #[inline(always)]
    fn run<P: Packed>(self) -> Self::Output {
        let mut results = Vec::new();
        for (a, b) in self.0.chunks(P::WIDTH).zip(self.1.chunks(P::WIDTH)) {
            let mut padded = [vec![Felt::zero(); P::WIDTH], vec![Felt::zero(); P::WIDTH]];
            padded[0][..a.len()].copy_from_slice(a);
            padded[1][..b.len()].copy_from_slice(b);
            let [pa, pb] = [P::load(&padded[0]), P::load(&padded[1])];
            let nothing = P::sum_of_products([], []);
            let two = P::sum_of_products([pa, pb], [pb, pb]);
            let most = P::sum_of_products([pa; 8], [pb; 8]);
            let (sum, difference, negation, product) = (pa.add(pb), pa.sub(pb), pa.neg(), pa.mul(pb));
            let packed = [pa, sum, difference, negation, product, pa.square(), pa.double(), nothing, two, most];
            let mut lanes = vec![[Felt::zero(); 10]; P::WIDTH];
            for (operation, value) in packed.into_iter().enumerate() {
                let mut stored = vec![Felt::zero(); P::WIDTH];
                value.store(&mut stored);
                for (lane, stored) in lanes.iter_mut().zip(stored) {
                    lane[operation] = stored;
                }
            }
            results.extend_from_slice(&lanes[..a.len()]);
        }
        results
    }
}

fn expected(a: &Felt, b: &Felt) -> [Felt; 10] {
    [*a, a + b, a - b, -a, a * b, a.square(), a.double(), Felt::zero(), a * b + b * b, a * b * Felt::from(8)]
}

/// Compares all operations of all kernels that this machine has, lane by lane, on two vectors of one length.
///
/// # Errors
/// The first place where a kernel gives something else.
pub fn compare(a: &[Felt], b: &[Felt]) -> Result<(), String> {
    for (kernel, results) in dispatch_each(Operations(a, b)) {
        for ((a, b), results) in a.iter().zip(b).zip(&results) {
            for (operation, (result, expected)) in results.iter().zip(expected(a, b)).enumerate() {
                // Limbs as they are: a form that is not reduced must not pass.
                if result.value().limbs != expected.value().limbs {
                    return Err(format!("{kernel}: operation {operation} of {a} and {b} gives {result}"));
                }
            }
        }
    }
    Ok(())
}

//! Several field elements at once: one trait, one implementation for each kernel, and the choice between them.

#[cfg(target_arch = "x86_64")]
mod ifma;
pub(crate) mod kernel;
mod portable;

use crate::Felt;
pub(crate) use portable::Portable;

/// `WIDTH` field elements processed at once, in whatever internal form the kernel likes.
///
/// Every operation is exact in the field; [`Packed::store`] gives the same elements on every kernel. The trait is sealed:
/// kernels come from [`dispatch`] only.
pub trait Packed: kernel::Kernel + Copy + Send + Sync + 'static {
    /// Number of elements in one value, a power of two.
    const WIDTH: usize;

    /// Reads the first `WIDTH` elements of `src`.
    ///
    /// # Panics
    /// If `src` is shorter than `WIDTH`.
    fn load(src: &[Felt]) -> Self;

    /// Writes the elements to the first `WIDTH` places of `dst`, in fully reduced Montgomery form.
    ///
    /// # Panics
    /// If `dst` is shorter than `WIDTH`.
    fn store(self, dst: &mut [Felt]);

    /// The same element in every lane.
    fn broadcast(x: &Felt) -> Self;

    /// Lane-wise sum.
    fn add(self, o: Self) -> Self;

    /// Lane-wise difference.
    fn sub(self, o: Self) -> Self;

    /// Lane-wise negation.
    fn neg(self) -> Self;

    /// Lane-wise product.
    fn mul(self, o: Self) -> Self;

    /// Lane-wise `Σ a_i·b_i`, with fewer reductions than products where the kernel can. The sum of no products is zero.
    #[inline(always)]
    fn sum_of_products<const N: usize>(a: [Self; N], b: [Self; N]) -> Self {
        let mut sum = Self::broadcast(&Felt::zero());
        for i in 0..N {
            sum = sum.add(a[i].mul(b[i]));
        }
        sum
    }

    /// Lane-wise square.
    fn square(self) -> Self;

    /// Lane-wise double.
    fn double(self) -> Self;
}

/// A computation written once over any [`Packed`] and compiled for each kernel.
///
/// `run` and every generic function that it calls should be `#[inline(always)]`: only code that is inlined into the kernel's
/// entry point is compiled with the kernel's instructions, and all else is many times slower. Closures cannot have the attribute, so
/// packed values belong in plain loops, not in `map` or `fold`. For the same reason the work should be split among threads
/// outside, each piece calling [`dispatch`] for itself.
pub trait WithPacked {
    /// What the computation returns.
    type Output;

    /// The computation.
    fn run<P: Packed>(self) -> Self::Output;
}

/// Runs `op` with the best kernel of this machine (decided once, at run time; `CAIRN_KERNEL=portable` in the environment
/// asks for the portable one).
#[inline]
pub fn dispatch<T: WithPacked>(op: T) -> T::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(token) = ifma::Available::detect() {
        return token.run(op);
    }
    dispatch_portable(op)
}

/// Whether the environment variable `CAIRN_KERNEL` asks for the portable kernel: to compare kernels, and to go on where a
/// machine's instructions are in doubt. Any other value is ignored.
#[cfg(target_arch = "x86_64")]
fn forced_portable() -> bool {
    std::env::var_os("CAIRN_KERNEL").is_some_and(|kernel| kernel == "portable")
}

/// Runs `op` with the kernel that works everywhere, one element at a time. For tests and comparison.
#[inline]
pub fn dispatch_portable<T: WithPacked>(op: T) -> T::Output {
    op.run::<Portable>()
}

/// Name of the kernel that [`dispatch`] chooses on this machine: `"avx512ifma"` or `"portable"`.
pub fn kernel_name() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    if ifma::Available::detect().is_some() {
        return "avx512ifma";
    }
    "portable"
}

//! Several field elements at once: one trait, one implementation for each kernel, and the choice between them.

mod compare;
#[cfg(any(target_arch = "x86_64", target_feature = "relaxed-simd"))]
mod fma;
#[cfg(target_arch = "x86_64")]
mod ifma;
pub(crate) mod kernel;
mod portable;

use crate::Felt;
#[doc(hidden)]
pub use compare::compare;
pub(crate) use portable::Portable;

/// [`Packed::Sum`] for kernels that reduce at every operation.
macro_rules! sum_at_once {
    () => {
        type Sum = Self;

        #[inline(always)]
        fn empty_sum() -> Self {
            Self::broadcast(&Felt::zero())
        }

        #[inline(always)]
        fn add_product(sum: Self, a: Self, b: Self) -> Self {
            sum.add(a.mul(b))
        }

        #[inline(always)]
        fn negate_sum(sum: Self) -> Self {
            sum.neg()
        }

        #[inline(always)]
        fn add_value(sum: Self, a: Self) -> Self {
            sum.add(a)
        }

        #[inline(always)]
        fn subtract_value(sum: Self, a: Self) -> Self {
            sum.sub(a)
        }

        #[inline(always)]
        fn total(sum: Self) -> Self {
            sum
        }

        #[inline(always)]
        fn total_of_values(sum: Self) -> Self {
            sum
        }
    };
}
use sum_at_once;

/// Most products in one [`Packed::Sum`].
pub const MAX_PRODUCTS: usize = 8;

/// Most values, next to products, in one [`Packed::Sum`].
pub const MAX_VALUES: usize = 64;

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

    /// A sum that is reduced once, at the end: at most [`MAX_PRODUCTS`] products and [`MAX_VALUES`] values. Nothing counts them: with
    /// more the total may be wrong, depending on the kernel.
    type Sum: Copy;

    /// The empty sum.
    fn empty_sum() -> Self::Sum;

    /// `sum + a·b`, lane-wise.
    fn add_product(sum: Self::Sum, a: Self, b: Self) -> Self::Sum;

    /// `−sum`, lane-wise.
    fn negate_sum(sum: Self::Sum) -> Self::Sum;

    /// `sum + a`, lane-wise.
    fn add_value(sum: Self::Sum, a: Self) -> Self::Sum;

    /// `sum − a`, lane-wise.
    fn subtract_value(sum: Self::Sum, a: Self) -> Self::Sum;

    /// What the sum amounts to.
    fn total(sum: Self::Sum) -> Self;

    /// [`Packed::total`] for a sum without products.
    fn total_of_values(sum: Self::Sum) -> Self;

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

/// Runs `op` with the best kernel of this machine, decided once, at run time. The environment variable `CAIRN_KERNEL` can ask for less:
/// `portable` for the portable kernel, `avx2` for nothing better than that one.
#[inline]
pub fn dispatch<T: WithPacked>(op: T) -> T::Output {
    choice().run(op)
}

/// Runs `op` with the kernel that works everywhere, one element at a time. For tests and comparison.
#[inline]
pub fn dispatch_portable<T: WithPacked>(op: T) -> T::Output {
    op.run::<Portable>()
}

/// Runs `op` with every kernel that this machine has, whatever the environment asks for, the best one first. For tests and comparison.
#[doc(hidden)]
pub fn dispatch_each<T: WithPacked + Copy>(op: T) -> Vec<(&'static str, T::Output)> {
    available().map(|kernel| (kernel.name(), kernel.run(op))).collect()
}

/// Name of the kernel that [`dispatch`] chooses on this machine: `"avx512ifma"`, `"avx2"`, `"relaxed"` (WebAssembly) or `"portable"`.
pub fn kernel_name() -> &'static str {
    choice().name()
}

/// A kernel that this machine has.
#[derive(Clone, Copy)]
enum Choice {
    #[cfg(target_arch = "x86_64")]
    Ifma(ifma::Available),
    #[cfg(any(target_arch = "x86_64", target_feature = "relaxed-simd"))]
    Fma(fma::Available),
    Portable,
}

impl Choice {
    #[inline]
    fn run<T: WithPacked>(self, op: T) -> T::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Choice::Ifma(token) => token.run(op),
            #[cfg(any(target_arch = "x86_64", target_feature = "relaxed-simd"))]
            Choice::Fma(token) => token.run(op),
            Choice::Portable => dispatch_portable(op),
        }
    }

    #[inline]
    fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Choice::Ifma(_) => "avx512ifma",
            #[cfg(target_arch = "x86_64")]
            Choice::Fma(_) => "avx2",
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Choice::Fma(_) => "relaxed",
            Choice::Portable => "portable",
        }
    }
}

/// The kernels of this machine, the best one first.
#[cfg(target_arch = "x86_64")]
fn available() -> impl Iterator<Item = Choice> {
    let ifma = ifma::Available::detect().map(Choice::Ifma);
    let avx2 = fma::Available::detect().map(Choice::Fma);
    ifma.into_iter().chain(avx2).chain([Choice::Portable])
}

#[cfg(target_feature = "relaxed-simd")]
fn available() -> impl Iterator<Item = Choice> {
    fma::Available::detect().map(Choice::Fma).into_iter().chain([Choice::Portable])
}

#[cfg(not(any(target_arch = "x86_64", target_feature = "relaxed-simd")))]
fn available() -> impl Iterator<Item = Choice> {
    std::iter::once(Choice::Portable)
}

/// The best kernel that the environment allows: to compare kernels, and to go on where a machine's instructions are in doubt. Names of
/// no kernel are ignored.
#[cfg(any(target_arch = "x86_64", target_feature = "relaxed-simd"))]
#[inline]
fn choice() -> Choice {
    static CHOICE: std::sync::OnceLock<Choice> = std::sync::OnceLock::new();
    *CHOICE.get_or_init(|| {
        // A browser has no environment.
        let most = std::env::var("CAIRN_KERNEL").unwrap_or_default();
        let allowed = |kernel: &Choice| match most.as_str() {
            "portable" => matches!(kernel, Choice::Portable),
            "avx2" => matches!(kernel, Choice::Fma(_) | Choice::Portable),
            _ => true,
        };
        available().find(allowed).unwrap_or(Choice::Portable)
    })
}

#[cfg(not(any(target_arch = "x86_64", target_feature = "relaxed-simd")))]
#[inline]
fn choice() -> Choice {
    Choice::Portable
}

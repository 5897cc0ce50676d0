//! How elements lie in memory, which the SIMD kernels' loads rely on, and the allocation of large results.

// The allocation of `zeros` needs it; each use is argued there.
#![allow(unsafe_code)]

use crate::Felt;
use lambdaworks_math::unsigned_integer::element::U256;
use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};

// The limbs of a `Felt` are four `u64` (they can be read as such, see `encoding`) and fill it: so it is these 32 bytes and nothing
// else, most significant limb first, and any bytes are a valid value of the type.
const _: () = assert!(size_of::<Felt>() == 32 && align_of::<Felt>() == align_of::<u64>());
const _: fn(&Felt) -> &[u64; 4] = |x| {
    let limbs: &U256 = x.value();
    &limbs.limbs
};

/// Bytes from which an allocation asks for large pages: some of them lie in it wholly.
#[cfg(target_os = "linux")]
const LARGE: usize = 4 << 20;

mod sealed {
    /// Types whose values zero bytes are.
    ///
    /// # Safety
    /// Zero bytes must be a valid value, and the type must have a size.
    pub unsafe trait Plain {}
    // SAFETY: by the assertion above any bytes are a `Felt`; zero bytes are the element zero.
    unsafe impl Plain for crate::Felt {}
    // SAFETY: any bytes are a byte.
    unsafe impl Plain for [u8; 32] {}
}

/// A vector of `len` zeros, field elements or digests, for a large result.
///
/// Its pages are supplied by the system when they are first written, by the threads that fill them, and without a pass over the
/// memory here. On Linux the system is asked for large pages: the first touch of ordinary pages, and the translation of their
/// addresses in strided passes, can cost more than the arithmetic of a transform.
///
/// # Panics
/// If so many elements exceed the address space.
pub fn zeros<T: sealed::Plain>(len: usize) -> Vec<T> {
    if len == 0 {
        return Vec::new();
    }
    // The capacity check is Vec's own rule and its failure the documented panic.
    #[allow(clippy::expect_used)]
    let layout = Layout::array::<T>(len).expect("length exceeds the address space");
    // SAFETY: the layout's size is not zero, since neither `len` nor the size of a `Plain` type is.
    let memory = unsafe { alloc_zeroed(layout) };
    if memory.is_null() {
        handle_alloc_error(layout);
    }
    advise_large_pages(memory, layout.size());
    // SAFETY: the memory comes from the global allocator with the layout of `len` elements, which is also the capacity given; zero
    // bytes are a valid value of a `Plain` type, so all `len` elements are initialised.
    unsafe { Vec::from_raw_parts(memory.cast::<T>(), len, len) }
}

/// Asks for the cache lines of these elements ahead of their use. Passes that read a little of each of many columns wait for most of
/// their loads otherwise, since no processor foresees them.
#[inline(always)]
pub fn prefetch(elements: &[Felt]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let start = elements.as_ptr().cast::<i8>();
        for line in (0..size_of_val(elements)).step_by(64) {
            // SAFETY: every x86-64 has the instruction, it changes nothing, and the address lies in the slice.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(start.add(line)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = elements;
}

#[cfg(target_os = "linux")]
fn advise_large_pages(memory: *mut u8, size: usize) {
    const PAGE: usize = 1 << 12;
    if size < LARGE {
        return;
    }
    let skip = memory.align_offset(PAGE);
    if let Some(rest) = size.checked_sub(skip) {
        // SAFETY: the range lies in the allocation, as `skip + rest = size`. The advice changes no contents, whatever it returns: it is
        // refused where the system has larger ordinary pages or no large ones.
        unsafe { libc::madvise(memory.add(skip).cast(), rest / PAGE * PAGE, libc::MADV_HUGEPAGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn advise_large_pages(_memory: *mut u8, _size: usize) {}

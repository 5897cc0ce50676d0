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

/// A vector of `len` zeros for a large result.
///
/// Its pages are supplied by the system when they are first written, by the threads that fill them, and without a pass over the
/// memory here. On Linux the system is asked for large pages: the first touch of ordinary pages, and the translation of their
/// addresses in strided passes, can cost more than the arithmetic of a transform.
///
/// # Panics
/// If so many elements exceed the address space.
pub fn zeros(len: usize) -> Vec<Felt> {
    if len == 0 {
        return Vec::new();
    }
    // The capacity check is Vec's own rule and its failure the documented panic.
    #[allow(clippy::expect_used)]
    let layout = Layout::array::<Felt>(len).expect("length exceeds the address space");
    // SAFETY: the layout's size is not zero, since `len` is not.
    let memory = unsafe { alloc_zeroed(layout) };
    if memory.is_null() {
        handle_alloc_error(layout);
    }
    advise_large_pages(memory, layout.size());
    // SAFETY: the memory comes from the global allocator with the layout of `len` elements, which is also the capacity given; zero
    // bytes are a valid `Felt` by the assertion above (the element zero), so all `len` elements are initialised.
    unsafe { Vec::from_raw_parts(memory.cast::<Felt>(), len, len) }
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

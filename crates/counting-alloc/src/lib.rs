//! For tests and benchmarks only (a dev-dependency): a global allocator that counts what a thread allocates.
//!
//! ```
//! use std::alloc::System;
//! use weir_counting_alloc::{Counting, allocations, peak};
//!
//! #[global_allocator]
//! static ALLOCATOR: Counting = Counting(System);
//!
//! let (count, list) = allocations(|| vec![1, 2, 3]);
//! assert_eq!((count, list.len()), (1, 3));
//! let (bytes, ()) = peak(|| drop(vec![0_u8; 1000]));
//! assert_eq!(bytes, 1000);
//! ```

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

thread_local! {
    /// What this thread has asked for. `const`, so that reading it allocates nothing itself.
    static ASKED: Cell<Asked> = const { Cell::new(Asked { times: 0, held: 0, peak: 0 }) };
}

#[derive(Clone, Copy)]
struct Asked {
    /// How often.
    times: u64,
    /// Bytes that this thread has asked for, less those that it has freed: of its own or of others.
    held: i64,
    /// The most of them at a time.
    peak: i64,
}

/// An allocator, with counts per thread; the system's, where nothing else is said.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counting<A = System>(pub A);

/// Runs `work`; answers how often this thread asked for memory meanwhile (growing a block counts, freeing does not), and
/// what `work` returned. Zero where [`Counting`] is not the global allocator.
pub fn allocations<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = ASKED.get().times;
    let result = work();
    (ASKED.get().times - before, result)
}

/// Runs `work`; answers how many bytes it held at most beyond what was held before, and what it returned. A block that
/// grows counts twice at that moment: what it was, and what it is.
pub fn peak<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = ASKED.get().held;
    ASKED.set(Asked { peak: before, ..ASKED.get() });
    let result = work();
    (u64::try_from(ASKED.get().peak - before).unwrap_or(0), result)
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX) // a layout is never as large
}

fn ask(bytes: usize) {
    // A thread that is ending has lost its counts; what it still allocates is nobody's concern.
    let _ = ASKED.try_with(|asked| {
        let Asked { times, held, peak } = asked.get();
        let held = held + signed(bytes);
        asked.set(Asked { times: times + 1, held, peak: peak.max(held) });
    });
}

fn free(bytes: usize) {
    let _ = ASKED.try_with(|asked| {
        let now = asked.get();
        asked.set(Asked { held: now.held - signed(bytes), ..now });
    });
}

// SAFETY: every call is handed on to the other allocator as it came, and what that answers is returned as it is; counting
// neither allocates nor unwinds.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Counting<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ask(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`, which is the same.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        free(layout.size());
        // SAFETY: the caller keeps the contract of `dealloc`, and `block` came from the other allocator.
        unsafe { self.0.dealloc(block, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ask(layout.size());
        // SAFETY: the caller keeps the contract of `alloc_zeroed`, which is the same.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        ask(new_size);
        free(layout.size());
        // SAFETY: the caller keeps the contract of `realloc`, and `block` came from the other allocator.
        unsafe { self.0.realloc(block, layout, new_size) }
    }
}

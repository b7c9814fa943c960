//! An allocator that searches each block for planted secrets before it gives it back.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    backtrace::Backtrace,
    cell::Cell,
    fmt,
};

use crate::secrets::{FRAGMENT, PLANTED};

#[global_allocator]
static ALLOCATOR: Watch = Watch;

struct Watch;

/// What an armed thread freed.
pub struct Report {
    /// The blocks that were freed.
    pub blocks: usize,
    /// Those with a planted secret in them.
    pub hits: usize,
    /// The first of those.
    pub first: Option<Hit>,
    trace: Option<&'static Backtrace>,
}

/// A freed block that holds a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The size of the block.
    pub size: usize,
    /// The secret, or the form of one.
    pub secret: &'static str,
}

/// Does something with this thread armed, and reports what it freed. What `act` returns is not yet freed.
pub fn watch<T>(act: impl FnOnce() -> T) -> (T, Report) {
    TALLY.set(Tally::NONE);
    ARMED.set(true);
    let disarm = Disarm;
    let result = act();
    drop(disarm);
    let Tally { blocks, hits, first, trace } = TALLY.get();
    (result, Report { blocks, hits, first, trace })
}

/// Does something that is not watched: what the test itself makes of secrets.
pub fn unwatched<T>(act: impl FnOnce() -> T) -> T {
    let armed = ARMED.replace(false);
    let result = act();
    ARMED.set(armed);
    result
}

impl Report {
    /// Fails, with the place where the first block was freed, if a secret was found.
    pub fn assert_clean(&self) {
        assert!(self.blocks > 0, "nothing was freed: the test looks at the wrong thread");
        assert!(self.hits == 0, "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} freed blocks hold a secret", self.hits, self.blocks)?;
        if let Some(Hit { size, secret }) = self.first {
            write!(f, "; the first, of {size} bytes, holds {secret}")?;
        }
        let trace = self.trace.map(Backtrace::to_string).unwrap_or_default();
        let mut own = trace.lines().filter(|line| line.contains("/core/src/") && !line.contains("/rustc/"));
        own.try_for_each(|line| write!(f, "\n{line}"))
    }
}

thread_local! {
    // Neither needs a destructor or a late initialiser, which would allocate.
    static ARMED: Cell<bool> = const { Cell::new(false) };
    static TALLY: Cell<Tally> = const { Cell::new(Tally::NONE) };
}

#[derive(Clone, Copy)]
struct Tally {
    blocks: usize,
    hits: usize,
    first: Option<Hit>,
    trace: Option<&'static Backtrace>,
}

impl Tally {
    const NONE: Self = Self { blocks: 0, hits: 0, first: None, trace: None };
}

struct Disarm;

impl Drop for Disarm {
    fn drop(&mut self) {
        ARMED.set(false);
    }
}

// SAFETY: every block comes from `System` and goes back to it with the layout it was asked for.
unsafe impl GlobalAlloc for Watch {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Zeroed: what an earlier owner left in the block is not found as its next owner's.
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if ARMED.get() {
            // SAFETY: the block is the caller's, of this size, and zeroed at first, so every byte is initialised.
            inspect(unsafe { std::slice::from_raw_parts(block, layout.size()) });
        }
        // SAFETY: the caller's promise about `block` and `layout` is passed on.
        unsafe { System.dealloc(block, layout) };
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Always moved: the system may, so whoever grows a block with a secret in it leaves a copy behind.
        // SAFETY: `size` is not zero and does not overflow when rounded up, by the caller's promise.
        let moved = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !moved.is_null() {
            // SAFETY: both blocks are at least that long, and apart.
            unsafe { std::ptr::copy_nonoverlapping(block, moved, layout.size().min(size)) };
            // SAFETY: the caller's promise about `block` and `layout` is passed on.
            unsafe { self.dealloc(block, layout) };
        }
        moved
    }
}

fn inspect(block: &[u8]) {
    let mut tally = TALLY.get();
    tally.blocks += 1;
    if let Some(secret) = find(block) {
        tally.hits += 1;
        if tally.first.is_none() {
            tally.first = Some(Hit { size: block.len(), secret });
            // Allocates, and frees what it has read of the binary.
            ARMED.set(false);
            tally.trace = Some(Box::leak(Box::new(Backtrace::force_capture())));
            ARMED.set(true);
        }
    }
    TALLY.set(tally);
}

/// Returns the planted text that a fragment of stands in some bytes.
fn find(bytes: &[u8]) -> Option<&'static str> {
    let suspects = bytes.windows(FRAGMENT).filter(|window| {
        let mark = mark(window, 0);
        MARKS[mark / 64] & 1 << (mark % 64) != 0
    });
    for suspect in suspects {
        let is_in = |secret: &&&str| secret.as_bytes().windows(FRAGMENT).any(|fragment| fragment == suspect);
        if let Some(secret) = PLANTED.iter().find(is_in) {
            return Some(secret);
        }
    }
    None
}

/// One bit for the first four bytes of each fragment: nearly all bytes are passed over without a comparison.
static MARKS: [u64; 1024] = marks();

const fn marks() -> [u64; 1024] {
    let mut marks = [0; 1024];
    let mut secret = 0;
    while secret < PLANTED.len() {
        let bytes = PLANTED[secret].as_bytes();
        let mut at = 0;
        while at + FRAGMENT <= bytes.len() {
            let mark = mark(bytes, at);
            marks[mark / 64] |= 1 << (mark % 64);
            at += 1;
        }
        secret += 1;
    }
    marks
}

const fn mark(bytes: &[u8], at: usize) -> usize {
    let word = u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    (word.wrapping_mul(0x9e37_79b1) >> 16) as usize
}

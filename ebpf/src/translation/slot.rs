//! What slots of translations do otherwise than those of other tables. One is found by its place alone; its key says only where
//! it belongs.

use dray_abi::{Meta, Translation};

/// Nobody finds it by its key.
#[inline(always)]
pub(crate) fn is_hidden(_: Meta) -> bool {
    true
}

/// It ends with its connection.
///
/// # Safety
/// None is needed; slots of other tables need it.
#[inline(always)]
pub(crate) unsafe fn is_over(_: *mut Translation, _: Meta, _: u32) -> bool {
    false
}

/// Nothing: it is never claimed from another.
///
/// # Safety
/// As for [`is_over`].
#[inline(always)]
pub(crate) unsafe fn end(_: *mut Translation, _: Meta) {}

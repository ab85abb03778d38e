//! A packet cut into IP fragments (RFC 791 section 3.2, RFC 8200 section 4.5).

use super::{
    Frame,
    write::{self, Piece},
};

pub(super) fn fragments(frame: &Frame, size: usize) -> Vec<Vec<u8>> {
    assert!(
        size > 0 && size.is_multiple_of(8),
        "a fragment's size is a multiple of 8, not {size}"
    );
    let content = write::transport(frame);
    let last = content.len().saturating_sub(1) / size;
    content
        .chunks(size)
        .enumerate()
        .map(|(index, part)| {
            let piece = Piece {
                offset: index * size,
                more: index < last,
            };
            let mut out = write::link(frame);
            out.extend(write::network(frame, Some(piece), part));
            out
        })
        .collect()
}

//! Sequence numbers on the wire, offsets inside.
//!
//! Sequence numbers wrap around after 4 GiB, and comparing them is the classic source of errors. So
//! they exist only at the edge: inside, a position in a stream is a `u64` offset that never wraps.
//! The SYN stands at [`ORIGIN`], the first byte behind it.

/// A sequence number as it stands in a header (RFC 9293, 3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seq(pub u32);

/// The offset of the SYN. Not zero, so that an old segment from before the connection has a smaller
/// offset and not a negative one; its low 32 bits are zero, so that [`wrap`] is one addition.
pub(crate) const ORIGIN: u64 = 1 << 32;

/// The sequence number at `offset` of the stream whose SYN has the number `initial`.
pub(crate) const fn wrap(initial: Seq, offset: u64) -> Seq {
    Seq(initial.0.wrapping_add(offset as u32))
}

/// The offset of `seq` that is nearest to `near`, at most 2 GiB away from it.
pub(crate) const fn unwrap(initial: Seq, near: u64, seq: Seq) -> u64 {
    let distance = seq.0.wrapping_sub(wrap(initial, near).0) as i32;
    near.wrapping_add_signed(distance as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_syn_is_at_the_origin() {
        assert_eq!(wrap(Seq(77), ORIGIN), Seq(77));
        assert_eq!(unwrap(Seq(77), ORIGIN, Seq(76)), ORIGIN - 1);
    }

    proptest! {
        #[test]
        fn unwrap_undoes_wrap(initial: u32, at in ORIGIN..1 << 50, off in -0x7fff_ffffi64..0x7fff_ffff) {
            let near = at.saturating_add_signed(off);
            prop_assert_eq!(unwrap(Seq(initial), near, wrap(Seq(initial), at)), at);
        }
    }
}

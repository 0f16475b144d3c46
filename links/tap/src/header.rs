//! `struct virtio_net_hdr` (Virtio 1.3, 5.1.6), without the count of buffers: what a tap calls
//! `vnet_hdr`. Little-endian, because `TUNSETVNETLE` asks for that.

use link::{Offload, Transmit};
use packet::{RxChecksum, RxMeta};

/// Its bytes. 12 with `num_buffers`, which only a device with several buffers a frame needs.
pub(crate) const LEN: usize = 10;

/// `VIRTIO_NET_HDR_F_*`.
const NEEDS_CSUM: u8 = 1;
const DATA_VALID: u8 = 2;
/// `VIRTIO_NET_HDR_GSO_*`.
const GSO_NONE: u8 = 0;
const GSO_TCPV4: u8 = 1;

/// What a header says of its frame; an empty one says nothing. `None` for what was not asked for:
/// every super-frame but TCP over IPv4.
pub(crate) fn parse(header: &[u8]) -> Option<RxMeta> {
    let [flags, gso_type, _, _, size_low, size_high, ..] = *header else {
        return header.is_empty().then(RxMeta::default);
    };
    let gso_size = match (gso_type, u16::from_le_bytes([size_low, size_high])) {
        (GSO_NONE, _) => 0,
        (GSO_TCPV4, size) if size > 0 => size,
        _ => return None,
    };
    let checksum = match flags {
        _ if flags & NEEDS_CSUM != 0 => RxChecksum::Blank,
        _ if flags & DATA_VALID != 0 => RxChecksum::Valid,
        _ => RxChecksum::Unknown,
    };
    Some(RxMeta { checksum, gso_size })
}

/// The header of a frame to be sent.
pub(crate) fn of(frame: &Transmit<'_>) -> [u8; LEN] {
    let Offload { checksum, gso_size } = frame.offload;
    let mut header = [0; LEN];
    let [flags, gso_type, fields @ ..] = &mut header;
    let mut put = |at: usize, value: u16| {
        fields[2 * at..2 * at + 2].copy_from_slice(&value.to_le_bytes());
    };
    if let Some(partial) = checksum {
        *flags = NEEDS_CSUM;
        put(2, partial.start);
        put(3, partial.offset);
    }
    // What fits in one segment is no super-frame; the kernel may refuse to be told otherwise.
    let payload = frame.len() - frame.head.len();
    if let Some(size) = gso_size.filter(|size| payload > usize::from(*size)) {
        *gso_type = GSO_TCPV4;
        put(0, frame.head.len() as u16);
        put(1, size);
    }
    header
}

#[cfg(test)]
mod tests {
    use link::PartialChecksum;
    use packet::Chunk;

    use super::*;

    const OFFLOAD: Offload = Offload {
        checksum: Some(PartialChecksum {
            start: 34,
            offset: 16,
        }),
        gso_size: Some(1460),
    };

    #[test]
    fn a_super_frame_is_said_as_virtio_says_it() {
        let payload = [Chunk::Static(&[0; 1461])];
        let header = of(&Transmit {
            head: &[0; 54],
            payload: &payload,
            offload: OFFLOAD,
        });
        assert_eq!(header, [1, 1, 54, 0, 0xb4, 5, 34, 0, 16, 0]);
        let meta = RxMeta {
            checksum: RxChecksum::Blank,
            gso_size: 1460,
        };
        assert_eq!(parse(&header), Some(meta));
    }

    #[test]
    fn one_segment_is_no_super_frame() {
        let payload = [Chunk::Static(&[0; 1460])];
        let header = of(&Transmit {
            head: &[0; 54],
            payload: &payload,
            offload: OFFLOAD,
        });
        assert_eq!(header, [1, 0, 0, 0, 0, 0, 34, 0, 16, 0]);
    }

    #[test]
    fn a_plain_frame_and_a_verified_one() {
        assert_eq!(parse(&[]), Some(RxMeta::default()));
        assert_eq!(parse(&[0; LEN]), Some(RxMeta::default()));
        let verified = parse(&[2, 0, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap();
        assert_eq!(verified.checksum, RxChecksum::Valid);
    }

    #[test]
    fn what_was_not_asked_for_is_refused() {
        assert_eq!(parse(&[0; 5]), None);
        // UDP, TCP over IPv6, UDP segmentation, ECN; and segments of no bytes.
        for gso_type in [3, 4, 5, 0x81] {
            assert_eq!(parse(&[1, gso_type, 0, 0, 0xb4, 5, 0, 0, 0, 0]), None);
        }
        assert_eq!(parse(&[1, GSO_TCPV4, 0, 0, 0, 0, 0, 0, 0, 0]), None);
    }
}

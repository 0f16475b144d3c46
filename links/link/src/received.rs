//! Copying received bytes into a pool.

use packet::{Buf, Class, Frame, Part, Pool, RxMeta};

/// Copies a received frame, given in pieces, out of wherever it lies: into the smallest buffer that
/// holds it, else into a larger one, else densely into several pages. `None` when the pool has not
/// even those: the link counts the frame and drops it.
///
/// A page holds more than the 128 bytes of headers that a frame starts with, so they stay in the
/// first part whatever happens.
#[must_use]
pub fn copy_received<'a>(
    pool: &Pool,
    pieces: impl Iterator<Item = &'a [u8]> + Clone,
    meta: RxMeta,
) -> Option<Frame> {
    let len: usize = pieces.clone().map(<[u8]>::len).sum();
    for class in Class::ALL {
        if len <= class.size()
            && let Some(buf) = pool.take_receiving(class)
        {
            return in_one(buf, len, pieces, meta);
        }
    }
    in_pages(pool, pieces, meta)
}

/// Copies densely into several pages.
#[inline(never)]
fn in_pages<'a>(
    pool: &Pool,
    pieces: impl Iterator<Item = &'a [u8]>,
    meta: RxMeta,
) -> Option<Frame> {
    let mut part = Part::new(next_page(pool)?, 0..0);
    let mut frame: Option<Frame> = None;
    for mut piece in pieces {
        loop {
            let count = part.append(piece);
            piece = piece.get(count..).unwrap_or_default();
            if piece.is_empty() {
                break;
            }
            let full = core::mem::replace(&mut part, Part::new(next_page(pool)?, 0..0));
            add(&mut frame, full, meta)?;
        }
    }
    add(&mut frame, part, meta)?;
    frame
}

/// Copies `len` bytes into one buffer that holds them.
fn in_one<'a>(
    mut buf: Buf,
    len: usize,
    pieces: impl Iterator<Item = &'a [u8]>,
    meta: RxMeta,
) -> Option<Frame> {
    let mut room = buf.bytes_mut()?;
    for piece in pieces {
        let (here, rest) = room.split_at_mut_checked(piece.len())?;
        here.copy_from_slice(piece);
        room = rest;
    }
    Some(Frame::new(Part::new(buf, 0..len), meta))
}

fn next_page(pool: &Pool) -> Option<Buf> {
    pool.take_receiving(Class::Page)
}

fn add(frame: &mut Option<Frame>, part: Part, meta: RxMeta) -> Option<()> {
    match frame {
        Some(frame) => frame.push(part).ok(),
        None => {
            *frame = Some(Frame::new(part, meta));
            Some(())
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use packet::Limits;

    use super::*;

    fn pool(cells: usize, pages: usize, bays: usize) -> Pool {
        Pool::new(Limits { cells, pages, bays })
    }

    fn copy(pool: &Pool, bytes: &[u8], cut: usize) -> Option<Frame> {
        let (front, back) = bytes.split_at(cut);
        copy_received(pool, [front, back].into_iter(), RxMeta::default())
    }

    fn bytes(frame: &Frame) -> Vec<u8> {
        frame.parts().flat_map(|part| part.to_vec()).collect()
    }

    #[test]
    fn takes_the_smallest_buffer_that_there_is() {
        let pool = pool(1, 2, 1);
        let data: Vec<u8> = (0..200).collect();
        let held: Vec<Frame> = core::iter::from_fn(|| copy(&pool, &data, 77)).collect();
        let classes: Vec<Class> = held
            .iter()
            .flat_map(|frame| frame.parts().map(|part| part.buf().class()))
            .collect();
        assert_eq!(classes, [Class::Cell, Class::Page, Class::Page, Class::Bay]);
        assert!(held.iter().all(|frame| bytes(frame) == data));
    }

    #[test]
    fn spills_densely_into_pages_without_a_bay() {
        let pool = pool(0, 20, 0);
        let data: Vec<u8> = (0..65_549u32).map(|at| at as u8).collect();
        let frame = copy(&pool, &data, 5000).unwrap();
        assert_eq!(frame.parts().count(), 17);
        assert_eq!(bytes(&frame), data);
    }

    #[test]
    fn gives_everything_back_when_the_pool_runs_out() {
        let pool = pool(0, 4, 0);
        assert!(copy(&pool, &[0; 4 * 4096 + 1], 0).is_none());
        assert_eq!(pool.usage(Class::Page).held, 0);
    }
}

//! How a frame is laid out in slots.
//!
//! The first slot has all headers, as Linux's back end copies it and maps the others. What follows
//! is lent where it lies, page by page, if the back end may see all of those pages; everything else
//! is copied, for the neighbours of a cell are somebody else's.

use alloc::vec::Vec;
use core::ops::Range;

use link::Transmit;
use packet::{Chunk, Class, Part, Pool};
use xen::{PAGE_SIZE, SharedPage};

use crate::areas::AREA;
use crate::wire::MAX_DATA_SLOTS;

/// The slots of a frame.
pub(crate) struct Plan {
    /// How many bytes were copied into the frame's area: its first slot, if there are any.
    pub(crate) copied: usize,
    /// The slots behind it, each within one page.
    pub(crate) pieces: heapless::Vec<Chunk, { MAX_DATA_SLOTS - 1 }>,
}

/// Lays frames out.
pub(crate) struct Planner {
    pool: Pool,
    /// Memory embedded in the program that anybody may see.
    public: Vec<Range<usize>>,
    /// Whether a frame may have more than one slot.
    gathers: bool,
}

impl Planner {
    pub(crate) const fn new(pool: Pool, public: Vec<Range<usize>>, gathers: bool) -> Self {
        Self {
            pool,
            public,
            gathers,
        }
    }

    /// Copies into `area` (a page, and where in it) what belongs there, and says what follows.
    /// `None` when the pool has no page for what else has to be copied.
    pub(crate) fn plan(&self, frame: &Transmit<'_>, area: (&SharedPage, usize)) -> Option<Plan> {
        let layout = || Layout {
            pool: &self.pool,
            area,
            copied: 0,
            pieces: heapless::Vec::new(),
            open: None,
        };
        if !self.gathers && frame.len() > AREA {
            let mut whole = layout();
            whole.open = Some(clean_page(&self.pool)?);
            return whole.copy_all(frame);
        }
        // Too many pieces: they are small, so that copied together they are fewer.
        self.lend(layout(), frame)
            .or_else(|| layout().copy_all(frame))
    }

    /// Lends what may be lent and is worth it; `None` if there are too many pieces.
    fn lend(&self, mut layout: Layout<'_>, frame: &Transmit<'_>) -> Option<Plan> {
        layout.copy(frame.head)?;
        for chunk in frame.payload {
            let mut rest = chunk.clone();
            while !rest.is_empty() {
                let run = rest.split_to(PAGE_SIZE - address(&rest) % PAGE_SIZE);
                if run.len() <= layout.room_in_area() || !self.may_show_page_of(&run) {
                    layout.copy(&run)?;
                } else {
                    layout.lend(run)?;
                }
            }
        }
        layout.finish()
    }

    /// Whether all of the page in which `run` lies may be seen by the back end.
    fn may_show_page_of(&self, run: &Chunk) -> bool {
        match run {
            Chunk::Part(part) => part.buf().class() != Class::Cell,
            Chunk::Static(_) => {
                let start = address(run) / PAGE_SIZE * PAGE_SIZE;
                let holds =
                    |range: &Range<usize>| range.start <= start && start + PAGE_SIZE <= range.end;
                self.public.iter().any(holds)
            }
        }
    }
}

/// A frame that is being laid out.
struct Layout<'a> {
    pool: &'a Pool,
    /// The page of its area, and where that begins.
    area: (&'a SharedPage, usize),
    copied: usize,
    pieces: heapless::Vec<Chunk, { MAX_DATA_SLOTS - 1 }>,
    /// The last piece, while more can be copied to it.
    open: Option<Part>,
}

impl Layout<'_> {
    /// The area takes nothing any more once something stands behind it.
    fn room_in_area(&self) -> usize {
        if self.pieces.is_empty() && self.open.is_none() {
            AREA - self.copied
        } else {
            0
        }
    }

    fn copy(&mut self, bytes: &[u8]) -> Option<()> {
        let (here, mut rest) = bytes.split_at(self.room_in_area().min(bytes.len()));
        let (page, offset) = self.area;
        page.write_bytes(offset + self.copied, here);
        self.copied += here.len();
        while !rest.is_empty() {
            let page = match &mut self.open {
                Some(page) => page,
                None => self.open.insert(clean_page(self.pool)?),
            };
            let count = page.append(rest);
            rest = &rest[count..];
            if !rest.is_empty() {
                self.close()?;
            }
        }
        Some(())
    }

    fn lend(&mut self, run: Chunk) -> Option<()> {
        self.close()?;
        self.pieces.push(run).ok()
    }

    fn close(&mut self) -> Option<()> {
        match self.open.take() {
            Some(page) => self.pieces.push(page.into()).ok(),
            None => Some(()),
        }
    }

    fn copy_all(mut self, frame: &Transmit<'_>) -> Option<Plan> {
        self.copy(frame.head)?;
        frame
            .payload
            .iter()
            .try_for_each(|chunk| self.copy(chunk))?;
        self.finish()
    }

    fn finish(mut self) -> Option<Plan> {
        self.close()?;
        Some(Plan {
            copied: self.copied,
            pieces: self.pieces,
        })
    }
}

/// A page of the pool that shows nothing of who had it before.
fn clean_page(pool: &Pool) -> Option<Part> {
    let mut page = pool.take(Class::Page)?;
    page.bytes_mut()?.fill(0);
    Some(Part::new(page, 0..0))
}

fn address(chunk: &Chunk) -> usize {
    chunk.as_ptr().addr()
}

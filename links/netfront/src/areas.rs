//! Memory of the driver's own for what is copied on its way out: headers, and small frames whole.
//!
//! Several share a page. All that is in it was shown to the same back end, or will be.

use alloc::vec::Vec;

use xen::{PAGE_SIZE, SharedPage};

/// The bytes of an area: the longest headers, and most of what is sent in small pieces behind them,
/// such as the head of a response.
pub(crate) const AREA: usize = 512;

/// How many areas there are, in 16 pages: a frame needs one as long as it is in flight.
const AREAS: u16 = 128;

const IN_A_PAGE: usize = PAGE_SIZE / AREA;

/// All areas of a device, made once.
#[derive(Debug)]
pub(crate) struct Areas {
    pages: Vec<SharedPage>,
    free: Vec<Area>,
}

/// One of them, while it is somebody's.
#[derive(Debug)]
pub(crate) struct Area(u16);

impl Areas {
    pub(crate) fn new() -> Self {
        let pages = usize::from(AREAS) / IN_A_PAGE;
        Self {
            pages: (0..pages).map(|_| SharedPage::new()).collect(),
            free: (0..AREAS).rev().map(Area).collect(),
        }
    }

    /// A free area; `None` while all are in use.
    pub(crate) fn take(&mut self) -> Option<Area> {
        self.free.pop()
    }

    pub(crate) fn give_back(&mut self, area: Area) {
        self.free.push(area);
    }

    /// The page that an area lies in, and where in it.
    pub(crate) fn place(&self, area: &Area) -> (&SharedPage, usize) {
        let number = usize::from(area.0);
        (&self.pages[number / IN_A_PAGE], number % IN_A_PAGE * AREA)
    }
}

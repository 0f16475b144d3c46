//! This guest as a domain of Xen's: what every one of them has.

use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use core::arch::x86_64::{_mm_lfence, _rdtsc};
use core::cell::RefCell;

use xen::{
    Clock, Console, EventChannels, Events, PageAddress, Parameter, SharedPage, Space, Store, Xen,
};

use crate::bells::Bells;
use crate::sleep::Sleep;

unsafe extern "C" {
    /// A page that `linker.ld` keeps, which Xen fills with the code of its calls.
    static hypercall_page: u8;
}

/// A domain of Xen's.
pub(crate) struct Domain {
    pub(crate) xen: Xen,
    pub(crate) bells: Rc<Bells>,
    pub(crate) sleep: Sleep,
}

/// Xen, if it is there; finding it again is harmless.
pub(crate) fn xen() -> Option<Xen> {
    let page = PageAddress::containing(&raw const hypercall_page);
    // SAFETY: the page is kept for that, and may be executed; we are the kernel.
    unsafe { Xen::find(page) }
}

impl Domain {
    /// Takes what Xen shares with us. `None` if it shares nothing. To be called once.
    pub(crate) fn open(xen: Xen) -> Option<Self> {
        let shared = SharedPage::new();
        xen.map(Space::SharedInfo, 0, &shared).ok()?;
        let channels = EventChannels::new(xen, shared.clone());
        let timer = xen.bind_timer().ok()?;
        let bells = Rc::new(Bells::new(channels));
        bells.listen(timer);
        let clock = Clock::new(shared, counter);
        let sleep = Sleep::new(xen, clock, timer, Rc::clone(&bells));
        Some(Self { xen, bells, sleep })
    }

    /// The console that `xl console` shows, if the toolstack gave one.
    pub(crate) fn console(&self) -> Option<Console> {
        // SAFETY: the page is mapped, as all that the memory map names.
        let given = unsafe {
            self.xen
                .given(Parameter::ConsolePage, Parameter::ConsolePort)
        };
        let (page, port) = given?;
        self.bells.listen(port);
        Some(Console::open(page, port, self.events()))
    }

    /// The xenstore, if the toolstack gave one.
    ///
    /// # Errors
    /// If nobody answers there.
    pub(crate) fn store(&self) -> Result<Option<Rc<RefCell<Store>>>, String> {
        // SAFETY: as above.
        let given = unsafe { self.xen.given(Parameter::StorePage, Parameter::StorePort) };
        let Some((page, port)) = given else {
            return Ok(None);
        };
        self.bells.listen(port);
        let store = Store::open(page, port, self.events(), Box::new(self.sleep.clone()));
        let store = store.map_err(|error| format!("no xenstore: {error}"))?;
        Ok(Some(Rc::new(RefCell::new(store))))
    }

    /// How fast the processor's counter counts.
    pub(crate) fn kilohertz(&self) -> u32 {
        self.xen.cpuid().counter_kilohertz()
    }

    pub(crate) fn events(&self) -> Rc<dyn Events> {
        Rc::<Bells>::clone(&self.bells)
    }
}

/// The processor's time stamp counter, not before what stands before it.
pub(crate) fn counter() -> u64 {
    // SAFETY: every processor of 64 bits has SSE2, and the counter may be read at any time.
    unsafe {
        _mm_lfence();
        _rdtsc()
    }
}

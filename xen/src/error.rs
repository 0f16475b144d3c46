//! What Xen answers when it does not do what it was asked.

use core::fmt;

/// A hypercall failed, with this error number (Xen's `errno.h`; they are Linux's).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HypercallError(pub i32);

impl fmt::Display for HypercallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            1 => "not permitted",
            3 => "no such domain",
            12 => "out of memory",
            14 => "a bad address",
            16 => "busy",
            22 => "an argument that is not valid",
            28 => "no space",
            38 => "not known to this Xen",
            number => return write!(f, "error {number} of Xen"),
        };
        write!(f, "error {} of Xen: {name}", self.0)
    }
}

impl core::error::Error for HypercallError {}

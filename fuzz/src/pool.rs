//! The memory that a target plays with.

use std::thread::LocalKey;

use packet::{Class, Pool};

/// Runs `target` with a pool, which is kept for the next input (making one takes longer than most
/// inputs do); all of it must come back.
pub(crate) fn lend<T>(pool: &'static LocalKey<Pool>, target: impl FnOnce(&Pool) -> T) -> T {
    pool.with(|pool| {
        let result = target(pool);
        for class in Class::ALL {
            assert_eq!(pool.usage(class).held, 0, "{class:?} are lost");
        }
        result
    })
}

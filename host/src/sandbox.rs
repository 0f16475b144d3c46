//! Giving up what is no longer needed, once everything is open.
//!
//! After [`enter`] the process has no capability, cannot gain one by running another program, and
//! (where the kernel has Landlock) can open nothing on disk but the files under the directory it
//! serves. What is open already stays usable.

use std::io;
use std::os::fd::BorrowedFd;

use landlock::{
    ABI, Access, AccessFs, PathBeneath, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
    RulesetStatus,
};
use rustix::thread::{CapabilitySet, CapabilitySets};

/// Whether the disk is closed off too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disk {
    /// Nothing but the served directory can be opened, and that only for reading.
    Closed,
    /// The kernel has no Landlock: the disk is as open as the user's rights leave it.
    Open,
}

/// Gives up every capability and shuts the process in, leaving `readable` to be read.
pub(crate) fn enter(readable: Option<BorrowedFd<'_>>) -> io::Result<Disk> {
    give_up_capabilities()?;
    close_disk(readable).map_err(io::Error::other)
}

/// Gives up every capability, and the ways to gain one.
pub(crate) fn give_up_capabilities() -> io::Result<()> {
    rustix::thread::clear_ambient_capability_set()?;
    rustix::thread::set_capabilities(
        None,
        CapabilitySets {
            effective: CapabilitySet::empty(),
            permitted: CapabilitySet::empty(),
            inheritable: CapabilitySet::empty(),
        },
    )?;
    rustix::thread::set_no_new_privs(true)?;
    Ok(())
}

fn close_disk(readable: Option<BorrowedFd<'_>>) -> Result<Disk, RulesetError> {
    // The rights of the newest version known here; the crate leaves out those that the running
    // kernel does not know.
    let version = ABI::V6;
    let rules = Ruleset::default()
        .handle_access(AccessFs::from_all(version))?
        .create()?;
    let reading = AccessFs::ReadFile | AccessFs::ReadDir;
    let rules = rules.add_rules(
        readable
            .into_iter()
            .map(|directory| Ok::<_, RulesetError>(PathBeneath::new(directory, reading))),
    )?;
    Ok(match rules.restrict_self()?.ruleset {
        RulesetStatus::NotEnforced => Disk::Open,
        RulesetStatus::PartiallyEnforced | RulesetStatus::FullyEnforced => Disk::Closed,
    })
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::Write as _;
    use std::os::fd::AsFd as _;

    use super::*;

    /// Everything here is a thread's own, so a thread may be shut in without the others.
    fn in_a_thread(test: impl FnOnce() + Send + 'static) {
        std::thread::spawn(test).join().unwrap();
    }

    /// Says what could not be tested, also to whoever counts such things.
    fn skip(what: &str) {
        println!("skipped: {what}");
        if let Some(path) = std::env::var_os("PARHELION_SKIPS") {
            let file = fs::OpenOptions::new().append(true).create(true).open(path);
            writeln!(file.unwrap(), "{what}").unwrap();
        }
    }

    #[test]
    fn afterwards_there_is_no_capability_and_no_way_to_gain_one() {
        in_a_thread(|| {
            enter(None).unwrap();
            let sets = rustix::thread::capabilities(None).unwrap();
            assert!((sets.effective | sets.permitted | sets.inheritable).is_empty());
            assert!(rustix::thread::no_new_privs().unwrap());
        });
    }

    #[test]
    fn afterwards_only_the_directory_can_be_read() {
        let directory = tempfile::tempdir().unwrap();
        let outside = tempfile::NamedTempFile::new().unwrap();
        let inside = directory.path().join("file");
        fs::write(&inside, b"inside").unwrap();
        in_a_thread(move || {
            let root = File::open(directory.path()).unwrap();
            let disk = enter(Some(root.as_fd())).unwrap();
            assert_eq!(fs::read(&inside).unwrap(), b"inside");
            if disk == Disk::Open {
                skip("closing the disk: the kernel has no Landlock");
                return;
            }
            assert!(File::open(outside.path()).is_err());
            assert!(fs::write(&inside, b"changed").is_err());
            assert!(fs::write(directory.path().join("new"), b"").is_err());
        });
    }
}

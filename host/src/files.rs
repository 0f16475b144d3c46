//! What an application reads: a directory, an archive, or nothing.

use std::fs;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::rc::Rc;

use archive::Archive;
use packet::Pool;
use runtime::{Driver, Nothing, Storage};

use crate::failure::{Failure, reason};
use crate::storage::Directory;

/// The files of an application.
#[derive(Clone)]
pub(crate) enum Files {
    /// There are none.
    Nothing,
    /// Those below a directory.
    Directory(Rc<Directory>),
    /// Those of an archive, which stays in memory until the program ends.
    Archive(Rc<Archive<'static>>),
}

impl Files {
    /// The files at `path`, if one is given; else those that are part of the program.
    pub(crate) fn open(
        path: Option<&Path>,
        content: Option<&'static [u8]>,
        pool: &Pool,
    ) -> Result<Self, Failure> {
        let Some(path) = path else {
            let archive = content.map(Archive::open).transpose();
            let archive = archive.map_err(|error| {
                Failure::refused(format!("the program's files are no good: {error}"))
            })?;
            return Ok(archive.map_or(Self::Nothing, |archive| Self::Archive(Rc::new(archive))));
        };
        let unusable = |why: String| {
            let path = path.display();
            let what_to_do = "name a directory, or an archive";
            Failure::unusable(format!("cannot serve {path}: {why}: {what_to_do}"))
        };
        if !path.is_file() {
            let directory = Directory::open(path, pool);
            let directory = directory.map_err(|error| unusable(reason(&error)))?;
            return Ok(Self::Directory(Rc::new(directory)));
        }
        let bytes = fs::read(path).map_err(|error| unusable(reason(&error)))?;
        let archive = Archive::open(Box::leak(bytes.into_boxed_slice()));
        let archive = archive.map_err(|error| unusable(error.to_string()))?;
        Ok(Self::Archive(Rc::new(archive)))
    }

    /// For an application.
    pub(crate) fn storage(&self) -> Rc<dyn Storage> {
        match self {
            Self::Nothing => Rc::new(Nothing),
            Self::Directory(directory) => Rc::<Directory>::clone(directory),
            Self::Archive(archive) => Rc::<Archive<'static>>::clone(archive),
        }
    }

    /// What wakes those who wait for it; an archive makes nobody wait.
    pub(crate) fn driver(&self) -> Option<Rc<dyn Driver>> {
        match self {
            Self::Directory(directory) => Some(Rc::<Directory>::clone(directory)),
            _ => None,
        }
    }

    /// The directory that must stay readable.
    pub(crate) fn directory(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Directory(directory) => Some(directory.as_fd()),
            _ => None,
        }
    }
}

//! `--capture FILE`: what passes our link, for Wireshark.

use std::fs::File;
use std::path::{Path, PathBuf};

use link::{Capture, Link};
use pcap::Recorder;

use crate::failure::{Failure, reason};

/// A capture that is being written.
pub(crate) struct Recording {
    path: PathBuf,
    recorder: Recorder,
}

impl Recording {
    /// Opens the file, while the disk is still open and a wrong path can be reported. Refuses where
    /// the kernel's stack has the link.
    pub(crate) fn open(path: Option<&Path>, is_ours: bool) -> Result<Option<Self>, Failure> {
        let Some(path) = path else { return Ok(None) };
        if !is_ours {
            return Err(Failure::unusable(
                "--capture is for our own stack, and the kernel's sockets are used: choose --link tap:NAME",
            ));
        }
        Ok(Some(Self {
            path: path.to_owned(),
            recorder: Recorder::live(create(path, "--capture")?),
        }))
    }

    /// Writes down what passes `link`: what our stack sees of it, faults included.
    pub(crate) fn around(&self, link: Box<dyn Link>) -> Box<dyn Link> {
        Box::new(Capture::new(link, self.recorder.clone()))
    }

    /// Ends the file; says how much there is in it.
    pub(crate) fn finish(&self) -> Result<String, Failure> {
        finish(&self.recorder, &self.path)
    }
}

/// Makes a file that the option of this name asks for.
pub(crate) fn create(path: &Path, option: &str) -> Result<File, Failure> {
    File::create(path).map_err(|error| {
        let (path, why) = (path.display(), reason(&error));
        Failure::unusable(format!(
            "cannot write {path}: {why}: choose another with {option}"
        ))
    })
}

/// Ends the file at `path`; says how much there is in it.
pub(crate) fn finish(recorder: &Recorder, path: &Path) -> Result<String, Failure> {
    let path = path.display();
    match recorder.finish() {
        Ok(frames) => Ok(format!("{frames} frames in {path}")),
        Err(error) => Err(Failure::refused(format!(
            "the capture {path} is not whole: {}",
            reason(&error)
        ))),
    }
}

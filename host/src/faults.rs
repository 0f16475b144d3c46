//! A bad network, as the command line asks for it.

use clap::Args;
use link::{FaultControl, FaultStats, Faults, Link, Profile, Profiles};
use packet::Pool;
use runtime::Console as _;

use crate::console::Output;
use crate::failure::Failure;

/// What goes wrong on the link.
#[derive(Args, Clone, Debug)]
pub(crate) struct FaultOptions {
    /// What goes wrong on the link, both ways: any of loss=1%,dup=0.1%,reorder=2%,corrupt=0.01%,
    /// delay=20ms,jitter=5ms,rate=100mbit,seed=7
    #[arg(long, value_name = "FAULTS")]
    faults: Option<Profile>,

    /// What goes wrong with received frames, instead
    #[arg(long, value_name = "FAULTS")]
    faults_in: Option<Profile>,

    /// What goes wrong with sent frames, instead
    #[arg(long, value_name = "FAULTS")]
    faults_out: Option<Profile>,
}

impl FaultOptions {
    /// Whether anything is to go wrong: then the link below must be opened without offloads.
    pub(crate) fn is_any(&self) -> bool {
        self.profiles().is_some()
    }

    /// Refuses faults where the kernel's stack has the link.
    pub(crate) fn check(&self, is_ours: bool) -> Result<(), Failure> {
        if is_ours || !self.is_any() {
            return Ok(());
        }
        Err(Failure::unusable(
            "--faults is for our own stack, and the kernel's sockets are used: choose --link tap:NAME",
        ))
    }

    /// Puts the faults before `link`, if there are any; a handle tells what they did.
    pub(crate) fn put_before(
        &self,
        link: Box<dyn Link>,
        pool: &Pool,
    ) -> (Box<dyn Link>, Option<FaultControl>) {
        let Some(profiles) = self.profiles() else {
            return (link, None);
        };
        let faults = Faults::new(link, pool.clone(), profiles);
        let control = faults.control();
        (Box::new(faults), Some(control))
    }

    /// What goes wrong, if anything is to.
    pub(crate) fn profiles(&self) -> Option<Profiles> {
        let given = [self.faults, self.faults_in, self.faults_out];
        given.iter().any(Option::is_some).then(|| Profiles {
            outward: self.faults_out.or(self.faults).unwrap_or_default(),
            inward: self.faults_in.or(self.faults).unwrap_or_default(),
        })
    }
}

/// Says what went wrong.
pub(crate) fn print(output: &Output, faults: &FaultControl) {
    output.print(format_args!("  sent      {}", line(faults.outward())));
    output.print(format_args!("  received  {}", line(faults.inward())));
}

/// What befell the frames of one direction.
pub(crate) fn line(stats: FaultStats) -> String {
    let refused = match stats.refused {
        0 => String::new(),
        refused => format!(", {refused} refused: more than a frame of the wire"),
    };
    format!(
        "{} frames met faults: {} lost, {} of them in a full queue, {} duplicated, {} reordered, {} \
         corrupted{refused}",
        stats.frames,
        stats.lost + stats.overflowed,
        stats.overflowed,
        stats.duplicated,
        stats.reordered,
        stats.corrupted
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: FaultOptions,
    }

    fn profiles(arguments: &[&str]) -> Option<Profiles> {
        let line = ["test"].iter().chain(arguments);
        Line::try_parse_from(line).unwrap().options.profiles()
    }

    #[test]
    fn one_direction_has_its_own_or_that_of_both() {
        let profile = |text: &str| text.parse::<Profile>().unwrap();
        let clean = Profile::default();
        assert_eq!(profiles(&[]), None);
        let both = profiles(&["--faults=loss=1%", "--faults-in=delay=5ms"]).unwrap();
        assert_eq!(both.outward, profile("loss=1%"));
        assert_eq!(both.inward, profile("delay=5ms"));
        let out = profiles(&["--faults-out=dup=1%"]).unwrap();
        assert_eq!((out.outward, out.inward), (profile("dup=1%"), clean));
    }
}

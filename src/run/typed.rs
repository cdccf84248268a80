//! Commands that somebody sends to a form of the program that reads none.

use std::fs::File;
use std::io::{Seek, stdin};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::config::Form;
use crate::error::Error;

/// What is said of them: silently dropped, they would look as if they had run.
const REFUSED: &str =
    "commands on standard input need `shell`: … | redis-pooltop shell; or ask for a report with --once";

/// Refuses the bare command where commands wait on standard input. Asked for a report, it is one, whatever stands there.
pub(super) fn refuse(form: &Form) -> Result<(), Error> {
    match form {
        Form::Screen(report) if !report.once && waits() => Err(Error::Usage(REFUSED.to_owned())),
        _ => Ok(()),
    }
}

/// Whether something is to be read there at this moment, from a file or a pipe. A pipe that stays empty is what many a
/// job has in place of a keyboard.
fn waits() -> bool {
    let Ok(mut input) = stdin().as_fd().try_clone_to_owned().map(File::from) else { return false };
    let Ok(metadata) = input.metadata() else { return false };
    if metadata.is_file() {
        return input.stream_position().is_ok_and(|at| at < metadata.len());
    }
    let mut asked = [PollFd::new(&input, PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    metadata.file_type().is_fifo()
        && poll(&mut asked, Some(&now)).is_ok()
        && asked[0].revents().contains(PollFlags::IN)
}

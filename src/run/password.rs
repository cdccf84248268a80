//! The password somebody types at the start. The prompt blocks, with the terminal's echo off.

use std::fs::File;
use std::io;

use crate::error::{Error, Exit};
use crate::net::Secret;
use crate::terminal::{self, EndSignals};

/// What failed, in words.
const PASSWORD: &str = "the password";

/// Asks for it; or says how the program ends, when one of `signals` came instead. The interrupt is to be among them: the
/// prompt takes Ctrl-C as a key, and raises the signal while the echo is still off.
pub(super) async fn ask(signals: &mut EndSignals) -> Result<Result<Secret, Exit>, Error> {
    if File::options().read(true).write(true).open("/dev/tty").is_err() {
        let words = "--askpass asks on the terminal, and there is none: give the password in REDISCLI_AUTH";
        return Err(Error::Usage(words.to_owned()));
    }
    let _kept = terminal::keep().map_err(Error::io(PASSWORD))?;
    let typed = tokio::task::spawn_blocking(|| rpassword::prompt_password("Please input password: "));
    tokio::select! {
        biased;
        number = signals.next() => Ok(Err(Exit::Signal(number))),
        typed = typed => {
            let typed = typed.unwrap_or_else(|ended| Err(io::Error::other(ended)));
            match typed {
                // The prompt may end a moment before the signal it raised arrives.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Err(Exit::INTERRUPTED)),
                typed => Ok(Ok(Secret::new(typed.map_err(Error::io(PASSWORD))?))),
            }
        }
    }
}

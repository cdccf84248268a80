//! The typed line in the person's own editor, as a shell's `Ctrl-X Ctrl-E` does it.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::{Command, ExitStatus};

use super::is_secret;
use crate::children::{Held, Kind};

/// The longest line taken back from an editor, in bytes.
const LONGEST: u64 = 1 << 20;

/// What the environment says only to us: a child is not told passwords.
const OURS: [&str; 2] = ["REDISCLI_AUTH", "REDIS_URL"];

/// Why a line did not come back from an editor, in one sentence that is safe to show.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The line has a password in it, and the editor's file would hold that.
    #[error("a line with a password is not given to an editor")]
    Secret,
    /// The editor did not start, or its file was not read.
    #[error("the editor {0}: {1}")]
    Io(String, io::Error),
    /// The editor ended with an error, so that its file may be half done.
    #[error("the editor {0} ended with {1}: the line is as it was")]
    Failed(String, ExitStatus),
    /// The file has become too long.
    #[error("the editor's file is longer than a line may be")]
    TooLong,
}

/// `$VISUAL`, else `$EDITOR`, else vi: as a command of the shell, which may have arguments.
pub fn editor() -> OsString {
    let named = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    named("VISUAL").or_else(|| named("EDITOR")).unwrap_or_else(|| "vi".into())
}

/// A command of `sh` with these arguments, as `$1` and so on, that is told no password.
pub fn shell_command(command: &OsString, args: &[&std::ffi::OsStr]) -> Command {
    let mut script = command.clone();
    if !args.is_empty() {
        script.push(" \"$@\"");
    }
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script).arg("sh").args(args);
    for name in OURS {
        shell.env_remove(name);
    }
    shell
}

/// Opens the line in the editor, on the terminal this process has, and gives what was saved. It blocks until the
/// editor ends, which [`crate::children::end`] can bring about.
pub fn edit(line: &str, editor: &OsString) -> Result<String, EditError> {
    if is_secret(line) {
        return Err(EditError::Secret);
    }
    let name = crate::text::escape_str(&editor.to_string_lossy()).into_owned();
    let failed = |error| EditError::Io(name.clone(), error);
    // Before the file, so that it is let go of after that: whoever ends the editor waits for this.
    let held;
    // Readable by its owner only, and gone with the value.
    let mut file =
        tempfile::Builder::new().prefix("redis-pooltop-").suffix(".redis").tempfile().map_err(failed)?;
    writeln!(file, "{line}").and_then(|()| file.flush()).map_err(failed)?;
    let mut shell = shell_command(editor, &[file.path().as_os_str()]);
    let mut child;
    (child, held) = Held::start(Kind::Editor, || shell.spawn()).map_err(failed)?;
    held.iter().for_each(Held::wait);
    let status = child.wait().map_err(failed)?;
    if !status.success() {
        return Err(EditError::Failed(name, status));
    }
    // By its name: many editors write a new file and put it in the old one's place.
    let saved = std::fs::File::open(file.path()).map_err(failed)?;
    let mut bytes = Vec::new();
    saved.take(LONGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LONGEST {
        return Err(EditError::TooLong);
    }
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(line: &str, editor: &str) -> Result<String, EditError> {
        edit(line, &OsString::from(editor))
    }

    #[test]
    fn what_the_editor_saved_comes_back() {
        assert_eq!(edited("GET a", "sed -i s/GET/DEL/").unwrap(), "DEL a");
        assert_eq!(edited("SET k \"a\nb\"", "true").unwrap(), "SET k \"a\nb\"");
    }

    #[test]
    fn a_failed_editor_changes_nothing() {
        assert!(matches!(edited("GET a", "false"), Err(EditError::Failed(..))));
        assert!(matches!(edited("GET a", "rm"), Err(EditError::Io(..))));
        assert!(matches!(
            edited("GET a", "head -c 2000000 /dev/zero >\"$1\"; true"),
            Err(EditError::TooLong)
        ));
    }

    #[test]
    fn a_password_never_reaches_a_file() {
        assert!(matches!(edited("AUTH pw", "touch"), Err(EditError::Secret)));
    }
}

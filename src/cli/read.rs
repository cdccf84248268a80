//! The shape of a command line: where a URL may stand, and what is said of a word that is none.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use super::{Cli, Command};
use super::{app, lab, watch};
use crate::nearest::nearest;
use crate::values::looks_like_url;

impl Cli {
    /// Parses a command line, program name first, and rejects what has the wrong shape: two URLs, a URL before the
    /// subcommand, a word that is neither.
    ///
    /// # Errors
    /// What clap says of a bad command line, `--help` and `--version`.
    pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let args: Vec<OsString> = args.into_iter().collect();
        let cli = Self::shell_url(args)?;
        cli.check_positionals()?;
        Ok(cli)
    }

    /// `shell [OPTIONS] URL [OPTIONS] COMMAND...`: the URL goes to [`Shell::url`]. The command is the end of the line,
    /// so its first word stands that far from the end. Taken out, the line is read again, which makes options between
    /// the URL and the command options still.
    fn shell_url(mut args: Vec<OsString>) -> Result<Self, clap::Error> {
        let mut cli = Self::parse(&args)?;
        let mut url = None;
        while let Some(Command::Shell(shell)) = &mut cli.command {
            let first = shell.command.first().and_then(|first| first.to_str()).filter(|a| looks_like_url(a));
            let Some(first) = first else {
                shell.url = url;
                break;
            };
            if url.is_some() {
                return Err(wrong(ErrorKind::ArgumentConflict, TWO_ADDRESSES));
            }
            url = Some(first.to_owned());
            args.remove(args.len() - shell.command.len());
            cli = Self::parse(&args)?;
        }
        Ok(cli)
    }

    /// clap's command, in whose help each form has the options that mean something to it.
    pub(crate) fn whole() -> clap::Command {
        let mut command = Self::command();
        // From here on what every form takes stands in each.
        command.build();
        for page in PAGES {
            command = command
                .mut_subcommand(page, |page| hide(page, |arg| arg.is_global_set() && arg.get_id() != "help"));
        }
        for form in RECORD_NOTHING {
            command = command.mut_subcommand(form, |form| hide(form, |arg| arg.get_id() == "record"));
        }
        command
            .mut_subcommand("lab", |command| hide(command, |arg| arg.get_long().is_some_and(lab::is_refused)))
            .mut_subcommand("run", |command| hide(command, app::is_refused))
            .mut_subcommand("attach", |command| hide(command, app::is_refused))
            .mut_subcommand("watch", |command| {
                // It asks only before it closes clients, and that always.
                hide(command, |arg| {
                    arg.get_long().is_some_and(|long| watch::is_refused(long) || long == "yes")
                })
            })
    }

    /// Help is made from the [whole](Self::whole) command, which takes a while to build; nothing else needs that.
    fn parse(args: &[OsString]) -> Result<Self, clap::Error> {
        match Self::try_parse_from(args) {
            Err(help) if help.kind() == ErrorKind::DisplayHelp => {
                Err(Self::whole().try_get_matches_from(args).err().unwrap_or(help))
            }
            parsed => parsed,
        }
    }

    fn check_positionals(&self) -> Result<(), clap::Error> {
        let Some(word) = &self.url else { return Ok(()) };
        let kind = ErrorKind::InvalidValue;
        if !looks_like_url(word) {
            return Err(wrong(kind, &not_a_url(word)));
        }
        if self.command.is_some() {
            return Err(wrong(kind, "the URL goes after the subcommand: redis-pooltop shell URL"));
        }
        match self.rest.first() {
            None => Ok(()),
            Some(next) if next.to_str().is_some_and(looks_like_url) => Err(wrong(kind, TWO_ADDRESSES)),
            Some(_) => Err(wrong(kind, "commands go to the shell: redis-pooltop shell URL COMMAND...")),
        }
    }
}

fn hide(command: clap::Command, which: impl Fn(&clap::Arg) -> bool) -> clap::Command {
    command.mut_args(|arg| if which(&arg) { arg.hide(true) } else { arg })
}

/// The subcommands that print a page: no server is asked, and no option of the others means anything.
const PAGES: [&str; 4] = ["explain", "gen-config", "completions", "man"];

/// The subcommands that refuse `--record`.
const RECORD_NOTHING: [&str; 2] = ["lab", "replay"];

/// What is said when the command line names two servers.
pub(crate) const TWO_ADDRESSES: &str = "two addresses: give one of a URL, -u, -h and -p, -s or --demo";

fn wrong(kind: ErrorKind, message: &str) -> clap::Error {
    Cli::command().error(kind, message)
}

fn not_a_url(word: &str) -> String {
    let command = Cli::command();
    let names = command.get_subcommands().map(clap::Command::get_name);
    // What looks like user:password@host is not repeated.
    let shown =
        if word.contains('@') { "the address given".to_owned() } else { word.escape_debug().to_string() };
    if let Some(meant) = nearest(word, names) {
        return format!("'{shown}' is no URL and no subcommand: did you mean '{meant}'?");
    }
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    format!(
        "'{shown}' is no URL, which begins with redis://, rediss:// or unix://, and no subcommand: there is {}",
        names.join(", ")
    )
}

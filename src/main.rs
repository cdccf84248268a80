//! The program: parses, runs, and turns the outcome into an exit code.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use redis_pooltop::cli::{Cli, Command};
use redis_pooltop::config::{ConfigFile, Environment, Settings};
use redis_pooltop::error::{Error, Exit};
use redis_pooltop::{children, run, terminal};

fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(said) => return tell(&said).into(),
    };
    if let Some(Command::Print(what)) = &cli.command {
        return run::print(what).unwrap_or_else(|error| fail(&error)).into();
    }
    start(cli).unwrap_or_else(|error| fail(&error)).into()
}

/// Says what the command line asked for instead of a run, or what is wrong with it.
fn tell(said: &clap::Error) -> Exit {
    let printed = said.print();
    if said.use_stderr() {
        // Nobody is left to tell when this failed.
        return Exit::Usage;
    }
    printed.map_or_else(|error| fail(&Error::io("standard output")(error)), |()| Exit::Fine)
}

/// Says why it failed. A reader that went away needs no words.
fn fail(error: &Error) -> Exit {
    let quiet = matches!(error, Error::Io { error, .. } if error.kind() == ErrorKind::BrokenPipe);
    if !quiet {
        let _ = writeln!(std::io::stderr(), "redis-pooltop: {error}");
    }
    error.exit()
}

fn start(cli: Cli) -> Result<Exit, Error> {
    let file = ConfigFile::find(cli.common.config.as_deref())?;
    let settings = Settings::new(cli, &Environment::of_process(), file.as_ref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("redis-pooltop")
        .build()
        .map_err(Error::io("the runtime"))?;
    let exit = runtime.block_on(async {
        terminal::prepare().map_err(Error::io("the signals"))?;
        // Each way the program runs is a future of its own, and the largest decides how much of the stack all take.
        Box::pin(run::run(settings)).await
    });
    // While there is somebody to see them end.
    children::end();
    // A reader blocked on the terminal must not hold up the end.
    runtime.shutdown_background();
    // Nor may one that took the terminal while the program was about to end.
    terminal::give_back();
    exit
}

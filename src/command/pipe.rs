//! `command | shell command`: what a line gives, on its way through a command of the person's own shell.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{Semaphore, mpsc};

use super::external::shell_command;
use super::output::{Outcome, Output, Sink};
use super::token::scan;
use crate::children::{Held, Kind};
use crate::resp::print::{Printer, Style};
use crate::text;

/// How much of what the shell command prints is shown, in bytes: no scrollback keeps more.
const SHOWN: usize = 4 << 20;
/// How much of it is read at a time.
const CHUNK: usize = 64 << 10;
/// Outputs that may wait on either side.
const WAITING: usize = 4;
/// Where the next column of a tab begins.
const TAB: usize = 8;
/// Programs that take the terminal.
const INTERACTIVE: [&str; 11] =
    ["less", "more", "most", "vi", "vim", "nvim", "view", "nano", "emacs", "micro", "fzf"];

/// Programs with the whole terminal that show a control character as it is written, and obey none.
const GUARDED: [&str; 9] = ["less", "vi", "vim", "nvim", "view", "nano", "emacs", "micro", "fzf"];

/// Where a line's output goes that has a shell command behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pipes {
    /// `|` is an argument like any other, as in redis-cli.
    #[default]
    Off,
    /// What the shell command prints is shown as the line's output.
    Shown,
    /// The shell command has the terminal.
    Terminal,
}

/// A line's two sides, where it has them: the command, and the shell command that its output goes to. The mark between
/// them stands between blanks and in no quotes, and something follows it: `SET a x|y` and `SET sep |` are commands.
pub fn split(line: &str) -> Option<(&str, &str)> {
    let scan = scan(line.as_bytes());
    let mark = scan.tokens.iter().skip(1).find(|token| !token.quoted && token.bytes == b"|")?;
    let (before, after) = (line.get(..mark.range.start)?, line.get(mark.range.end..)?.trim());
    (!after.is_empty()).then_some((before, after))
}

/// What pages, as a command of the shell: `$PAGER`, else less, which stays even where a page is enough.
pub fn pager() -> OsString {
    std::env::var_os("PAGER").filter(|value| !value.is_empty()).unwrap_or_else(|| "less -R -+F".into())
}

/// Whether a shell command is one that people use with the whole terminal: its last program is a pager or an editor.
pub fn wants_terminal(command: &str) -> bool {
    let last = program(command.rsplit('|').next().unwrap_or_default());
    INTERACTIVE.contains(&last) || last == program(&pager().to_string_lossy())
}

/// How replies are printed for a shell command that has the terminal: safe to show, as it may be a mere `more`. Programs
/// before one that guards itself get every byte as it came: they may have to understand them.
pub fn form(command: &str) -> Printer {
    let mut programs = command.split('|').map(program);
    let last = programs.next_back();
    let guarded = programs.next().is_some() && last.is_some_and(|last| GUARDED.contains(&last));
    Printer { style: Style::Raw, escape: !guarded }
}

/// The name of the program that a command runs.
fn program(command: &str) -> &str {
    let word = command.split_whitespace().next().unwrap_or_default();
    word.rsplit('/').next().unwrap_or_default()
}

/// A shell command that runs.
pub(super) struct Piped {
    child: Child,
    /// Ends its processes when it is dropped before its end.
    group: Option<Group>,
    /// It has the terminal.
    lent: Option<Held>,
    asides: mpsc::Sender<Output>,
    past: mpsc::Receiver<Output>,
}

impl Piped {
    /// Starts a shell command. What the feed is given goes to it: replies as they came, or safe to show where it pages
    /// them on the terminal, and our own texts; errors and notes go past it. `None` when it cannot be started, which is said.
    pub(super) async fn start(
        command: &str,
        pipes: Pipes,
        sink: &mut dyn Sink,
    ) -> io::Result<Option<(Feed, Self)>> {
        let mut shell = Command::from(shell_command(&command.into(), &[]));
        shell.stdin(Stdio::piped());
        let kind = if pipes == Pipes::Terminal { Kind::Borrower } else { Kind::Group };
        if kind == Kind::Group {
            shell.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        }
        let (mut child, held) = match Held::start(kind, || shell.spawn()) {
            Ok(started) => started,
            Err(error) => {
                sink.push(Output::error(&format!("the shell cannot be started: {error}"))).await?;
                return Ok(None);
            }
        };
        let (asides, past) = mpsc::channel(WAITING);
        let (feed, eaten) = mpsc::channel(WAITING);
        if let Some(stdin) = child.stdin.take() {
            tokio::spawn(write(stdin, eaten));
        }
        let (group, lent) = if kind == Kind::Group { (held.map(Group), None) } else { (None, held) };
        let pages = pipes == Pipes::Terminal && wants_terminal(command);
        let form = if pages { form(command) } else { AS_IT_CAME };
        Ok(Some((Feed { to: feed, asides: asides.clone(), form }, Self { child, group, lent, asides, past })))
    }

    /// Shows what it prints while `running` feeds it, and says so when it fails.
    pub(super) async fn show(
        self,
        running: impl Future<Output = io::Result<Outcome>>,
        sink: &mut dyn Sink,
    ) -> io::Result<Outcome> {
        let Self { mut child, group, lent, asides, mut past } = self;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let room = Semaphore::new(SHOWN);
        let working = async move {
            let running = async {
                match running.await {
                    // It has read as much as it wanted, like head.
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Outcome::Done),
                    other => other,
                }
            };
            let all =
                tokio::try_join!(running, collect(stdout, &room, &asides), collect(stderr, &room, &asides));
            match all {
                Ok((outcome, (), ())) => Ok(Some((outcome, child.wait().await?))),
                Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Ok(None),
                Err(error) => Err(error),
            }
        };
        let showing = async {
            while let Some(output) = past.recv().await {
                sink.push(output).await?;
            }
            // The other side is to end as well, when the sink has.
            drop(past);
            Ok::<_, io::Error>(sink)
        };
        let (ended, sink) = tokio::join!(working, showing);
        let sink = sink?;
        let Some((outcome, status)) = ended? else {
            let words = format!("… it prints more than {} bytes: ended", text::thousands(SHOWN as u64));
            sink.push(Output::Note(words)).await?;
            return Ok(Outcome::Failed);
        };
        lent.iter().for_each(Held::ended);
        if let Some(group) = group {
            group.forget();
        }
        if status.success() {
            return Ok(outcome);
        }
        let end = match (status.code(), status.signal()) {
            (Some(code), _) => code.to_string(),
            (None, signal) => format!("signal {}", signal.unwrap_or_default()),
        };
        sink.push(Output::Note(format!("the command after | ended with {end}"))).await?;
        Ok(outcome.max(Outcome::Failed))
    }
}

/// A shell command's processes: they end together.
struct Group(Held);

impl Group {
    /// It has ended by itself.
    fn forget(self) {
        self.0.ended();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.0.kill();
    }
}

/// Writes what is fed until nobody feeds, or nobody reads: then the feed fails.
async fn write(mut stdin: ChildStdin, mut fed: mpsc::Receiver<Bytes>) {
    while let Some(bytes) = fed.recv().await {
        if stdin.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// Passes on what is printed, as lines that are safe to show, while there is room for it.
async fn collect(
    from: Option<impl AsyncRead + Unpin>,
    room: &Semaphore,
    asides: &mpsc::Sender<Output>,
) -> io::Result<()> {
    let Some(mut from) = from else { return Ok(()) };
    let mut pending = Vec::with_capacity(CHUNK);
    loop {
        let read = from.read_buf(&mut pending).await?;
        let lines = match memchr::memrchr(b'\n', &pending) {
            _ if read == 0 => pending.len(),
            Some(at) => at + 1,
            // A line longer than a chunk is shown in pieces.
            None if pending.len() >= CHUNK => pending.len(),
            None => 0,
        };
        if lines > 0 {
            let Ok(permit) = room.try_acquire_many(lines as u32) else {
                return Err(io::ErrorKind::FileTooLarge.into());
            };
            permit.forget();
            let shown = untabbed(&text::escape_lines(&pending[..lines]));
            asides.send(Output::text(shown)).await.map_err(|_| io::ErrorKind::BrokenPipe)?;
            pending.drain(..lines);
        }
        if read == 0 {
            return Ok(());
        }
        pending.reserve(CHUNK);
    }
}

/// Lines with blanks in place of their tabs.
fn untabbed(lines: &str) -> String {
    let mut shown = String::with_capacity(lines.len());
    let mut start = 0;
    for part in lines.split_inclusive(['\t', '\n']) {
        match part.strip_suffix('\t') {
            Some(cell) => {
                shown.push_str(cell);
                let column = text::width(&shown[start..]);
                shown.extend(std::iter::repeat_n(' ', TAB - column % TAB));
            }
            None => shown.push_str(part),
        }
        if part.ends_with('\n') {
            start = shown.len();
        }
    }
    shown
}

/// Replies for a program, which may have to understand every byte.
const AS_IT_CAME: Printer = Printer { style: Style::Raw, escape: false };

/// What a shell command gets of an output in this form, or the output, where that goes past it.
pub fn fed(output: Output, form: Printer) -> Result<Bytes, Output> {
    match output {
        Output::Reply { value, verbatim } if value.error().is_none() => {
            Ok(form.print(&value, verbatim).into())
        }
        Output::Text(text) => Ok(text.into()),
        past => Err(past),
    }
}

/// Where a line's outputs go: replies and texts to the shell command, all else past it.
pub(super) struct Feed {
    to: mpsc::Sender<Bytes>,
    asides: mpsc::Sender<Output>,
    form: Printer,
}

impl Sink for Feed {
    fn push(&mut self, output: Output) -> BoxFuture<'_, io::Result<()>> {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        Box::pin(async move {
            match fed(output, self.form) {
                Ok(bytes) => self.to.send(bytes).await.map_err(|_| gone()),
                Err(past) => self.asides.send(past).await.map_err(|_| gone()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::Value;

    /// What is shown of replies that go through a shell command, and how it ended.
    async fn through(command: &str, replies: Vec<Value>) -> (Vec<Output>, Outcome) {
        let mut shown = Vec::new();
        let started = Piped::start(command, Pipes::Shown, &mut shown).await.expect("a sink that takes all");
        let (mut feed, piped) = started.expect("sh starts");
        let running = async {
            for value in replies {
                feed.push(Output::Reply { value, verbatim: false }).await?;
            }
            drop(feed);
            Ok(Outcome::Done)
        };
        let outcome = piped.show(running, &mut shown).await.expect("a sink that takes all");
        (shown, outcome)
    }

    fn bulk(bytes: impl Into<Bytes>) -> Value {
        Value::Bulk(bytes.into())
    }

    #[tokio::test]
    async fn replies_go_raw_to_the_shell_command_and_what_it_prints_is_shown() {
        let list = Value::Array(vec![bulk("a b"), Value::Integer(2), bulk("c")]);
        let (shown, outcome) = through("tail -n 2 | tr c d", vec![list]).await;
        assert_eq!((shown, outcome), (vec![Output::text("2\nd")], Outcome::Done));
    }

    #[tokio::test]
    async fn nothing_it_prints_is_obeyed_by_a_terminal_and_tabs_keep_their_columns() {
        let (shown, _) = through("cat", vec![bulk("a\tbc\td\n\x1b[2J\u{202e}\r")]).await;
        assert_eq!(shown, [Output::text("a       bc      d\n\\x1b[2J\\u{202e}\n")]);
        let (shown, _) = through("printf '\\377\\000x'", vec![]).await;
        assert_eq!(shown, [Output::text("\\xff\\x00x")]);
    }

    #[tokio::test]
    async fn errors_go_past_it_and_its_own_failure_is_told() {
        let (shown, outcome) = through("cat; exit 3", vec![Value::Error("ERR no".into())]).await;
        assert!(matches!(&shown[0], Output::Reply { value: Value::Error(_), .. }), "{shown:?}");
        assert_eq!(shown[1], Output::Note("the command after | ended with 3".to_owned()));
        assert_eq!(outcome, Outcome::Failed);
        let (shown, _) = through("no-such-command-here", vec![]).await;
        assert!(matches!(&shown[0], Output::Text(text) if text.contains("not found")), "{shown:?}");
    }

    #[tokio::test]
    async fn one_that_reads_no_more_ends_the_line_silently() {
        let many = vec![bulk(vec![b'x'; 1 << 20]); 50];
        let (shown, outcome) = through("head -c 3", many).await;
        assert_eq!((shown, outcome), (vec![Output::text("xxx")], Outcome::Done));
    }

    #[tokio::test]
    async fn one_that_prints_without_end_is_ended() {
        let (shown, outcome) = through("yes", vec![]).await;
        let bytes: usize =
            shown.iter().map(|output| if let Output::Text(text) = output { text.len() } else { 0 }).sum();
        assert!(bytes <= SHOWN, "{bytes}");
        let last = Output::Note("… it prints more than 4,194,304 bytes: ended".to_owned());
        assert_eq!((shown.last(), outcome), (Some(&last), Outcome::Failed));
    }

    #[test]
    fn a_pager_or_an_editor_at_the_end_wants_the_terminal() {
        for command in ["less", "grep x | less -S", "/usr/bin/vim -", "sort | more"] {
            assert!(wants_terminal(command), "{command}");
        }
        for command in ["grep less", "head", "less | cat", "lessecho", ""] {
            assert!(!wants_terminal(command), "{command}");
        }
    }
}

//! Commands that run beside the prompt, each on a connection of its own: those with a trailing `&`, and in the screen
//! those that wait for the server as long as it likes.

mod news;
mod task;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot, watch};

use super::experiment::Bench;
use super::output::Outcome;
use super::runner::Runner;
use super::secret::{Hidden, MASK, open_words, secret_from};
use super::token;
use crate::event::ConnId;
use crate::text;

use self::news::{Desk, NEWS};
pub use self::news::{JobNews, JobSaid};
use self::task::Task;

/// How wide a command may be in the list of jobs.
const COMMAND_COLUMNS: usize = 60;

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobEnd {
    /// By itself, and so.
    Ran(Outcome),
    /// Somebody ended it: its connection is closed, for a reply may still come.
    Cancelled,
}

impl JobEnd {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ran(Outcome::Done | Outcome::Quit) => "OK",
            Self::Ran(Outcome::Failed | Outcome::NoConnection) => "error",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It has no connection yet.
    Waiting,
    /// Its reply is still to come.
    Runs,
    /// Replies keep coming until somebody ends it.
    Reads,
}

impl JobState {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Runs => "runs",
            Self::Reads => "reads",
        }
    }
}

/// A job that runs, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// Its number.
    pub number: u32,
    /// What it does.
    pub state: JobState,
    /// Its command, safe to show: escaped, cut, with no password in it.
    pub command: String,
    /// It was asked for with `&`: only KILL ends it, and no Ctrl-C.
    pub background: bool,
    /// It ends only when somebody ends it, or the server lets it.
    pub endless: bool,
    /// Its connection, once it has one.
    pub conn: Option<ConnId>,
    /// How long it has been there.
    pub age: Duration,
    /// How many outputs it gave so far.
    pub outputs: u64,
}

/// What is to be run as a job.
pub(super) struct Order {
    pub(super) args: Vec<Bytes>,
    pub(super) repeat: u64,
    /// The database it runs in, where that is not the pool's.
    pub(super) database: Option<u32>,
    pub(super) background: bool,
    /// The shell command that its output goes to.
    pub(super) pipe: Option<String>,
    /// What nobody should see in its answers.
    pub(super) hidden: Hidden,
    /// Where its line stands, in a script.
    pub(super) place: Option<Arc<str>>,
    /// Experiments instead of a command.
    pub(super) lab: Option<Bench>,
}

/// The jobs of one session. They end with it.
pub struct Jobs {
    control: JobControl,
    desk: Desk,
}

/// Lists and ends jobs, whatever their session is busy with.
#[derive(Clone, Default)]
pub struct JobControl(Arc<Mutex<Running>>);

#[derive(Default)]
struct Running {
    last: u32,
    jobs: BTreeMap<u32, Job>,
}

struct Job {
    command: String,
    background: bool,
    endless: bool,
    since: Instant,
    state: JobState,
    conn: Option<ConnId>,
    outputs: u64,
    cancel: Option<oneshot::Sender<()>>,
    /// Closed when it is over and its connection has gone back.
    over: watch::Receiver<()>,
}

impl Jobs {
    pub(super) fn new() -> (Self, mpsc::Receiver<JobNews>) {
        let (desk, receiver) = Desk::new(NEWS);
        (Self { control: JobControl::default(), desk }, receiver)
    }

    /// Starts a command as a job and gives its number.
    pub(super) fn start(&self, runner: Runner, order: Order) -> u32 {
        let (cancel, cancelled) = oneshot::channel();
        let (running, over) = watch::channel(());
        let job = Job {
            command: presentable(&order),
            background: order.background,
            endless: runner.waits_at_will(&order.args),
            since: Instant::now(),
            state: JobState::Waiting,
            conn: None,
            outputs: 0,
            cancel: Some(cancel),
            over,
        };
        let number = self.control.add(job);
        let (control, desk) = (self.control.clone(), self.desk.clone());
        let task = Task { number, runner, order, control, desk };
        tokio::spawn(task.run(cancelled, running));
        number
    }

    /// The jobs that run, and the way to end them.
    pub fn control(&self) -> &JobControl {
        &self.control
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        self.control.end_all();
    }
}

impl JobControl {
    fn add(&self, job: Job) -> u32 {
        let mut running = self.0.lock();
        running.last += 1;
        let number = running.last;
        running.jobs.insert(number, job);
        number
    }

    fn change(&self, number: u32, change: impl FnOnce(&mut Job)) {
        if let Some(job) = self.0.lock().jobs.get_mut(&number) {
            change(job);
        }
    }

    /// The jobs that run, oldest first.
    pub fn rows(&self) -> Vec<JobRow> {
        let running = self.0.lock();
        let row = |(number, job): (&u32, &Job)| JobRow {
            number: *number,
            state: job.state,
            command: job.command.clone(),
            background: job.background,
            endless: job.endless,
            conn: job.conn,
            age: job.since.elapsed(),
            outputs: job.outputs,
        };
        running.jobs.iter().map(row).collect()
    }

    /// Ends a job, and says whether there was one: its command in flight takes its connection with it.
    pub fn end(&self, number: u32) -> bool {
        let mut running = self.0.lock();
        let Some(job) = running.jobs.get_mut(&number) else { return false };
        // A job that has just ended by itself hears nothing any more.
        job.cancel.take().is_none_or(|cancel| cancel.send(()).is_ok())
    }

    /// How many were begun: their numbers go from 1 to this.
    pub fn begun(&self) -> u32 {
        self.0.lock().last
    }

    /// Ends them all.
    pub fn end_all(&self) {
        let numbers: Vec<u32> = self.0.lock().jobs.keys().copied().collect();
        for number in numbers {
            self.end(number);
        }
    }

    /// Waits until a job is over and its connection has gone back; at once, when there is no such job.
    pub async fn over(&self, number: u32) {
        let over = self.0.lock().jobs.get(&number).map(|job| job.over.clone());
        if let Some(mut over) = over {
            // Nothing is ever sent: the end of the sender is what is waited for.
            while over.changed().await.is_ok() {}
        }
    }
}

/// A job's command, safe to show.
fn presentable(order: &Order) -> String {
    let mut line = String::new();
    if order.repeat > 1 {
        let _ = write!(line, "{} ", order.repeat);
    }
    let open = open_words(&order.args);
    for arg in &order.args[..open] {
        // Nobody reads further, and an argument may be many megabytes.
        if line.len() > COMMAND_COLUMNS * 4 {
            break;
        }
        let end = arg.len().min(COMMAND_COLUMNS * 4);
        line.push_str(&token::quote(&arg[..end]));
        line.push(' ');
    }
    if open < order.args.len() {
        line.push_str(MASK);
        line.push(' ');
    }
    // A shell command may hold a password of its own.
    if let Some(command) = &order.pipe {
        let open = secret_from(command).unwrap_or(command.len());
        let mask = if open < command.len() { MASK } else { "" };
        let _ = write!(line, "| {}{mask}", &command[..open]);
    }
    let mark = if order.background { "&" } else { "" };
    let shown = text::fit(text::escape_str(&line).trim_end(), COMMAND_COLUMNS);
    format!("{shown} {mark}").trim_end().to_owned()
}

/// `JOBS`: a row each, under words.
pub(super) fn list(rows: &[JobRow]) -> String {
    let mut cells = vec![["job", "state", "connection", "for", "outputs", "command"].map(str::to_owned)];
    cells.extend(rows.iter().map(|row| {
        [
            row.number.to_string(),
            row.state.word().to_owned(),
            row.conn.map_or_else(|| "–".to_owned(), |conn| conn.to_string()),
            text::duration(row.age),
            text::thousands(row.outputs),
            row.command.clone(),
        ]
    }));
    let wide = |column: usize| cells.iter().map(|row| text::width(&row[column])).max().unwrap_or(0);
    let widths: [usize; 5] = std::array::from_fn(wide);
    let mut out = String::new();
    for row in &cells {
        let mut line = String::new();
        for (at, cell) in row.iter().enumerate() {
            let gap = widths.get(at).map_or(0, |width| width - text::width(cell));
            // Numbers stand at the right of their column.
            let (before, after) = if matches!(at, 0 | 3 | 4) { (gap, 0) } else { (0, gap) };
            let _ = write!(line, "{:before$}{cell}{:after$}  ", "", "");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(words: &[&str]) -> String {
        let args: Vec<Bytes> = words.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
        presentable(&Order {
            args,
            repeat: 1,
            database: None,
            background: true,
            pipe: None,
            hidden: Hidden::default(),
            lab: None,
            place: None,
        })
    }

    #[test]
    fn a_command_is_shown_as_typed_with_no_password_and_no_end() {
        assert_eq!(shown(&["BLPOP", "a b", "0"]), "BLPOP \"a b\" 0 &");
        assert_eq!(shown(&["AUTH", "ada", "hunter2"]), "AUTH *** &");
        assert_eq!(
            shown(&["MIGRTE", "h", "1", "k", "0", "5", "AUTH", "hunter2"]),
            "MIGRTE h 1 k 0 5 AUTH *** &"
        );
        assert_eq!(shown(&["AUTHhunter2"]), "*** &");
        assert!(!shown(&["SET", "k", "\u{202e}\u{1b}[2J"]).contains(['\u{202e}', '\u{1b}']));
        let long = "x".repeat(1 << 20);
        assert!(text::width(&shown(&["SET", "k", &long])) <= COMMAND_COLUMNS + 2);
    }

    #[test]
    fn the_list_stands_in_columns() {
        let row = JobRow {
            number: 12,
            state: JobState::Reads,
            command: "MONITOR &".to_owned(),
            background: true,
            endless: true,
            conn: Some(ConnId(4)),
            age: Duration::from_millis(4_200),
            outputs: 1_204,
        };
        let waiting = JobRow { number: 3, state: JobState::Waiting, conn: None, outputs: 0, ..row.clone() };
        let expected = "\
job  state    connection    for  outputs  command
  3  waiting  –           4.2 s        0  MONITOR &
 12  reads    #4          4.2 s    1,204  MONITOR &
";
        assert_eq!(list(&[waiting, row]), expected);
    }
}

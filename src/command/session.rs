//! Runs lines: one session a front end. It knows which connections the person at the keyboard holds, and what their
//! commands have left there.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::event::ConnId;
use crate::explain;
use crate::hub::Hub;
use crate::lab;
use crate::pool::RedisPool;

use super::aside::{Forgotten, Held, Waits};
use super::builtin::Builtin;
use super::experiment::{self, Bench};
use super::jobs::{self, JobControl, JobNews, Jobs, Order};
use super::monitor::Asker;
use super::output::{Outcome, Output, Sink};
use super::pipe::{Piped, Pipes};
use super::runner::{First, Kept, Runner, Whose, may_pin};
use super::secret::{Covered, Hidden};
use super::{Call, Line, LineError, Registry, parse, parse_piped};

/// What one front end's person does: commands on connections from the pool, and on those they keep.
pub struct Session {
    pub(super) runner: Runner,
    pub(super) hub: Hub,
    /// The connection that MULTI, WATCH, SELECT and their like keep.
    pub(super) own: Option<Kept>,
    /// The database that commands without `#id` use, whichever connection they take: that the one with the SELECT is gone
    /// does not put a person somewhere else.
    pub(super) database: u32,
    /// The session's own connection while a command on it runs, and what would be lost with it: a command that is
    /// cancelled takes it along.
    pub(super) at_risk: Option<(ConnId, &'static str)>,
    pub(super) held: Held,
    /// Leases taken by `POOL LEAK`: nothing but a reset of the pool ever looks at them again.
    pub(super) lost: Forgotten,
    pub(super) jobs: Arc<Jobs>,
    /// The connections that the line that runs waits for.
    pub(super) waits: Waits,
    /// Where the line that runs stands, in a script.
    pub(super) place: Option<Arc<str>>,
    /// Commands that wait for the server as long as they like run as jobs, so that the prompt stays alive.
    pub(super) beside: bool,
    pub(super) pipes: Pipes,
    /// What is typed to confirm what is dangerous, where a yes is not enough.
    pub(super) confirm: Option<String>,
    /// Nothing is asked.
    pub(super) unasked: bool,
}

impl Session {
    /// A session on a pool whose connections use database `home`. The receiver gets what jobs have to say.
    pub fn new(
        pool: RedisPool,
        hub: Hub,
        registry: Arc<Registry>,
        home: u32,
    ) -> (Self, tokio::sync::mpsc::Receiver<JobNews>) {
        let (jobs, news) = Jobs::new();
        let runner = Runner { pool, registry, home, asker: None };
        let session = Self {
            runner,
            hub,
            own: None,
            database: home,
            at_risk: None,
            held: Held::default(),
            lost: Forgotten::default(),
            jobs: Arc::new(jobs),
            waits: Waits::default(),
            place: None,
            beside: false,
            pipes: Pipes::Off,
            confirm: None,
            unasked: false,
        };
        (session, news)
    }

    /// From now on blocking commands, SUBSCRIBE and MONITOR run as jobs, without `&`.
    pub fn run_waiting_beside(&mut self) {
        self.beside = true;
    }

    /// From now on MONITOR leaves out what is asked from there, beside the pool, for the screen.
    pub fn leave_out(&mut self, asker: Asker) {
        self.runner.asker = Some(asker);
    }

    /// From now on a line may end in `| shell command`.
    pub fn take_pipes(&mut self, pipes: Pipes) {
        self.pipes = pipes;
    }

    /// What runs next is line `number` of a script: what it takes is shown with that.
    pub fn at_line(&mut self, number: u64) {
        self.place = Some(format!("line {number}").into());
    }

    /// Understands a line that a person typed here. What is said about it goes through [`Line::hidden`].
    pub fn understand(&self, line: &str) -> Result<Line, LineError> {
        let parsed = if self.pipes == Pipes::Off { parse(line.as_bytes()) } else { parse_piped(line) };
        parsed.map(|parsed| Line { hidden: Hidden::of(line), ..parsed })
    }

    /// Runs a line to its end. Dropping the future cancels it: a command in flight takes its connection with it, so
    /// that its reply reaches nobody.
    ///
    /// # Errors
    /// Whatever the sink answers.
    pub async fn run(&mut self, line: &Line, sink: &mut dyn Sink) -> io::Result<Outcome> {
        // What a line takes and neither gives back nor keeps for the session is left behind when it has ended.
        let (pool, place) = (self.runner.pool.clone(), self.place.clone());
        let waits = Arc::clone(&self.waits.0);
        pool.scope_at("command".into(), place, waits, Box::pin(self.run_line(line, sink))).await
    }

    async fn run_line(&mut self, line: &Line, sink: &mut dyn Sink) -> io::Result<Outcome> {
        let sink = &mut Covered { hidden: &line.hidden, sink };
        if line.job || self.goes_beside(&line.call) {
            return self.start_job(line, sink).await;
        }
        let Some(command) = &line.pipe else { return self.run_here(line, sink).await };
        let to = self.pipes;
        let Some((mut feed, piped)) = Piped::start(command, to, sink).await? else {
            return Ok(Outcome::Failed);
        };
        let running = async {
            let ran = tokio::select! {
                outcome = self.run_here(line, &mut feed) => outcome,
                // The shell command hears of Ctrl-C too, and may go on, as a pager does: it is waited for.
                _ = tokio::signal::ctrl_c(), if to == Pipes::Terminal => Ok(Outcome::Failed),
            };
            drop(feed);
            ran
        };
        piped.show(Box::pin(running), sink).await
    }

    async fn run_here(&mut self, line: &Line, sink: &mut dyn Sink) -> io::Result<Outcome> {
        let mut outcome = Outcome::Done;
        for _ in 0..line.repeat {
            outcome = outcome.max(self.call(&line.call, sink).await?);
            if outcome >= Outcome::NoConnection {
                break;
            }
        }
        Ok(outcome)
    }

    async fn call(&mut self, call: &Call, sink: &mut dyn Sink) -> io::Result<Outcome> {
        match call {
            Call::Nothing => Ok(Outcome::Done),
            Call::Builtin(Builtin::Quit) => Ok(Outcome::Quit),
            Call::Builtin(Builtin::Clear) => {
                sink.push(Output::Clear).await?;
                Ok(Outcome::Done)
            }
            Call::Builtin(Builtin::Help(topic)) => {
                let (output, outcome) = match self.runner.registry.help(topic) {
                    Ok(text) => (Output::text(text), Outcome::Done),
                    Err(sentence) => (Output::error(&sentence), Outcome::Failed),
                };
                sink.push(output).await?;
                Ok(outcome)
            }
            Call::Builtin(Builtin::Explain(lint)) => {
                let page = lint.and_then(explain::page);
                sink.push(Output::text(page.map_or_else(explain::list, explain::plain))).await?;
                Ok(Outcome::Done)
            }
            Call::Builtin(Builtin::Lab(names)) if names.is_empty() => {
                sink.push(Output::text(lab::list_text(lab::all(), "LAB "))).await?;
                Ok(Outcome::Done)
            }
            Call::Builtin(Builtin::Lab(names)) => {
                Bench::new(names, &self.runner.pool, &self.hub).run(|_| {}, sink).await
            }
            Call::Builtin(Builtin::Pool(call)) => self.pool_call(call, sink).await,
            Call::Builtin(Builtin::Jobs) => self.list_jobs(sink).await,
            Call::Builtin(Builtin::Kill(which)) => self.kill(*which, sink).await,
            Call::Redis { on: Some(id), args } => self.on_held(*id, args, sink).await,
            Call::Redis { on: None, args } => self.redis(args, sink).await,
        }
    }

    /// A command on the connection the session keeps, or on one from the pool.
    async fn redis(&mut self, args: &[Bytes], sink: &mut dyn Sink) -> io::Result<Outcome> {
        if let Some(mut kept) = self.own.take() {
            if !kept.is_dead() {
                return self.on_own(kept, args, sink).await;
            }
            if !kept.is_replaceable() {
                return self.not_sent_on_own(kept, sink).await;
            }
            sink.push(Output::Note(self.closed_by_server(&mut kept))).await?;
        }
        if !may_pin(args) && self.database == self.runner.home {
            return self.runner.once(args, sink).await;
        }
        let (outcome, kept) = self.runner.first(args, self.database, sink).await?;
        let kept = match kept {
            First::Ran(kept) => Some(kept),
            First::Gone => None,
            First::NoDatabase => {
                self.database = self.runner.home;
                sink.push(Output::Note(format!("back in database {}", self.database))).await?;
                None
            }
        };
        self.keep_own(kept, args);
        if let Some(own) = &self.own {
            own.lease.stays();
        }
        Ok(outcome)
    }

    async fn on_own(&mut self, kept: Kept, args: &[Bytes], sink: &mut dyn Sink) -> io::Result<Outcome> {
        self.at_risk = kept.loss().map(|loss| (kept.id(), loss));
        let (outcome, kept) = self.runner.on(kept, args, None, sink).await?;
        self.at_risk = None;
        self.keep_own(kept, args);
        Ok(outcome)
    }

    /// After a command on it: the connection stays the session's own while that is of use. RESET ends whatever was on it,
    /// its name and user too, so that it is of no more use to anybody: the next command runs on another.
    fn keep_own(&mut self, kept: Option<Kept>, args: &[Bytes]) {
        let Some(mut kept) = kept else { return };
        let reset = args.first().is_some_and(|name| name.eq_ignore_ascii_case(b"RESET"));
        self.database = if reset { self.runner.home } else { kept.database() };
        kept.whose = Whose::Own;
        self.own = Some(kept).filter(|kept| kept.pin().is_some() && !reset);
    }

    /// `#id cmd…`
    async fn on_held(&mut self, id: ConnId, args: &[Bytes], sink: &mut dyn Sink) -> io::Result<Outcome> {
        let own = self.own.take_if(|own| own.id() == id);
        let was_own = own.is_some();
        let Some(mut kept) = own.or_else(|| self.held.lock().remove(&id)) else {
            let sentence =
                format!("{id} is not held here: POOL HOLD takes connections, POOL LIST shows them");
            sink.push(Output::error(&sentence)).await?;
            return Ok(Outcome::Failed);
        };
        match kept.is_dead() {
            true if was_own => return self.not_sent_on_own(kept, sink).await,
            true => return self.not_sent_on_held(kept, sink).await,
            false => {}
        }
        if was_own {
            return self.on_own(kept, args, sink).await;
        }
        let (outcome, kept) = self.runner.on(kept, args, None, sink).await?;
        if let Some(kept) = kept {
            self.held.lock().insert(id, kept);
        }
        Ok(outcome)
    }

    /// Whether a command becomes a job without being asked to. What it would mean on the connection that the session
    /// keeps decides: within MULTI it is queued, and a connection that speaks for another user cannot be copied.
    fn goes_beside(&self, call: &Call) -> bool {
        if let Call::Builtin(Builtin::Lab(names)) = call {
            return self.beside && !names.is_empty();
        }
        let Call::Redis { on: None, args } = call else { return false };
        let free = self.own.as_ref().is_none_or(Kept::leaves_jobs_alone);
        self.beside && free && self.runner.waits_at_will(args)
    }

    /// Whether a line runs beside the prompt, or its replies keep coming: nobody should wait for its end.
    pub fn keeps_on(&self, line: &Line) -> bool {
        let in_multi = self.own.as_ref().is_some_and(Kept::in_multi);
        let streams = matches!(&line.call, Call::Redis { args, .. } if Registry::streams(args));
        line.job || self.goes_beside(&line.call) || (streams && !in_multi)
    }

    async fn start_job(&mut self, line: &Line, sink: &mut dyn Sink) -> io::Result<Outcome> {
        let (args, lab) = match &line.call {
            Call::Redis { on: None, args } => (args.clone(), None),
            Call::Builtin(Builtin::Lab(names)) if !names.is_empty() => {
                let args = experiment::words(names);
                (args, Some(Bench::new(names, &self.runner.pool, &self.hub)))
            }
            _ => {
                let sentence = "only a Redis command without #id, or LAB, runs as a job: it takes a connection of its own";
                sink.push(Output::error(sentence)).await?;
                return Ok(Outcome::Failed);
            }
        };
        let database = Some(self.database).filter(|database| *database != self.runner.home);
        let (repeat, background, pipe) = (line.repeat, line.job, line.pipe.clone());
        let (hidden, place) = (line.hidden.clone(), self.place.clone());
        let order = Order { args, repeat, database, background, pipe, hidden, place, lab };
        let id = self.jobs.start(self.runner.clone(), order);
        let apart = self.own.as_ref().filter(|own| !own.leaves_jobs_alone());
        let words = match apart.map(|own| (own.id(), own.pin().unwrap_or("what was set"))) {
            Some((own, pin)) => format!("job {id} runs on a connection of its own: {pin} is on {own} only"),
            None => format!("job {id} runs"),
        };
        sink.push(Output::Note(words)).await?;
        Ok(Outcome::Done)
    }

    async fn list_jobs(&self, sink: &mut dyn Sink) -> io::Result<Outcome> {
        let rows = self.jobs.control().rows();
        let text = if rows.is_empty() { "no job runs".to_owned() } else { jobs::list(&rows) };
        sink.push(Output::text(text)).await?;
        Ok(Outcome::Done)
    }

    /// `KILL n|ALL`: when it has run, the connections are closed.
    async fn kill(&self, which: Option<u32>, sink: &mut dyn Sink) -> io::Result<Outcome> {
        let control = self.jobs.control();
        let running: Vec<u32> = control.rows().iter().map(|row| row.number).collect();
        let numbers = match which {
            Some(number) if !running.contains(&number) => {
                let sentence = format!("there is no job {number}: JOBS lists those that run");
                sink.push(Output::error(&sentence)).await?;
                return Ok(Outcome::Failed);
            }
            Some(number) => vec![number],
            None => running,
        };
        for number in &numbers {
            control.end(*number);
        }
        for number in &numbers {
            control.over(*number).await;
        }
        let words = match numbers.as_slice() {
            [] => "no job runs".to_owned(),
            [one] => format!("killed job {one}"),
            all => format!("killed {} jobs", all.len()),
        };
        sink.push(Output::text(words)).await?;
        Ok(Outcome::Done)
    }

    /// The jobs that run, and the way to end them.
    pub fn jobs(&self) -> &JobControl {
        self.jobs.control()
    }

    /// The database and state of the connection that the session keeps, as the prompt shows them after the address:
    /// `[1](TX)`, as redis-cli.
    pub fn state(&self) -> String {
        let database = self.own.as_ref().map_or(self.database, Kept::database);
        let database = if database == 0 { String::new() } else { format!("[{database}]") };
        let Some(own) = &self.own else { return database };
        let multi = if own.in_multi() { "(TX)" } else { "" };
        format!("{database}{multi}{}", own.id())
    }

    /// The ids of the connections held with `POOL HOLD`, for completion.
    pub fn held(&self) -> Vec<ConnId> {
        self.held.lock().keys().copied().collect()
    }

    /// What is known of commands.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.runner.registry
    }

    /// Lets go of the connections that the pool has taken back, so that their sockets close. Says what went with the
    /// session's own.
    pub fn let_go_of_taken_back(&mut self) -> Option<String> {
        self.lost.lock().retain(|lease| !lease.is_over());
        self.held.lock().retain(|_, kept| !kept.lease.is_over());
        let own = self.own.take_if(|own| own.lease.is_over())?;
        own.loss().map(|loss| format!("{} is gone: {loss}", own.id()))
    }

    /// The ids of all connections kept here.
    pub(super) fn kept_ids(&self) -> Vec<ConnId> {
        self.own.iter().map(Kept::id).chain(self.held()).collect()
    }

    /// Leaves the database of a SELECT; which one commands use from now on, when they used another.
    pub(super) fn go_home(&mut self) -> Option<u32> {
        let home = self.runner.home;
        (std::mem::replace(&mut self.database, home) != home).then_some(home)
    }

    /// Takes a kept connection, to end its lease.
    pub(super) fn take_kept(&mut self, id: ConnId) -> Option<Kept> {
        let own = self.own.take_if(|own| own.id() == id);
        if own.is_some() {
            self.database = self.runner.home;
        }
        own.or_else(|| self.held.lock().remove(&id))
    }

    /// The connections that somebody has who can give them back: those kept here, and the jobs'.
    pub fn in_hand(&self) -> Vec<ConnId> {
        let jobs = self.jobs().rows().into_iter().filter_map(|row| row.conn);
        self.kept_ids().into_iter().chain(jobs).collect()
    }

    /// Gives back everything that is held, ends the jobs, and waits until their connections have gone back too. What was
    /// forgotten stays out.
    pub async fn end(&mut self) {
        let running: Vec<u32> = self.jobs().rows().iter().map(|row| row.number).collect();
        self.let_go();
        for number in running {
            self.jobs().over(number).await;
        }
    }

    /// Gives back everything that is held, and ends the jobs.
    pub fn let_go(&mut self) {
        self.held.lock().clear();
        self.own = None;
        self.jobs.control().end_all();
    }
}

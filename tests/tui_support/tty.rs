//! The whole program in a pseudo-terminal, its screen read as a terminal shows it.

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::support::PATIENCE;

/// A program in a terminal of its own.
pub struct Tty {
    screen: Arc<Mutex<vt100::Parser>>,
    keyboard: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    /// Kept open, so that the terminal's settings can be read after the program has ended.
    _slave: Box<dyn SlavePty + Send>,
    before: String,
    home: Arc<TempDir>,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Tty {
    /// Starts a program in a terminal of this size.
    pub fn start(program: &str, arguments: &[&str], columns: u16, rows: u16) -> Self {
        // Its home is empty and its own: no history from elsewhere.
        let home = Arc::new(tempfile::tempdir().expect("a temporary directory"));
        Self::start_at(home, program, arguments, columns, rows)
    }

    fn start_at(home: Arc<TempDir>, program: &str, arguments: &[&str], columns: u16, rows: u16) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.cwd(home.path());
        command.env("TERM", "xterm-256color");
        command.env("LC_ALL", "C.UTF-8");
        command.env("HOME", home.path());
        command.env("XDG_STATE_HOME", home.path().join("state"));
        command.env("XDG_CONFIG_HOME", home.path().join("config"));
        for name in ["REDIS_URL", "REDISCLI_AUTH", "NO_COLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        let before = format!("{:?}", pair.master.get_termios());
        let child = pair.slave.spawn_command(command).expect("the program starts");
        let screen = Arc::new(Mutex::new(vt100::Parser::new(nonzero(rows), nonzero(columns), 0)));
        let mut output = pair.master.try_clone_reader().expect("the terminal's output");
        let parser = Arc::clone(&screen);
        let written = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&written);
        std::thread::spawn(move || {
            let mut bytes = [0; 8192];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                all.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&bytes[..count]);
                parser.lock().unwrap_or_else(PoisonError::into_inner).process(&bytes[..count]);
            }
        });
        let keyboard = pair.master.take_writer().expect("the terminal's input");
        Self { screen, keyboard, child, master: pair.master, _slave: pair.slave, before, home, written }
    }

    /// The program under test, with these arguments.
    pub fn pooltop(arguments: &[&str], columns: u16, rows: u16) -> Self {
        Self::start(env!("CARGO_BIN_EXE_redis-pooltop"), arguments, columns, rows)
    }

    /// The program under test with the home of another, as the next run of the same person.
    pub fn pooltop_at_home(other: &Self, arguments: &[&str], columns: u16, rows: u16) -> Self {
        let home = Arc::clone(&other.home);
        Self::start_at(home, env!("CARGO_BIN_EXE_redis-pooltop"), arguments, columns, rows)
    }

    fn parser(&self) -> MutexGuard<'_, vt100::Parser> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the terminal shows.
    pub fn text(&self) -> String {
        self.parser().screen().contents()
    }

    /// The line that holds these words, if one does.
    pub fn line(&self, words: &str) -> Option<String> {
        self.text().lines().find(|line| line.contains(words)).map(str::to_owned)
    }

    /// What stands in the cursor's row.
    pub fn cursor_row(&self) -> String {
        let parser = self.parser();
        let (row, _) = parser.screen().cursor_position();
        let (_, columns) = parser.screen().size();
        parser.screen().contents_between(row, 0, row, columns.get())
    }

    /// What stands before the cursor in its row.
    pub fn before_cursor(&self) -> String {
        let parser = self.parser();
        let (row, column) = parser.screen().cursor_position();
        parser.screen().contents_between(row, 0, row, column)
    }

    /// Whether any cell has a colour.
    pub fn coloured(&self) -> bool {
        let parser = self.parser();
        let screen = parser.screen();
        let (rows, columns) = screen.size();
        let cells = (0..rows.get()).flat_map(|row| (0..columns.get()).map(move |column| (row, column)));
        cells
            .filter_map(|(row, column)| screen.cell(row, column))
            .any(|cell| cell.fgcolor() != vt100::Color::Default || cell.bgcolor() != vt100::Color::Default)
    }

    /// Whether clicks come to the program.
    pub fn mouse(&self) -> bool {
        self.parser().screen().mouse_protocol_mode() != vt100::MouseProtocolMode::None
    }

    /// Clicks on these words.
    pub fn click(&mut self, words: &str) {
        let text = self.text();
        let found = text.lines().enumerate().find_map(|(row, line)| {
            let at = line.find(words)?;
            Some((line[..at].chars().count() + 1, row + 1))
        });
        let (column, row) = found.unwrap_or_else(|| panic!("no {words:?} in\n{text}"));
        self.send(&format!("\u{1b}[<0;{column};{row}M\u{1b}[<0;{column};{row}m"));
    }

    /// Where the program runs, and what it takes for its person's home.
    pub fn home(&self) -> &std::path::Path {
        self.home.path()
    }

    /// All that the program wrote so far.
    pub fn written(&self) -> String {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&written).into_owned()
    }

    /// Types bytes as a keyboard sends them.
    pub fn send(&mut self, keys: &str) {
        self.send_bytes(keys.as_bytes());
    }

    /// Types bytes that may be no text.
    pub fn send_bytes(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).and_then(|()| self.keyboard.flush()).expect("keys go in");
    }

    /// Types a line and Enter.
    pub fn run(&mut self, line: &str) {
        self.send(&format!("{line}\r"));
    }

    /// Waits until the screen is as wanted.
    pub fn wait(&self, what: &str, wanted: impl Fn(&str) -> bool) {
        self.wait_for(what, |tty| wanted(&tty.text()));
    }

    /// Waits until these words are on the screen.
    pub fn see(&self, words: &str) {
        self.wait(words, |text| text.contains(words));
    }

    /// Waits until a condition holds.
    pub fn wait_for(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < deadline, "gave up waiting for {what}; the screen:\n{}", self.text());
            std::thread::park_timeout(std::time::Duration::from_millis(10));
        }
    }

    /// Gives the terminal another size.
    pub fn resize(&self, columns: u16, rows: u16) {
        self.parser().screen_mut().set_size(nonzero(rows), nonzero(columns));
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.master.resize(size).expect("a new size");
    }

    /// Sends the program a signal by its name.
    pub fn signal(&self, name: &str) {
        let pid = self.child.process_id().expect("it runs").to_string();
        let sent = std::process::Command::new("kill").args([&format!("-{name}"), &pid]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// The program's number.
    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("it runs")
    }

    /// Waits for the program's end.
    pub fn end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("its state") {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end; the screen:\n{}", self.text());
            std::thread::park_timeout(std::time::Duration::from_millis(10));
        }
    }

    /// Reads nothing of what the program writes, until that is done. The screen is not to be looked at there.
    pub fn unread<T>(&mut self, meanwhile: impl FnOnce(&mut Self) -> T) -> T {
        let screen = Arc::clone(&self.screen);
        let _held = screen.lock().unwrap_or_else(PoisonError::into_inner);
        meanwhile(self)
    }

    /// Whether the terminal takes no more, for want of a reader.
    pub fn is_full(&self) -> bool {
        let name = self.master.tty_name().expect("the terminal's name");
        let terminal = std::fs::File::options().write(true).open(name).expect("the terminal");
        let mut asked = [PollFd::new(&terminal, PollFlags::OUT)];
        poll(&mut asked, Some(&Timespec::default())).expect("its state") == 0
    }

    /// How the program has ended, if it has.
    pub fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("its state")
    }

    /// Whether cursor keys and keypad send what a program with the whole screen asked for.
    pub fn keypad(&self) -> bool {
        let parser = self.parser();
        parser.screen().application_keypad() || parser.screen().application_cursor()
    }

    /// Waits until a program has written a line into this file at home, and gives it.
    pub fn noted(&self, file: &str) -> String {
        let path = self.home().join(file);
        let read = || std::fs::read_to_string(&path).unwrap_or_default();
        self.wait_for(file, |_| read().ends_with('\n'));
        read().trim_end().to_owned()
    }

    /// Waits until the process whose number is in this file at home runs no more.
    pub fn ended(&self, file: &str) {
        let pid = self.noted(file);
        self.wait_for("the end of a process", |_| {
            let state = std::process::Command::new("ps").args(["-o", "stat=", "-p", &pid]).output();
            let state = state.expect("ps runs").stdout;
            state.is_empty() || state.starts_with(b"Z")
        });
    }

    /// Whether the terminal has the program's screen and modes on it.
    pub fn taken(&self) -> bool {
        self.parser().screen().alternate_screen() && self.pastes_in_brackets()
    }

    /// Whether a paste would come in brackets: whoever reads keys one by one has the terminal.
    pub fn pastes_in_brackets(&self) -> bool {
        self.parser().screen().bracketed_paste()
    }

    /// Waits until the terminal is as it was before the program: screen, cursor, pastes and line settings.
    pub fn given_back(&self) {
        self.wait_for("the terminal given back", |tty| {
            let screen = tty.parser();
            let screen = screen.screen();
            let mouse = screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None;
            let keypad = screen.application_keypad() || screen.application_cursor();
            let pastes = screen.bracketed_paste();
            !screen.alternate_screen() && !pastes && !screen.hide_cursor() && !mouse && !keypad
        });
        self.settings_given_back();
    }

    /// Asserts that the line settings are as they were before the program.
    pub fn settings_given_back(&self) {
        assert_eq!(format!("{:?}", self.master.get_termios()), self.before, "line settings");
    }
}

fn nonzero(size: u16) -> NonZero<u16> {
    NonZero::new(size).expect("a terminal has a size")
}

impl Drop for Tty {
    fn drop(&mut self) {
        // A shell's foreground job, which may be stopped where nobody continues it any more.
        let job = self.master.process_group_leader().and_then(Pid::from_raw);
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(job) = job {
            // Nearly always it has ended with its terminal.
            let _ = kill_process_group(job, Signal::KILL);
        }
    }
}

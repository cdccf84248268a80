//! The screen before there is anything to watch: what is waited for, and since when. It can be left at any moment.

use std::future::Future;
use std::io;
use std::mem;
use std::time::Duration;

use crossterm::event::{Event, EventStream};
use futures_util::StreamExt;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use tokio::time::{Instant, timeout};

use super::End;
use super::keymap::Chord;
use super::terminal::Guard;
use super::theme::Theme;
use super::view::{age, put};
use crate::terminal::{EndSignals, StopSignal, continued};
use crate::text;

/// What is done sooner than this needs no screen: one that comes and goes at once only flickers.
const GRACE: Duration = Duration::from_millis(10);
/// Between two looks at the clock.
const TICK: Duration = Duration::from_millis(100);
/// What Ctrl-C ends a program with.
const INTERRUPT: u8 = 2;

/// Waits for `work`. From the first moment that is worth it the terminal is taken, with the mouse where that is wanted,
/// and says what is waited for: a server's address, safe to show. The terminal comes back with what the work gave.
pub async fn until<T>(
    work: impl Future<Output = T>,
    address: &str,
    theme: &Theme,
    mouse: bool,
) -> io::Result<Result<(T, Option<Guard>), End>> {
    let began = Instant::now();
    tokio::pin!(work);
    if let Ok(done) = timeout(GRACE, &mut work).await {
        return Ok(Ok((done, None)));
    }
    let mut signals = EndSignals::new()?.and_interrupt()?;
    let mut stops = StopSignal::new()?;
    let mut continued = continued()?;
    let mut guard = Guard::enter(mouse)?;
    let mut keys = EventStream::new();
    let mut stopping = false;
    let mut next = Instant::now();
    loop {
        if mem::take(&mut stopping) {
            drop(keys);
            guard.give();
            tokio::select! {
                biased;
                number = signals.next() => return Ok(Err(End::Signal(number))),
                stopped = stops.stop() => stopped?,
            }
            guard.retake()?;
            keys = EventStream::new();
        }
        tokio::select! {
            biased;
            number = signals.next() => return Ok(Err(End::Signal(number))),
            () = stops.asked() => stopping = true,
            _ = continued.recv() => {
                guard.retake()?;
                next = Instant::now();
            }
            event = keys.next() => {
                let Some(event) = event else { return Ok(Err(End::Quit)) };
                match wish(&event?) {
                    Some(Wish::Leave(end)) => return Ok(Err(end)),
                    Some(Wish::Stop) => stopping = true,
                    Some(Wish::Look) => next = Instant::now(),
                    None => {}
                }
            }
            done = &mut work => return Ok(Ok((done, Some(guard)))),
            () = guard.free_at(next) => {
                let waited = began.elapsed();
                guard.frame(|frame| draw(address, waited, theme, frame.area(), frame.buffer_mut()))?;
                next = Instant::now() + TICK;
            }
        }
    }
}

/// What somebody can want who only waits.
#[derive(Debug, PartialEq, Eq)]
enum Wish {
    Leave(End),
    Stop,
    Look,
}

fn wish(event: &Event) -> Option<Wish> {
    let Event::Key(key) = event else {
        return matches!(event, Event::Resize(..)).then_some(Wish::Look);
    };
    let chord = Chord::from_event(key)?;
    let is = |name: &str| name.parse() == Ok(chord);
    match () {
        () if is("ctrl-c") => Some(Wish::Leave(End::Signal(INTERRUPT))),
        () if is("ctrl-d") || is("q") => Some(Wish::Leave(End::Quit)),
        () if is("ctrl-z") => Some(Wish::Stop),
        () => None,
    }
}

fn draw(address: &str, waited: Duration, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let title = vec![Span::styled(" redis-pooltop", theme.title), Span::raw(format!("  {address}"))];
    put(Line::from(title), area, 0, buf);
    // On a low screen what happens comes before the blank line.
    let row = if area.height > 3 { 2 } else { 1 };
    // On a narrow one the address above is enough.
    let waited = age(waited);
    let mut words = format!(" connecting to {address}, {waited}");
    if text::width(&words) > usize::from(area.width) {
        words = format!(" connecting, {waited}");
    }
    put(Line::styled(words, theme.text), area, row, buf);
    let keys = vec![Span::styled(" Ctrl-C", theme.key), Span::styled(" leaves", theme.dim)];
    put(Line::from(keys), area, area.height.saturating_sub(1).max(row + 1), buf);
    theme.finish(buf);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_is_waited_for_on_a_screen_of_any_size() {
        for (width, height) in [(80, 24), (60, 13), (20, 3), (1, 1), (200, 1)] {
            let area = Rect { x: 0, y: 0, width, height };
            let mut buf = Buffer::empty(area);
            draw("127.0.0.1:7998", Duration::from_millis(1_234), &Theme::DEFAULT, area, &mut buf);
            let text: String = buf.content.iter().map(ratatui::buffer::Cell::symbol).collect();
            let whole = width >= 60 && height > 1;
            assert_eq!(text.contains("connecting to 127.0.0.1:7998, 1.2 s"), whole, "{width}x{height}");
            assert_eq!(text.contains("connecting, 1.2 s"), width == 20, "{width}x{height}");
        }
    }

    #[test]
    fn only_keys_that_leave_or_stop_mean_anything() {
        let key = |name: &str| {
            let (code, modifiers) = match name.strip_prefix("ctrl-") {
                Some(letter) => (letter, crossterm::event::KeyModifiers::CONTROL),
                None => (name, crossterm::event::KeyModifiers::NONE),
            };
            let code = crossterm::event::KeyCode::Char(code.chars().next().unwrap());
            wish(&Event::Key(crossterm::event::KeyEvent::new(code, modifiers)))
        };
        assert_eq!(key("ctrl-c"), Some(Wish::Leave(End::Signal(2))));
        assert_eq!([key("ctrl-d"), key("q")], [Some(Wish::Leave(End::Quit)), Some(Wish::Leave(End::Quit))]);
        assert_eq!([key("ctrl-z"), key("x")], [Some(Wish::Stop), None]);
    }
}

//! Why a caller got no connection, said so that it tells what to look at.

use std::fmt;
use std::time::Duration;

use super::core::Crowd;
use super::holder::short_name;
use crate::event::WaitEnd;

/// Why a checkout ended without a lease. `E` is the connector's own error.
#[derive(Clone, Debug)]
pub enum CheckoutError<E> {
    /// Nothing came free within the blocking timeout.
    TimedOut(Box<Shortage>),
    /// Every connection is lent, and this pool does not queue.
    Exhausted(Box<Shortage>),
    /// The pool is closed.
    Closed,
    /// A connection could not be opened.
    Connect(E),
}

impl<E> CheckoutError<E> {
    /// How the wait ended, in the shared vocabulary.
    pub fn ended(&self) -> WaitEnd {
        match self {
            Self::TimedOut(_) => WaitEnd::TimedOut,
            Self::Exhausted(_) | Self::Closed => WaitEnd::Refused,
            Self::Connect(_) => WaitEnd::Failed,
        }
    }
}

impl<E: fmt::Display> fmt::Display for CheckoutError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut(shortage) => {
                let within = text(shortage.waited.unwrap_or_default());
                write!(f, "no connection within {within}: {shortage}")
            }
            Self::Exhausted(shortage) => write!(f, "no connection: {shortage}"),
            Self::Closed => f.write_str("the pool is closed"),
            Self::Connect(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Display + fmt::Debug> std::error::Error for CheckoutError<E> {}

/// How full the pool was when a caller got nothing, and who was in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// The limit on waiting that ran out, if there was one.
    pub waited: Option<Duration>,
    /// Lent then.
    pub in_use: u32,
    /// Being opened then.
    pub opening: u32,
    /// The limit.
    pub max: u32,
    /// Others still queued then.
    pub waiting: u32,
    /// Who had held a connection longest, and for how long.
    pub longest: Option<(Duration, String)>,
    /// Why a connection could not be opened meanwhile, if that was tried and failed.
    pub failure: Option<String>,
}

impl Shortage {
    pub(super) fn new(crowd: &Crowd, waited: Option<Duration>) -> Self {
        let gauges = crowd.gauges;
        Self {
            waited,
            in_use: gauges.in_use,
            opening: gauges.opening,
            max: gauges.max,
            waiting: gauges.waiting,
            longest: crowd.longest.as_ref().map(|(held, tag)| (*held, short_name(&tag.holder()))),
            failure: None,
        }
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} in use", self.in_use, self.max)?;
        if let Some((held, who)) = &self.longest {
            write!(f, " (longest {}: {who})", text(*held))?;
        }
        if self.opening > 0 {
            write!(f, ", {} opening", self.opening)?;
        }
        // Who reads this was the one that waited.
        match self.waiting {
            0 => {}
            1 => f.write_str(", 1 other waiting")?,
            others => write!(f, ", {others} others waiting")?,
        }
        match &self.failure {
            Some(failure) => write!(f, "; opening one failed: {failure}"),
            None => Ok(()),
        }
    }
}

/// A duration as a sentence takes it: `20 s`, `74 s`, `150 ms`.
fn text(duration: Duration) -> String {
    let ms = duration.as_millis();
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..10_000 if ms % 1_000 >= 100 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        1_000..100_000 => format!("{} s", ms / 1_000),
        _ => crate::text::duration(duration),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_says_who_is_in_the_way() {
        let shortage = Shortage {
            waited: Some(Duration::from_secs(20)),
            in_use: 5,
            opening: 0,
            max: 5,
            waiting: 3,
            longest: Some((Duration::from_secs(74), "worker-2".to_owned())),
            failure: None,
        };
        let error: CheckoutError<String> = CheckoutError::TimedOut(Box::new(shortage.clone()));
        assert_eq!(
            error.to_string(),
            "no connection within 20 s: 5 of 5 in use (longest 74 s: worker-2), 3 others waiting"
        );
        let error: CheckoutError<String> =
            CheckoutError::Exhausted(Box::new(Shortage { opening: 2, longest: None, ..shortage.clone() }));
        assert_eq!(error.to_string(), "no connection: 5 of 5 in use, 2 opening, 3 others waiting");
        let alone = |waiting| {
            let shortage = Shortage { longest: None, waiting, ..shortage.clone() };
            CheckoutError::<String>::Exhausted(Box::new(shortage)).to_string()
        };
        assert_eq!(alone(0), "no connection: 5 of 5 in use");
        assert_eq!(alone(1), "no connection: 5 of 5 in use, 1 other waiting");
        let gone = Shortage { in_use: 0, longest: None, failure: Some("nobody is there".into()), ..shortage };
        let error: CheckoutError<String> = CheckoutError::TimedOut(Box::new(gone));
        assert_eq!(
            error.to_string(),
            "no connection within 20 s: 0 of 5 in use, 3 others waiting; opening one failed: nobody is there"
        );
    }

    #[test]
    fn durations_read_as_people_say_them() {
        for (ms, said) in [
            (0, "0 ms"),
            (150, "150 ms"),
            (1_000, "1 s"),
            (2_550, "2.5 s"),
            (9_999, "9.9 s"),
            (74_200, "74 s"),
            (208_000, "3m 28s"),
        ] {
            assert_eq!(text(Duration::from_millis(ms)), said);
        }
    }
}

//! A duration as one number, its nanoseconds: half the bytes of seconds and nanoseconds apart, and read in half the time.
//! What is longer than 584 years is written as 584 years.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

use crate::event::nanos;

pub(crate) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(nanos(*time))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    u64::deserialize(from).map(Duration::from_nanos)
}

/// The same of one that may be missing.
pub(crate) mod option {
    use super::{Deserialize, Deserializer, Duration, Serializer, nanos};

    // Serde asks for a reference.
    #[allow(clippy::ref_option)]
    pub(crate) fn serialize<S: Serializer>(time: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => to.serialize_some(&nanos(*time)),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(from)?.map(Duration::from_nanos))
    }
}

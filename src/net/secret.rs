//! A password that cannot be printed by accident.

use std::fmt;
use std::sync::Arc;

/// A password: any bytes. It is shared, not copied, and shows as `***` wherever something is formatted.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<[u8]>);

impl Secret {
    /// Keeps `password`.
    pub fn new(password: impl Into<Vec<u8>>) -> Self {
        Self(password.into().into())
    }

    /// The password itself, to be sent to a server and nowhere else.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

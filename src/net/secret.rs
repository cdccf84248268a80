//! A password that cannot be printed by accident.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

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

/// A user, `None` for the default one, and the password.
pub type Login = (Option<String>, Secret);

/// A login that a person gave while the program runs, for all who connect with the same options: whoever cloned them has it
/// too.
#[derive(Clone, Debug, Default)]
pub struct Renewed(Arc<Mutex<Option<Login>>>);

impl Renewed {
    pub(super) fn set(&self, login: Login) {
        *self.0.lock() = Some(login);
    }

    pub(super) fn get(&self) -> Option<Login> {
        self.0.lock().clone()
    }
}

impl PartialEq for Renewed {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.get() == other.get()
    }
}

impl Eq for Renewed {}

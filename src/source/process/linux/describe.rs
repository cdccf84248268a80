//! Who a process is: its name, command line, user, start and container.

use std::collections::HashMap;
use std::sync::Arc;

use super::cgroup::container;
use super::files::{Opened, since_1970};
use super::mask::masked;
use super::text::{Stat, user_name};
use crate::event::Process;

/// Names of users that were looked up.
#[derive(Debug, Default)]
pub(super) struct Users {
    names: HashMap<u32, Arc<str>>,
}

impl Users {
    /// The name in `/etc/passwd`, else the number: other directories are not asked.
    fn name(&mut self, uid: u32) -> Arc<str> {
        let look_up = || {
            let passwd = std::fs::read("/etc/passwd").unwrap_or_default();
            user_name(&passwd, uid).unwrap_or_else(|| uid.to_string()).into()
        };
        Arc::clone(self.names.entry(uid).or_insert_with(look_up))
    }
}

/// Describes a process; `None` when it has ended.
pub(super) fn describe(pid: u32, opened: &Opened, stat: &Stat, users: &mut Users) -> Option<Process> {
    let command = opened.read("cmdline")?;
    let user = opened.uids().map(|(_, effective)| users.name(effective));
    Some(Process {
        pid,
        name: stat.name.as_str().into(),
        command: masked(&command).into(),
        user,
        started_ms: since_1970(stat.started),
        container: opened.read("cgroup").and_then(|cgroup| container(&cgroup)).map(Into::into),
    })
}

//! Who takes a lease, in a form that costs the hot path nothing: text is made only when somebody looks.

#![allow(unreachable_pub, reason = "public only where the model checker of tests/pool_shuttle.rs reaches in")]

use std::panic::Location;
use std::sync::Arc;

use super::scope::{Owner, Waiting};
use super::stack::Stack;
use crate::event::Holder;

/// Who asked: a label where there is one, the line of the call, the runtime's task and the scope it is in.
#[derive(Clone, Debug, Default)]
pub struct Tag {
    label: Option<Arc<str>>,
    location: Option<&'static Location<'static>>,
    task: Option<tokio::task::Id>,
    owner: Option<Arc<Owner>>,
    stack: Option<Arc<Stack>>,
    /// Its holder said that the lease is to outlive its scope.
    pub(super) stays: bool,
}

impl Tag {
    /// The line that asked; task and scope are added where the future runs.
    pub fn here(location: &'static Location<'static>) -> Self {
        Self { location: Some(location), ..Self::default() }
    }

    /// A label alone, for what the pool does by itself.
    pub(crate) fn labelled(label: Arc<str>) -> Self {
        Self { label: Some(label), ..Self::default() }
    }

    /// With a label beside the line.
    pub(crate) fn called(mut self, label: Arc<str>) -> Self {
        self.label = Some(label);
        self
    }

    /// With the stack of whoever calls this, when that is wanted.
    #[inline]
    pub(crate) fn traced(mut self, wanted: bool) -> Self {
        if wanted {
            self.stack = Some(Stack::here());
        }
        self
    }

    /// In the current task and scope, where there are any.
    #[inline]
    pub(crate) fn in_task(mut self) -> Self {
        self.task = tokio::task::try_id();
        self.owner = Owner::current();
        self
    }

    /// That its scope waits for a connection, until what is returned is dropped.
    pub(super) fn waiting(&self) -> Option<Waiting> {
        self.owner.as_deref().map(Waiting::of)
    }

    /// As events and rows show it.
    pub(crate) fn holder(&self) -> Holder {
        let owner = self.owner.as_deref();
        let place_in_script = owner.and_then(|owner| owner.place.clone());
        Holder {
            label: self.label.clone().or_else(|| owner.map(|owner| owner.label.clone())),
            location: place_in_script.or_else(|| self.location.and_then(place)),
            // The id's number is public only as text.
            task: self.task.and_then(|id| id.to_string().parse().ok()),
            stack: self.stack.as_ref().map(|stack| stack.text(self.location)),
            function: None,
            how: None,
            ended: owner.filter(|_| !self.stays).and_then(Owner::ended),
        }
    }
}

/// The line of the call, unless it is the shell's own: there the label says all, and our source says nothing.
fn place(at: &Location<'_>) -> Option<Arc<str>> {
    let shell = at.file().contains("src/command/");
    (!shell).then(|| format!("{}:{}", at.file(), at.line()).into())
}

/// The shortest name a person recognises: the label, else the line, else the task.
pub(super) fn short_name(holder: &Holder) -> String {
    match (&holder.label, &holder.location, holder.task) {
        (Some(label), ..) => label.to_string(),
        (None, Some(location), _) => location.to_string(),
        (None, None, Some(task)) => format!("task {task}"),
        (None, None, None) => "unknown".to_owned(),
    }
}

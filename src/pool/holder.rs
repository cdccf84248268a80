//! Who takes a lease, in a form that costs the hot path nothing: text is made only when somebody looks.

#![allow(unreachable_pub, reason = "public only where the model checker of tests/pool_shuttle.rs reaches in")]

use std::panic::Location;
use std::sync::Arc;

use crate::event::Holder;

/// Who asked: a label where there is one, the line of the call, and the runtime's task.
#[derive(Clone, Debug, Default)]
pub struct Tag {
    label: Option<Arc<str>>,
    location: Option<&'static Location<'static>>,
    task: Option<tokio::task::Id>,
}

impl Tag {
    /// The line that asked; the task is added where the future runs.
    pub fn here(location: &'static Location<'static>) -> Self {
        Self { label: None, location: Some(location), task: None }
    }

    /// A label alone, for what the pool does by itself.
    pub(crate) fn labelled(label: Arc<str>) -> Self {
        Self { label: Some(label), location: None, task: None }
    }

    /// With a label beside the line.
    pub(crate) fn called(mut self, label: Arc<str>) -> Self {
        self.label = Some(label);
        self
    }

    /// In the current task, where there is one.
    #[inline]
    pub(crate) fn in_task(mut self) -> Self {
        self.task = tokio::task::try_id();
        self
    }

    /// As events and rows show it.
    pub(crate) fn holder(&self) -> Holder {
        Holder {
            label: self.label.clone(),
            location: self.location.and_then(place),
            // The id's number is public only as text.
            task: self.task.and_then(|id| id.to_string().parse().ok()),
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

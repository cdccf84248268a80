//! What an app that reports from inside can say.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use redis_pooltop::event::{AppEvent, Ending, How, Inside, ProcId, ProcessEvent, ProcessFacts, Reporting};

use super::{holder, words};

const HOWS: [How; 7] =
    [How::Command, How::Raw, How::Pipeline, How::PubSub, How::Lock, How::Single, How::Monitor];

pub fn how() -> impl Strategy<Value = How> {
    select(HOWS.to_vec())
}

pub fn inside() -> impl Strategy<Value = Inside> {
    (any::<u32>(), words(), any::<[bool; 2]>(), option::of(holder())).prop_map(
        |(process, class, [inherited, asynchronous], made)| Inside {
            process: ProcId(process),
            class,
            inherited,
            asynchronous,
            made,
        },
    )
}

pub fn app_event() -> BoxedStrategy<AppEvent> {
    let facts = (any::<u32>(), option::of(any::<u32>()), words(), words(), any::<bool>());
    let facts = facts.prop_map(|(pid, parent, program, runtime, forked)| ProcessFacts {
        pid,
        parent,
        program,
        runtime,
        forked,
    });
    let reporting = (any::<u64>(), any::<u64>(), option::of(words()));
    let process = prop_oneof![
        facts.prop_map(ProcessEvent::Started),
        (words(), words()).prop_map(|(name, version)| ProcessEvent::Library { name, version }),
        reporting.prop_map(|(dropped, errors, error)| ProcessEvent::Heard(Reporting {
            dropped,
            errors,
            error
        })),
        Just(ProcessEvent::Ends),
        any::<bool>().prop_map(|said| ProcessEvent::Gone { said }),
    ];
    prop_oneof![
        1 => option::of(words()).prop_map(|program| AppEvent::Started { program }),
        1 => words().prop_map(|why| AppEvent::Silent { why }),
        1 => any::<i32>().prop_map(|code| AppEvent::Ended(Ending::Code(code))),
        1 => any::<i32>().prop_map(|number| AppEvent::Ended(Ending::Signal(number))),
        4 => (0..3_u32, process).prop_map(|(id, event)| AppEvent::Process(ProcId(id), event)),
    ]
    .boxed()
}

/// Which kind of line it is.
pub fn app_kind(event: &AppEvent) -> &'static str {
    match event {
        AppEvent::Started { .. } => "app started",
        AppEvent::Silent { .. } => "app silent",
        AppEvent::Ended(_) => "app ended",
        AppEvent::Process(_, event) => match event {
            ProcessEvent::Started(_) => "process started",
            ProcessEvent::Library { .. } => "process library",
            ProcessEvent::Heard(_) => "process heard",
            ProcessEvent::Ends => "process ends",
            ProcessEvent::Gone { .. } => "process gone",
        },
    }
}

/// All that [`app_kind`] can say.
pub const APP_KINDS: usize = 8;

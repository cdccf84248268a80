//! The pool's settings by redis-py's names where it has them, for `POOL CONFIG`: one table reads and changes them.

use std::time::Duration;

use crate::hub::Hub;
use crate::pool::{OnExhausted, RedisPool};
use crate::values;

/// One setting.
struct Setting {
    name: &'static str,
    get: fn(&RedisPool, &Hub) -> String,
    /// `None` where it is fixed once the pool exists.
    set: Option<Set>,
}

/// Takes the value as typed; the error is one sentence.
type Set = fn(&RedisPool, &Hub, &str) -> Result<(), String>;

const SETTINGS: &[Setting] = &[
    Setting { name: "name", get: |pool, _| pool.config().name, set: None },
    Setting {
        name: "max_connections",
        get: |pool, _| pool.config().max.to_string(),
        set: Some(|pool, _, value| {
            let max = values::connections(value)?;
            let settled = pool.resize(max);
            if settled == max { Ok(()) } else { Err(format!("a single connection is a pool of {settled}")) }
        }),
    },
    Setting {
        name: "on_exhausted",
        get: |pool, _| {
            match pool.config().on_exhausted {
                OnExhausted::Wait => "wait",
                OnExhausted::Fail => "fail",
            }
            .to_owned()
        },
        set: Some(|pool, _, value| {
            let on_exhausted = match value.to_ascii_lowercase().as_str() {
                "wait" => OnExhausted::Wait,
                "fail" => OnExhausted::Fail,
                _ => return Err("it is wait or fail".to_owned()),
            };
            pool.set(|config| config.on_exhausted = on_exhausted);
            Ok(())
        }),
    },
    Setting {
        name: "blocking_timeout",
        get: |pool, _| seconds(pool.config().blocking_timeout),
        set: Some(|pool, _, value| {
            let limit = values::duration(value)?;
            pool.set(|config| config.blocking_timeout = limit);
            Ok(())
        }),
    },
    Setting {
        name: "socket_timeout",
        get: |pool, _| limit(pool.connector().options().socket_timeout),
        set: None,
    },
    Setting {
        name: "socket_connect_timeout",
        get: |pool, _| seconds(pool.connector().options().connect_timeout),
        set: None,
    },
    Setting { name: "warmup", get: |pool, _| pool.config().warmup.to_string(), set: None },
    Setting {
        name: "max_idle",
        get: |pool, _| limit(pool.config().max_idle),
        set: Some(|pool, _, value| {
            let limit = values::limit(value)?.get();
            pool.set(|config| config.max_idle = limit);
            Ok(())
        }),
    },
    Setting {
        name: "max_lifetime",
        get: |pool, _| limit(pool.config().max_lifetime),
        set: Some(|pool, _, value| {
            let limit = values::limit(value)?.get();
            pool.set(|config| config.max_lifetime = limit);
            Ok(())
        }),
    },
    Setting {
        name: "health_check_interval",
        get: |pool, _| limit(pool.config().health_check_interval),
        set: Some(|pool, _, value| {
            let limit = values::limit(value)?.get();
            pool.set(|config| config.health_check_interval = limit);
            Ok(())
        }),
    },
    Setting {
        name: "retries",
        get: |pool, _| pool.config().retries.to_string(),
        set: Some(|pool, _, value| {
            let retries = values::retries(value)?;
            pool.set(|config| config.retries = retries);
            Ok(())
        }),
    },
    Setting {
        name: "retry_delay",
        get: |pool, _| seconds(pool.config().retry_delay),
        set: Some(|pool, _, value| {
            let delay = values::duration(value)?;
            pool.set(|config| config.retry_delay = delay);
            Ok(())
        }),
    },
    Setting {
        name: "retry_on_timeout",
        get: |pool, _| yes_no(pool.config().retry_on_timeout),
        set: Some(|pool, _, value| {
            let retry = match value.to_ascii_lowercase().as_str() {
                "yes" | "true" | "1" => true,
                "no" | "false" | "0" => false,
                _ => return Err("it is yes or no".to_owned()),
            };
            pool.set(|config| config.retry_on_timeout = retry);
            Ok(())
        }),
    },
    Setting { name: "single_connection", get: |pool, _| yes_no(pool.config().single), set: None },
    Setting {
        name: "leak_threshold",
        get: |_, hub| seconds(hub.options().leak_threshold),
        set: Some(|_, hub, value| {
            let mut options = hub.options();
            options.leak_threshold = values::duration(value)?;
            hub.set_options(options);
            Ok(())
        }),
    },
    Setting {
        name: "usage_alert",
        get: |_, hub| hub.options().usage_alert.to_string(),
        set: Some(|_, hub, value| {
            let mut options = hub.options();
            options.usage_alert = values::percent(value)?;
            hub.set_options(options);
            Ok(())
        }),
    },
];

/// Every setting and what it is now.
pub fn all(pool: &RedisPool, hub: &Hub) -> Vec<(String, String)> {
    SETTINGS.iter().map(|setting| (setting.name.to_owned(), (setting.get)(pool, hub))).collect()
}

/// Changes one, live.
///
/// # Errors
/// One sentence: there is none of that name, it is fixed, or the value does not fit.
pub fn set(pool: &RedisPool, hub: &Hub, name: &str, value: &str) -> Result<(), String> {
    let Some(setting) = SETTINGS.iter().find(|setting| setting.name.eq_ignore_ascii_case(name)) else {
        let near = crate::nearest::nearest(name, SETTINGS.iter().map(|setting| setting.name));
        return Err(match near {
            Some(near) => format!("no setting '{name}': did you mean {near}?"),
            None => format!("no setting '{name}': POOL CONFIG GET * lists them"),
        });
    };
    let Some(set) = setting.set else {
        return Err(format!("{} is fixed once the pool exists", setting.name));
    };
    set(pool, hub, value).map_err(|problem| format!("{}: {problem}", setting.name))
}

/// As redis-py takes them: seconds.
fn seconds(duration: Duration) -> String {
    duration.as_secs_f64().to_string()
}

fn limit(limit: Option<Duration>) -> String {
    limit.map_or_else(|| "none".to_owned(), seconds)
}

fn yes_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

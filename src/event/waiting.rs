//! Commands that wait for something on purpose, by their names: how long they take is no work, and no other command gets
//! its turn on their connection meanwhile.

/// They wait for a key to be written, or for replicas and disks.
pub const BLOCKING: [&str; 10] =
    ["BLPOP", "BRPOP", "BLMOVE", "BLMPOP", "BRPOPLPUSH", "BZPOPMIN", "BZPOPMAX", "BZMPOP", "WAIT", "WAITAOF"];

/// They may wait for a stream, if they are told to.
pub const STREAMS: [&str; 2] = ["XREAD", "XREADGROUP"];

/// They hear of what others do, for as long as they like.
pub const LISTENING: [&str; 4] = ["SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR"];

/// Whether a command of this name, in capitals, is any of them.
pub fn waits_on_purpose(name: &str) -> bool {
    BLOCKING.contains(&name) || STREAMS.contains(&name) || LISTENING.contains(&name)
}

/// Whether a command as it is sent waits until something happens: by its name, or as it asks a stream to.
pub fn blocks<A: AsRef<[u8]>>(args: &[A]) -> bool {
    let Some(name) = args.first().map(AsRef::as_ref) else { return false };
    let is = |known: &&str| name.eq_ignore_ascii_case(known.as_bytes());
    if !STREAMS.iter().any(is) {
        return BLOCKING.iter().any(is);
    }
    // What comes after is called by whoever made it.
    let mut options =
        args[1..].iter().map(AsRef::as_ref).take_while(|word| !word.eq_ignore_ascii_case(b"STREAMS"));
    options.any(|word| word.eq_ignore_ascii_case(b"BLOCK"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_waited_for_where_that_is_asked_and_not_where_a_stream_is_called_so() {
        let words = |line: &'static str| line.split(' ').collect::<Vec<_>>();
        for line in [
            "blpop q 0",
            "WAIT 1 0",
            "xread COUNT 2 block 5 STREAMS s 0",
            "XREADGROUP GROUP g c BLOCK 0 STREAMS s >",
        ] {
            assert!(blocks(&words(line)), "{line}");
        }
        for line in ["LPOP q", "XREAD STREAMS block 0", "xread count 2 streams s 0", ""] {
            assert!(!blocks(&words(line)), "{line}");
        }
        assert!(!blocks::<&str>(&[]));
        assert!(
            ["XREAD", "MONITOR", "WAITAOF"].into_iter().all(waits_on_purpose) && !waits_on_purpose("GET")
        );
    }
}

//! The head of a request, as far as it matters here.

/// The longest head that is read: a browser's is a tenth of it.
const LONGEST: usize = 8 * 1024;

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The metrics, or no more than their head.
    Metrics {
        /// HEAD.
        head: bool,
    },
    /// Another path.
    Elsewhere,
    /// Neither GET nor HEAD.
    OtherMethod,
    /// A head longer than any.
    TooLong,
    /// No HTTP/1.
    Nonsense,
}

/// What a request asks for, once its head has come whole; or that it never will.
pub(super) fn head(taken: &[u8]) -> Option<Asked> {
    let line = taken.iter().position(|byte| *byte == b'\n').map(|end| &taken[..end]);
    let asked = line.map(request);
    match asked {
        // There is no need to hear it out.
        Some(Asked::Nonsense) => Some(Asked::Nonsense),
        Some(asked) if ends(taken) => Some(asked),
        _ if taken.len() >= LONGEST => Some(if line.is_some() { Asked::TooLong } else { Asked::Nonsense }),
        _ => None,
    }
}

/// Whether there is an empty line.
fn ends(taken: &[u8]) -> bool {
    taken.windows(2).any(|two| two == b"\n\n") || taken.windows(4).any(|four| four == b"\r\n\r\n")
}

fn request(line: &[u8]) -> Asked {
    let words = std::str::from_utf8(line).ok().map(|line| line.trim_end_matches('\r').split(' '));
    let mut words = words.into_iter().flatten();
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Asked::Nonsense;
    };
    if !version.starts_with("HTTP/1.") || !target.starts_with('/') {
        return Asked::Nonsense;
    }
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    match method {
        "GET" | "HEAD" if path != "/metrics" => Asked::Elsewhere,
        "GET" => Asked::Metrics { head: false },
        "HEAD" => Asked::Metrics { head: true },
        _ => Asked::OtherMethod,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_request_is_understood_once_its_head_has_come() {
        for (asked, want) in [
            ("GET /metrics HTTP/1.1\r\n\r\n", Some(Asked::Metrics { head: false })),
            ("GET /metrics?a=b HTTP/1.0\r\nHost: x\r\n\r\n", Some(Asked::Metrics { head: false })),
            ("HEAD /metrics HTTP/1.1\n\n", Some(Asked::Metrics { head: true })),
            ("GET / HTTP/1.1\r\n\r\n", Some(Asked::Elsewhere)),
            ("GET /metricsx HTTP/1.1\r\n\r\n", Some(Asked::Elsewhere)),
            ("POST /metrics HTTP/1.1\r\n\r\n", Some(Asked::OtherMethod)),
            ("GET /metrics HTTP/1.1\r\nHost: x\r\n", None),
            ("", None),
            ("PING\r\n", Some(Asked::Nonsense)),
            ("GET /metrics HTTP/2\r\n", Some(Asked::Nonsense)),
            ("GET http://a/metrics HTTP/1.1\r\n", Some(Asked::Nonsense)),
        ] {
            assert_eq!(head(asked.as_bytes()), want, "{asked:?}");
        }
    }

    #[test]
    fn a_head_without_an_end_is_not_read_for_ever() {
        let endless = [b"GET /metrics HTTP/1.1\r\n".as_slice(), &[b'a'; LONGEST]].concat();
        assert_eq!(head(&endless), Some(Asked::TooLong));
        assert_eq!(head(&[0xff; LONGEST]), Some(Asked::Nonsense));
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = head(&bytes);
        }
    }
}

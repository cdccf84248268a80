//! Standard input, no more of it than a server takes.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt};

/// The longest string a server takes, unless it is told otherwise; a command in one line is no longer.
pub(super) const LONGEST: u64 = 512 << 20;

/// All there is.
pub(super) async fn all(input: impl AsyncRead + Unpin, longest: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(longest + 1).read_to_end(&mut bytes).await?;
    within(&bytes, longest, "it is longer than 512 MiB, the longest string a server takes")?;
    Ok(bytes)
}

/// The next line with its end, into `line`; nothing at the end.
pub(super) async fn line(
    input: impl AsyncBufRead + Unpin,
    line: &mut Vec<u8>,
    longest: u64,
) -> io::Result<()> {
    line.clear();
    input.take(longest + 1).read_until(b'\n', line).await?;
    within(line, longest, "a line is longer than 512 MiB, the longest string a server takes")
}

fn within(bytes: &[u8], longest: u64, why: &str) -> io::Result<()> {
    if bytes.len() as u64 > longest { Err(io::Error::other(why)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_stops_where_it_is_too_much() {
        assert_eq!(all(&b"12345"[..], 5).await.unwrap(), b"12345");
        let error = all(tokio::io::repeat(b'x'), 1000).await.unwrap_err();
        assert!(error.to_string().contains("512 MiB"));
        let (mut input, mut got) = (&b"1234\n12\n123456"[..], Vec::new());
        line(&mut input, &mut got, 5).await.unwrap();
        assert_eq!(got, b"1234\n");
        line(&mut input, &mut got, 5).await.unwrap();
        assert_eq!(got, b"12\n");
        assert!(line(&mut input, &mut got, 5).await.unwrap_err().to_string().starts_with("a line"));
        line(&b""[..], &mut got, 5).await.unwrap();
        assert!(got.is_empty());
    }
}

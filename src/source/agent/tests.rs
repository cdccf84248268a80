use super::*;

async fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = Lines::new(bytes);
    let mut all = Vec::new();
    while let Some(line) = lines.next().await.expect("reading from memory") {
        all.push(line.to_vec());
    }
    all
}

#[tokio::test]
async fn lines_are_taken_whole_whatever_the_chunks() {
    let long = vec![b'x'; CHUNK * 3 + 17];
    let mut bytes = b"a\n\nbc\n".to_vec();
    bytes.extend_from_slice(&long);
    bytes.extend_from_slice(b"\nunfinished");
    assert_eq!(lines(&bytes).await, [b"a".to_vec(), Vec::new(), b"bc".to_vec(), long]);
}

#[tokio::test]
async fn nothing_is_taken_after_a_line_without_an_end() {
    let mut bytes = b"a\n".to_vec();
    bytes.extend(std::iter::repeat_n(b'x', LINE_BYTES * 3));
    let mut lines = Lines::new(&bytes[..]);
    assert_eq!(lines.next().await.expect("reading from memory"), Some(&b"a"[..]));
    assert_eq!(lines.next().await.expect("reading from memory"), None);
    assert!(lines.taken.len() <= LINE_BYTES + 2 * CHUNK, "{}", lines.taken.len());
}

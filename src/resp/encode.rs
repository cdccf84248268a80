//! Commands into bytes.

use bytes::{BufMut, BytesMut};

/// Appends a command as servers take it: an array of bulk strings.
pub fn encode<A: AsRef<[u8]>>(args: &[A], out: &mut BytesMut) {
    let bytes: usize = args.iter().map(|arg| arg.as_ref().len() + 16).sum();
    out.reserve(bytes + 16);
    header(b'*', args.len(), out);
    for arg in args {
        let arg = arg.as_ref();
        header(b'$', arg.len(), out);
        out.put_slice(arg);
        out.put_slice(b"\r\n");
    }
}

fn header(kind: u8, mut length: usize, out: &mut BytesMut) {
    // The longest usize has 20 digits.
    let mut text = [0; 24];
    let mut at = text.len() - 2;
    text[at..].copy_from_slice(b"\r\n");
    loop {
        at -= 1;
        text[at] = b'0' + (length % 10) as u8;
        length /= 10;
        if length == 0 {
            break;
        }
    }
    at -= 1;
    text[at] = kind;
    out.put_slice(&text[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_arrays_of_bulks() {
        let mut out = BytesMut::new();
        encode(&["SET", "a", ""], &mut out);
        encode::<&str>(&[], &mut out);
        assert_eq!(&out[..], b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$0\r\n\r\n*0\r\n");
        out.clear();
        encode(&[vec![b'x'; 12_345]], &mut out);
        assert!(out.starts_with(b"*1\r\n$12345\r\nxxx"));
        assert_eq!(out.len(), 4 + 8 + 12_345 + 2);
        header(b'$', usize::MAX, &mut out);
        assert!(out.ends_with(format!("${}\r\n", usize::MAX).as_bytes()));
    }
}

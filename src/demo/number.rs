//! Numbers as Redis reads and writes them.

/// Reads an integer as strictly as Redis: no blanks, no plus sign, no leading zero.
pub(crate) fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] => return (!negative).then_some(0),
        [b'1'..=b'9', ..] if digits.len() <= 19 => {}
        _ => return None,
    }
    let mut total: i64 = 0;
    for digit in digits {
        let digit = i64::from(digit.wrapping_sub(b'0'));
        if !(0..=9).contains(&digit) {
            return None;
        }
        // Built on the negative side, which reaches one further.
        total = total.checked_mul(10)?.checked_sub(digit)?;
    }
    if negative { Some(total) } else { total.checked_neg() }
}

/// The digits of `number`, in a buffer that fits every one.
pub(crate) fn format_i64(number: i64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut rest = number.unsigned_abs();
    let mut start = buffer.len();
    loop {
        start -= 1;
        buffer[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        start -= 1;
        buffer[start] = b'-';
    }
    &buffer[start..]
}

/// Reads a double: what `strtod` takes, except NaN, blanks around it, and hexadecimal.
pub(crate) fn parse_f64(text: &[u8]) -> Option<f64> {
    let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    // Rust reads a number too large as infinite, C reports it.
    let named = text.iter().any(|byte| matches!(byte, b'n' | b'N'));
    (!number.is_nan() && (number.is_finite() || named)).then_some(number)
}

/// The shortest text that reads back as `number`, in the layout of Redis 7.2 (its `fpconv_dtoa`).
pub(crate) fn format_f64(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    if number == 0.0 {
        return if number.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    // Whole numbers that an integer holds are written as one.
    if number.fract() == 0.0 && number.abs() < (1_u64 << 62) as f64 {
        return format!("{}", number as i64);
    }
    let scientific = format!("{:e}", number.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if number < 0.0 { "-" } else { "" };
    format!("{sign}{}", lay_out(&digits, exponent))
}

/// Places the point in `digits`, of which the first stands for 10^`exponent`.
fn lay_out(digits: &str, exponent: i32) -> String {
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    // The power of ten of the last digit.
    let last = exponent - count + 1;
    if last >= 0 && exponent.abs() < count + 7 {
        return format!("{digits}{}", "0".repeat(last.unsigned_abs() as usize));
    }
    if last < 0 && (last > -7 || exponent.abs() < 4) {
        return if exponent < 0 {
            format!("0.{}{digits}", "0".repeat((-exponent - 1).unsigned_abs() as usize))
        } else {
            let (whole, part) = digits.split_at((exponent + 1).unsigned_abs() as usize);
            format!("{whole}.{part}")
        };
    }
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{point}{rest}e{sign}{}", exponent.abs())
}

/// A decimal number with 17 places, exact where Redis's `long double` rounds: what INCRBYFLOAT adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal(i128);

const PLACES: i32 = 17;

impl Decimal {
    /// Reads digits with an optional point and exponent; `None` for anything else, or past 10^20.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let (negative, text) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() && part.is_empty() {
            return None;
        }
        let mut total: i128 = 0;
        let mut power = exponent.checked_add(i32::try_from(whole.len()).ok()?)?;
        for digit in whole.bytes().chain(part.bytes()) {
            if !digit.is_ascii_digit() {
                return None;
            }
            power -= 1;
            total = total.checked_add(place(i128::from(digit - b'0'), power + PLACES)?)?;
        }
        (total < 10_i128.pow(37)).then_some(Self(if negative { -total } else { total }))
    }

    pub(crate) fn plus(self, other: Self) -> Option<Self> {
        let sum = self.0.checked_add(other.0)?;
        (sum.unsigned_abs() < 10_u128.pow(37)).then_some(Self(sum))
    }

    /// The number without needless zeros.
    pub(crate) fn print(self) -> String {
        let unit = 10_u128.pow(PLACES as u32);
        let size = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let part = format!("{:017}", size % unit);
        let part = part.trim_end_matches('0');
        let point = if part.is_empty() { "" } else { "." };
        format!("{sign}{}{point}{part}", size / unit)
    }
}

/// `digit` × 10^`power`, rounding away what is below 1.
fn place(digit: i128, power: i32) -> Option<i128> {
    match power {
        _ if digit == 0 => Some(0),
        ..-1 => Some(0),
        -1 => Some(i128::from(digit >= 5)),
        _ => 10_i128.checked_pow(power.unsigned_abs())?.checked_mul(digit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_as_strictly_as_redis_reads_them() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("-0", None),
            ("01", None),
            ("+1", None),
            (" 1", None),
            ("1a", None),
            ("", None),
            ("-", None),
        ] {
            assert_eq!(parse_i64(text.as_bytes()), expected, "{text:?}");
        }
        for number in [0, 7, -7, i64::MIN, i64::MAX] {
            assert_eq!(format_i64(number, &mut [0; 20]), number.to_string().as_bytes());
        }
    }

    #[test]
    fn doubles_are_written_as_redis_7_2_writes_them() {
        for (number, text) in [
            (3.1, "3.1"),
            (3.0, "3"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (0.001, "0.001"),
            (1e-7, "1e-7"),
            (1e17, "100000000000000000"),
            (1e21, "1e+21"),
            (123_456_789_012.0, "123456789012"),
            (1.5e300, "1.5e+300"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(format_f64(number), text);
        }
    }

    #[test]
    fn doubles_are_read_without_nan_or_blanks() {
        assert_eq!(parse_f64(b"1e3"), Some(1000.0));
        assert_eq!(parse_f64(b"-inf"), Some(f64::NEG_INFINITY));
        for text in ["nan", " 1", "1 ", "", "abc", "1e999"] {
            assert_eq!(parse_f64(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn decimals_add_without_binary_rounding() {
        let sum = |a: &str, b: &str| {
            Decimal::parse(a.as_bytes()).unwrap().plus(Decimal::parse(b.as_bytes()).unwrap()).unwrap().print()
        };
        assert_eq!(sum("10.5", "0.1"), "10.6");
        assert_eq!(sum("5.0e3", "200"), "5200");
        assert_eq!(sum("-0.5", "0.25"), "-0.25");
        assert_eq!(sum("1", "-1"), "0");
        assert_eq!(Decimal::parse(b"1e30"), None);
        assert_eq!(Decimal::parse(b"1.x"), None);
        assert_eq!(Decimal::parse(b"."), None);
    }
}

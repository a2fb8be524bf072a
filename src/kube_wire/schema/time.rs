//! RFC 3339 times as `metav1.Time` and `MicroTime` write and read them.
//!
//! A grammar check with the calendar's limits; no instant is computed. Narrower than Go's parser: upper
//! case, a point before the fraction, no offset past 23:59, no leap second.

/// `YYYY-MM-DDTHH:MM:SS`, then a fraction of up to nine digits, then `Z` or an offset.
pub(super) fn is_rfc3339(text: &str) -> bool {
    parse(text.as_bytes()).is_some()
}

fn parse(text: &[u8]) -> Option<()> {
    let (&[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', ref clock @ ..], rest) =
        text.split_first_chunk::<19>()?
    else {
        return None;
    };
    let century = two_digits([y0, y1], 99)?;
    let year_of_century = two_digits([y2, y3], 99)?;
    let month = two_digits([m0, m1], 12)?;
    let day = two_digits([d0, d1], days(century, year_of_century, month)?)?;
    if day == 0 {
        return None;
    }
    let &[h0, h1, b':', n0, n1, b':', s0, s1] = clock else { return None };
    two_digits([h0, h1], 23)?;
    two_digits([n0, n1], 59)?;
    two_digits([s0, s1], 59)?;
    zone(fraction(rest)?)
}

/// Steps over a fraction, if there is one.
fn fraction(text: &[u8]) -> Option<&[u8]> {
    let Some(digits) = text.strip_prefix(b".") else { return Some(text) };
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    // Go keeps nanoseconds.
    if matches!(length, 1..=9) { digits.get(length..) } else { None }
}

fn zone(text: &[u8]) -> Option<()> {
    match *text {
        [b'Z'] => Some(()),
        [b'+' | b'-', h0, h1, b':', m0, m1] => {
            two_digits([h0, h1], 23)?;
            two_digits([m0, m1], 59).map(drop)
        }
        _ => None,
    }
}

/// The number that two digits make, if not past `largest`.
fn two_digits(digits: [u8; 2], largest: u8) -> Option<u8> {
    let [tens, ones] = digits.map(|byte| byte.wrapping_sub(b'0'));
    if tens > 9 || ones > 9 {
        return None;
    }
    let number = tens.wrapping_mul(10).wrapping_add(ones);
    (number <= largest).then_some(number)
}

fn days(century: u8, year_of_century: u8, month: u8) -> Option<u8> {
    // Divisible by four, and full centuries by four hundred.
    let divisor = if year_of_century == 0 { century } else { year_of_century };
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 if divisor.trailing_zeros() >= 2 => Some(29),
        2 => Some(28),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::is_rfc3339;

    #[test]
    fn times_that_go_writes_pass() {
        for text in [
            "2026-11-21T08:00:00Z",
            "2026-11-21T08:00:00.123456Z",
            "2026-11-21T08:00:00.123456789+01:00",
            "2024-02-29T23:59:59-11:30",
            "2000-02-29T00:00:00Z",
            "0001-01-01T00:00:00Z",
        ] {
            assert!(is_rfc3339(text), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "2026-11-21",
            "2026-11-21T08:00:00",
            "2026-11-21 08:00:00Z",
            "2026-11-21t08:00:00Z",
            "2026-11-21T08:00:00z",
            "2026-13-21T08:00:00Z",
            "2026-00-21T08:00:00Z",
            "2026-11-31T08:00:00Z",
            "2026-11-00T08:00:00Z",
            "2025-02-29T08:00:00Z",
            "1900-02-29T08:00:00Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T08:60:00Z",
            "2026-11-21T08:00:60Z",
            "2026-11-21T08:00:00.Z",
            "2026-11-21T08:00:00,5Z",
            "2026-11-21T08:00:00.1234567890Z",
            "2026-11-21T08:00:00+1:00",
            "2026-11-21T08:00:00+24:00",
            "2026-11-21T08:00:00+01:60",
            "2026-11-21T08:00:00+0100",
            "2026-11-21T08:00:00ZZ",
            "+026-11-21T08:00:00Z",
            "２026-11-21T08:00:00Z",
        ] {
            assert!(!is_rfc3339(text), "{text}");
        }
    }
}

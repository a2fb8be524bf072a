//! Amounts as `resource.Quantity` writes them, exact enough to compare.

use crate::kube_wire::pod_view::Quantity;

/// Digits behind the point that count: those of the smallest suffix, `n`.
const DECIMALS: u32 = 9;

/// An amount in billionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Amount(i128);

impl Amount {
    /// An amount of a pod.
    pub(super) fn of(quantity: Quantity<'_>) -> Option<Self> {
        match quantity {
            Quantity::Text(text) | Quantity::Number(text) => Self::parse(text),
            Quantity::Integer(number) => Self::scaled(number.into(), 10, DECIMALS, 0),
        }
    }

    /// `None` for what is no amount, or one that is far beyond anything.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (sign, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let is_number = |character: char| character.is_ascii_digit() || character == '.';
        let end = unsigned.find(|character| !is_number(character)).unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at_checked(end)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        let fraction = u32::try_from(fraction.len()).ok()?;
        let amount = match suffix.strip_suffix('i') {
            Some(binary) => {
                let step =
                    u32::try_from("KMGTPE".find(binary).filter(|_| binary.len() == 1)?).ok()?;
                let factor = 1024_i128.checked_pow(step.checked_add(1)?)?;
                Self::scaled(digits.checked_mul(factor)?, 10, DECIMALS, fraction)?
            }
            None => {
                let exponent = decimal_exponent(suffix)?;
                let raised = i64::from(DECIMALS).checked_add(exponent)?;
                match u32::try_from(raised) {
                    Ok(raised) => Self::scaled(digits, 10, raised, fraction)?,
                    // Below a billionth it is rounded up, as Go does.
                    Err(_) => Self(i128::from(digits != 0)),
                }
            }
        };
        Some(Self(amount.0.checked_mul(sign)?))
    }

    /// Is it more than nothing?
    pub(super) fn is_positive(&self) -> bool {
        self.0 > 0
    }

    /// Is it no more than the other?
    pub(super) fn is_at_most(&self, other: &Self) -> bool {
        self.0 <= other.0
    }

    /// `digits · base^raised / 10^lowered`, rounded up.
    fn scaled(digits: i128, base: i128, raised: u32, lowered: u32) -> Option<Self> {
        let raised = digits.checked_mul(base.checked_pow(raised)?)?;
        let divisor = 10_i128.checked_pow(lowered)?;
        let remainder = raised.checked_rem(divisor)?;
        let whole = raised.checked_div(divisor)?;
        whole.checked_add(i128::from(remainder > 0)).map(Self)
    }
}

fn decimal_exponent(suffix: &str) -> Option<i64> {
    Some(match suffix {
        "" => 0,
        "n" => -9,
        "u" => -6,
        "m" => -3,
        "k" => 3,
        "M" => 6,
        "G" => 9,
        "T" => 12,
        "P" => 15,
        "E" => 18,
        exponent => exponent.strip_prefix(['e', 'E'])?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_compare_by_value_and_not_by_spelling() {
        for (less, more) in [
            ("500m", "1"),
            ("1", "1000m"),
            ("0.5", "500m"),
            ("64Mi", "0.1Gi"),
            ("1G", "1Gi"),
            ("1e3", "1k"),
            ("1E", "1Ei"),
            ("-1", "0"),
            ("1n", "2n"),
            ("1000n", "1u"),
            ("1000u", "1m"),
            ("1024", "1Ki"),
            ("1.5Gi", "1536Mi"),
            ("0e-12", "0"),
        ] {
            let [less, more] = [less, more].map(|text| Amount::parse(text).unwrap());
            assert!(less.is_at_most(&more), "{less:?} {more:?}");
        }
        // Below a billionth it is rounded up, and stays more than nothing.
        assert!(Amount::parse("1e-12").unwrap().is_positive());
        assert!(!Amount::parse("0e-12").unwrap().is_positive());
        let [above, one] = ["1.0000000001", "1"].map(|text| Amount::parse(text).unwrap());
        assert!(!above.is_at_most(&one));
        assert!(!Amount::parse("1001m").unwrap().is_at_most(&Amount::parse("1").unwrap()));
        assert!(!Amount::parse("1Gi").unwrap().is_at_most(&Amount::parse("1G").unwrap()));
    }

    #[test]
    fn what_is_no_amount_or_beyond_all_bounds_is_none() {
        for text in ["", "x", "1x", "1 Gi", "1Gib", "i", "1e99", "9999999999999999999999999999999E"]
        {
            assert_eq!(Amount::parse(text), None, "{text}");
        }
    }
}

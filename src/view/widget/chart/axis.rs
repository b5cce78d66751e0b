//! Where an axis has its marks: round numbers in steps of 1, 2 or 5 times a power of ten.

/// Marks from `low` up to the first at or above `high`, at most `most` steps apart, in the smallest fitting step.
pub fn ticks(low: f64, high: f64, most: usize) -> Vec<f64> {
    let span = high - low;
    if !span.is_finite() || span <= 0.0 || most == 0 {
        return vec![low];
    }
    let rough = span / most as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| span / step <= most as f64 + 1e-9)
        .unwrap_or(power * 10.0);
    let count = (span / step - 1e-9).ceil() as usize;
    (0..=count).map(|index| low + step * index as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_cover_the_range() {
        assert_eq!(ticks(0.0, 21.3, 5), [0.0, 5.0, 10.0, 15.0, 20.0, 25.0]);
        assert_eq!(ticks(0.0, 100.0, 4), [0.0, 50.0, 100.0]);
        assert_eq!(ticks(0.0, 0.9, 3), [0.0, 0.5, 1.0]);
        assert_eq!(ticks(0.0, 14.4, 2), [0.0, 10.0, 20.0]);
    }

    #[test]
    fn a_range_of_nothing_has_one_mark() {
        assert_eq!(ticks(1.0, 1.0, 5), [1.0]);
        assert_eq!(ticks(0.0, f64::NAN, 5), [0.0]);
        assert_eq!(ticks(0.0, f64::INFINITY, 5), [0.0]);
    }
}

//! Traffic in closed form: how many events passed by a moment, for any moment, at once.
//!
//! A [`Flow`] is a mean rate with waves on it (the day, and some unrest); its integral is known. [`Steps`]
//! weigh it piecewise (an error ratio, a bucket's share) and remember the sums at their bounds, so a
//! counter costs one search and two sines however long the window. All times are story seconds:
//! seconds since the world's anchor, negative in the past.

use std::f64::consts::TAU;

/// One wave on a rate: `amplitude · cos(2π·s/period + phase)`, relative to the mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wave {
    /// Share of the mean in [0, 1); all waves of a flow together stay below 1, so that it never runs backwards.
    pub amplitude: f64,
    /// Seconds.
    pub period: f64,
    /// Radians at story second zero.
    pub phase: f64,
}

impl Wave {
    fn angle(self, s: f64) -> f64 {
        TAU * s / self.period + self.phase
    }

    /// The wave's height.
    pub fn at(self, s: f64) -> f64 {
        self.amplitude * self.angle(s).cos()
    }

    fn integral(self, s: f64) -> f64 {
        self.amplitude * self.period / TAU * self.angle(s).sin()
    }
}

/// Events per second over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    mean: f64,
    waves: Vec<Wave>,
}

impl Flow {
    /// A mean rate (events per second) with waves.
    pub fn new(mean: f64, waves: Vec<Wave>) -> Self {
        Self { mean, waves }
    }

    /// Events between two moments.
    pub fn events(&self, from: f64, to: f64) -> f64 {
        let waves: f64 = self.waves.iter().map(|w| w.integral(to) - w.integral(from)).sum();
        (self.mean * (to - from + waves)).max(0.0)
    }

    /// Events per second at a moment.
    pub fn rate(&self, s: f64) -> f64 {
        self.mean * (1.0 + self.waves.iter().map(|w| w.at(s)).sum::<f64>())
    }
}

/// A value that holds from each bound to the next.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Levels(Vec<(f64, f64)>);

impl Levels {
    /// One value for ever.
    pub fn flat(value: f64) -> Self {
        Self(vec![(f64::NEG_INFINITY, value)])
    }

    /// From `s` on, `value`. Bounds are given in order.
    pub fn then(&mut self, s: f64, value: f64) {
        self.0.push((s, value));
    }

    /// The value at a moment; zero before the first bound.
    pub fn at(&self, s: f64) -> f64 {
        let after = self.0.partition_point(|(from, _)| *from <= s);
        after
            .checked_sub(1)
            .and_then(|i| self.0.get(i))
            .map_or(0.0, |(_, value)| *value)
    }

    /// Both at once: the sum at every moment.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let mut bounds: Vec<f64> = self.0.iter().chain(&other.0).map(|(from, _)| *from).collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        Self(
            bounds
                .into_iter()
                .map(|s| (s, self.at(s) + other.at(s)))
                .collect(),
        )
    }

    /// So many times as much.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        Self(self.0.iter().map(|(s, value)| (*s, value * factor)).collect())
    }

    /// Where it changes.
    pub fn bounds(&self) -> impl Iterator<Item = f64> + '_ {
        self.0.iter().map(|(from, _)| *from).filter(|s| s.is_finite())
    }
}

/// A flow weighed piecewise, with the sums at the bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Steps(Vec<Step>);

#[derive(Debug, Clone, Copy, PartialEq)]
struct Step {
    from: f64,
    weight: f64,
    before: f64,
}

impl Steps {
    /// Weighs `flow` from `begin` on, by `weight` at each of the sorted `bounds`.
    pub fn new(flow: &Flow, begin: f64, bounds: &[f64], weight: impl Fn(f64) -> f64) -> Self {
        let mut steps = vec![Step {
            from: begin,
            weight: weight(begin),
            before: 0.0,
        }];
        for &bound in bounds.iter().filter(|b| **b > begin) {
            let next = weight(bound);
            if let Some(last) = steps.last().copied()
                && (next - last.weight).abs() > f64::EPSILON
            {
                steps.push(Step {
                    from: bound,
                    weight: next,
                    before: last.before + last.weight * flow.events(last.from, bound),
                });
            }
        }
        Self(steps)
    }

    /// Events from the beginning to `s`.
    pub fn total(&self, flow: &Flow, s: f64) -> f64 {
        let after = self.0.partition_point(|step| step.from <= s);
        after
            .checked_sub(1)
            .and_then(|i| self.0.get(i))
            .map_or(0.0, |step| step.before + step.weight * flow.events(step.from, s))
    }
}

/// Noise without state: a well-mixed 64-bit hash (`SplitMix64`'s finaliser, Steele et al. 2014).
pub fn mix(seed: u64, salt: &str) -> u64 {
    let mut z = salt.bytes().fold(seed ^ 0x9e37_79b9_7f4a_7c15, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A share in [0, 1) from a seed and a name.
pub fn share(seed: u64, salt: &str) -> f64 {
    (mix(seed, salt) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wavy() -> Flow {
        Flow::new(
            10.0,
            vec![Wave {
                amplitude: 0.5,
                period: 600.0,
                phase: 1.0,
            }],
        )
    }

    #[test]
    fn events_are_the_integral_of_the_rate() {
        let flow = wavy();
        let summed: f64 = (0..30_000)
            .map(|i| flow.rate(f64::from(i) * 0.01 + 0.005) * 0.01)
            .sum();
        assert!((flow.events(0.0, 300.0) - summed).abs() < 1e-3);
    }

    #[test]
    fn levels_add_up_at_every_moment() {
        let (mut one, mut other) = (Levels::flat(1.0), Levels::flat(0.5));
        one.then(10.0, 2.0);
        other.then(5.0, 0.0);
        other.then(10.0, 4.0);
        let both = one.plus(&other.times(0.5));
        let told = [0.0, 5.0, 9.9, 10.0, 50.0].map(|s| both.at(s));
        assert_eq!(told, [1.25, 1.0, 1.0, 4.0, 4.0]);
    }

    #[test]
    fn weighed_sums_join_at_their_bounds() {
        let flow = wavy();
        let steps = Steps::new(&flow, -100.0, &[0.0, 50.0], |s| {
            if (0.0..50.0).contains(&s) { 0.5 } else { 1.0 }
        });
        let by_hand = flow.events(-100.0, 0.0) + 0.5 * flow.events(0.0, 50.0) + flow.events(50.0, 80.0);
        assert!((steps.total(&flow, 80.0) - by_hand).abs() < 1e-9);
        assert!(steps.total(&flow, -200.0) == 0.0);
    }
}

//! Comparisons in filters and queries: `age>10m`, `level>=warn`.

use std::cmp::Ordering;

/// How a value is to stand to a wanted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// Below it.
    Less,
    /// Below it, or it.
    LessEqual,
    /// It.
    Equal,
    /// Another.
    NotEqual,
    /// Above it, or it.
    MoreEqual,
    /// Above it.
    More,
}

impl Compare {
    /// By the sign that is written for it, where that is one of order.
    pub fn of(operator: &str) -> Option<Self> {
        match operator {
            "<" => Some(Self::Less),
            "<=" => Some(Self::LessEqual),
            ">=" => Some(Self::MoreEqual),
            ">" => Some(Self::More),
            _ => None,
        }
    }

    /// Whether it does, where this is how the value is ordered to the wanted one.
    pub fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Less => ordering.is_lt(),
            Self::LessEqual => ordering.is_le(),
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::MoreEqual => ordering.is_ge(),
            Self::More => ordering.is_gt(),
        }
    }
}

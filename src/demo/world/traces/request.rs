//! A request before its spans are made: what kind it is, which lines were written of it.

use super::super::incident::Chain;
use super::super::logs::Line;
use super::batch::{self, Batch};
use super::loom::MS;

/// What kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A page of the storefront.
    Page,
    /// An order that is placed.
    Order,
    /// An order for which checkout gets no connection.
    Denied,
    /// A charge.
    Charge,
    /// A charge that checkout does not confirm in time.
    ChargeFailed,
    /// A change of a cart.
    Cart,
    /// A search.
    Search,
    /// A search that waits for a segment.
    SlowSearch,
    /// A list of products.
    Products,
    /// A list of products of which a shard is late.
    ShardTimedOut,
    /// A reservation.
    Reserved,
    /// A reservation that meets a deadlock.
    Deadlock,
    /// A parcel's label, worked on after its order.
    Label,
    /// A quote that the carrier does not give.
    QuoteFailed,
    /// A sign-in.
    Token,
    /// Recommendations for which the model is loaded anew.
    ModelReload,
    /// A gift card.
    GiftCard,
    /// Points of a member; what asked for them never reports.
    Points,
    /// The batch.
    Batch,
    /// A request that a drill's incident breaks, and the way it takes.
    Struck(Chain),
}

impl Kind {
    /// Of the requests that a template is said of.
    pub(super) fn of(template: &str) -> Option<Self> {
        Some(match template {
            "request served" => Self::Page,
            "order placed" => Self::Order,
            "pool exhausted" | "retry" | "upstream answered 503" => Self::Denied,
            "charge authorised" => Self::Charge,
            "charge failed" => Self::ChargeFailed,
            "cart updated" => Self::Cart,
            "query answered" => Self::Search,
            "slow query" => Self::SlowSearch,
            "products read" => Self::Products,
            "shard timed out" => Self::ShardTimedOut,
            "stock reserved" => Self::Reserved,
            "reservation failed" => Self::Deadlock,
            "label printed" => Self::Label,
            "quote failed" => Self::QuoteFailed,
            "token issued" => Self::Token,
            "model reload" => Self::ModelReload,
            "card redeemed" => Self::GiftCard,
            "points booked" => Self::Points,
            _ => return None,
        })
    }

    /// The services that its spans may be of.
    pub fn services(self) -> &'static [&'static str] {
        match self {
            Self::Page => &[
                "storefront",
                "catalog",
                "recommendation",
                "cart",
                "search",
                "inventory",
                "checkout",
                "auth",
            ],
            Self::Order => &[
                "storefront",
                "auth",
                "checkout",
                "cart",
                "inventory",
                "catalog",
                "shipping",
                "payment",
                "giftcard",
                "loyalty",
            ],
            Self::Denied => &["storefront", "auth", "checkout", "cart"],
            Self::Charge => &["storefront", "payment"],
            Self::ChargeFailed => &["storefront", "payment", "checkout"],
            Self::Cart => &["storefront", "cart", "catalog"],
            Self::Search | Self::SlowSearch => &["storefront", "search", "catalog"],
            Self::Products | Self::ShardTimedOut => &["storefront", "catalog"],
            Self::Reserved | Self::Deadlock => &["storefront", "inventory"],
            Self::Label => &["shipping"],
            Self::QuoteFailed => &["storefront", "shipping"],
            Self::Token => &["storefront", "auth"],
            Self::ModelReload => &["storefront", "recommendation"],
            Self::GiftCard => &["storefront", "giftcard"],
            Self::Points => &["loyalty"],
            Self::Batch => &[batch::SERVICE, "catalog"],
            Self::Struck(chain) => chain.services(),
        }
    }

    /// Whether any of its spans may fail.
    pub fn may_fail(self) -> bool {
        matches!(
            self,
            Self::Denied
                | Self::ChargeFailed
                | Self::ShardTimedOut
                | Self::Deadlock
                | Self::QuoteFailed
                | Self::Batch
                | Self::Struck(_)
        )
    }
}

/// A request, before its spans are made.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Its trace id.
    pub id: u128,
    /// What kind.
    pub kind: Kind,
    /// The moment of its line, or its end where none was written; nanoseconds.
    pub at: i64,
    /// Its lines, the oldest first.
    pub lines: Vec<Line<'a>>,
    /// Which pod of its service.
    pub(super) pod: usize,
    /// What decides the rest.
    pub(super) dice: u64,
    /// An order that waits for a connection.
    pub(super) waits: bool,
    /// Set for the batch alone.
    pub(super) batch: Option<Batch>,
    /// Which strike of the incident broke it.
    pub(super) strike: Option<usize>,
}

impl Request<'_> {
    /// From when on it is known: since its first line, or its end where it has none.
    pub fn known(&self) -> i64 {
        let said = self.lines.first().map(|line| line.at);
        said.or(self.batch.map(Batch::end)).unwrap_or(self.at)
    }

    /// Which strike of the incident broke it.
    pub fn strike(&self) -> Option<usize> {
        self.strike
    }

    /// A length that no span of it exceeds, nanoseconds.
    pub fn longest(&self) -> i64 {
        match self.kind {
            Kind::Batch => batch::LENGTH,
            Kind::SlowSearch | Kind::ModelReload => 15_000 * MS,
            Kind::QuoteFailed | Kind::Denied | Kind::Struck(_) => 9_000 * MS,
            Kind::ChargeFailed => 5_000 * MS,
            Kind::Order if self.waits => 5_000 * MS,
            Kind::Page
            | Kind::Order
            | Kind::Charge
            | Kind::Cart
            | Kind::Search
            | Kind::Products
            | Kind::ShardTimedOut
            | Kind::Reserved
            | Kind::Deadlock
            | Kind::Label
            | Kind::Token
            | Kind::GiftCard
            | Kind::Points => 1_200 * MS,
        }
    }
}

//! The ways that requests take from the storefront to the service that answers them in the end.

/// A service on the way, and the call that it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hop {
    /// The service.
    pub service: &'static str,
    /// The method.
    pub method: &'static str,
    /// The route.
    pub route: &'static str,
}

/// A way, named after its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chain {
    /// Orders.
    Checkout,
    /// Charges of orders.
    Payment,
    /// Reservations of orders.
    Inventory,
    /// Quotes for orders.
    Shipping,
    /// Lists of products.
    Catalog,
    /// Changes of carts.
    Cart,
    /// Sign-ins.
    Auth,
}

const fn hop(service: &'static str, method: &'static str, route: &'static str) -> Hop {
    Hop {
        service,
        method,
        route,
    }
}

const SHOP: Hop = hop("storefront", "POST", "/api/checkout");
const ORDER: Hop = hop("checkout", "POST", "/v1/orders");
const CHECKOUT: [Hop; 2] = [SHOP, ORDER];
const PAYMENT: [Hop; 3] = [SHOP, ORDER, hop("payment", "POST", "/v1/charges")];
const INVENTORY: [Hop; 3] = [SHOP, ORDER, hop("inventory", "POST", "/v1/reservations")];
const SHIPPING: [Hop; 3] = [SHOP, ORDER, hop("shipping", "GET", "/v1/quotes")];
const CATALOG: [Hop; 2] = [
    hop("storefront", "GET", "/category/{name}"),
    hop("catalog", "GET", "/v1/products"),
];
const CART: [Hop; 2] = [
    hop("storefront", "POST", "/api/cart"),
    hop("cart", "POST", "/v1/carts/{id}/items"),
];
const AUTH: [Hop; 2] = [
    hop("storefront", "POST", "/api/sign-in"),
    hop("auth", "POST", "/v1/tokens"),
];

impl Chain {
    /// The services on the way, the storefront first.
    pub fn hops(self) -> &'static [Hop] {
        match self {
            Self::Checkout => &CHECKOUT,
            Self::Payment => &PAYMENT,
            Self::Inventory => &INVENTORY,
            Self::Shipping => &SHIPPING,
            Self::Catalog => &CATALOG,
            Self::Cart => &CART,
            Self::Auth => &AUTH,
        }
    }

    /// The services that the spans of such a request may be of.
    pub fn services(self) -> &'static [&'static str] {
        match self {
            Self::Checkout => &["storefront", "auth", "checkout", "cart"],
            Self::Payment => &["storefront", "auth", "checkout", "cart", "payment"],
            Self::Inventory => &["storefront", "auth", "checkout", "cart", "inventory"],
            Self::Shipping => &["storefront", "auth", "checkout", "cart", "shipping"],
            Self::Catalog => &["storefront", "catalog"],
            Self::Cart => &["storefront", "cart"],
            Self::Auth => &["storefront", "auth"],
        }
    }

    /// The way to a service.
    pub fn to(service: &str) -> Self {
        match service {
            "payment" => Self::Payment,
            "inventory" => Self::Inventory,
            "shipping" => Self::Shipping,
            "catalog" => Self::Catalog,
            "cart" => Self::Cart,
            "auth" => Self::Auth,
            _ => Self::Checkout,
        }
    }
}

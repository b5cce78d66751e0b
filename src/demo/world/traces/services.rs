//! Requests that are about one service behind the storefront.

use super::loom::{Call, Loom, MS, Node, Place, get, post};
use super::orders::{acquirer, carrier, messaging, reserve};
use super::pages::asked;
use super::span::{SpanKind, Trace};
use super::{Request, millis, number_after};

/// The storefront and the service it asks, which takes until the request's moment.
fn one(
    loom: &mut Loom<'_>,
    request: &Request<'_>,
    (route, service, call): (Call, &'static str, Call),
    took: i64,
) -> (Node, Node) {
    let place = Place {
        service,
        pod: request.pod,
    };
    // The line tells its own host's time.
    let end = request.at - place.skew();
    let front = loom.some("storefront");
    let root = loom.answer(None, front, route, (end - took - 4 * MS, end + 3 * MS));
    let node = asked(loom, root, place, call, (end - took, end));
    (root, node)
}

/// A length around a median, as the metrics' latencies are spread.
fn around(loom: &mut Loom<'_>, median: f64) -> i64 {
    let u = loom.share().clamp(0.001, 0.999);
    millis(median * (u / (1.0 - u)).powf(0.25))
}

/// A cart is changed.
pub fn cart(mut loom: Loom<'_>, request: &Request<'_>, text: &str) -> Trace {
    let took = millis(number_after(text, "items in").unwrap_or(30.0));
    let (route, call) = (post("/api/cart"), post("/v1/carts/{id}/items"));
    let (_, cart) = one(&mut loom, request, (route, "cart", call), took);
    loom.cache(cart, "HGETALL", (0.05, 0.2));
    let to = loom.some("catalog");
    let price = loom.call(cart, to, get("/v1/prices"), (0.25, 0.75));
    loom.query(
        price,
        "SELECT id, cents FROM prices WHERE id = ANY($1)",
        (0.2, 0.8),
    );
    loom.cache(cart, "HSET", (0.8, 0.95));
    loom.done()
}

/// A charge outside of an order's request.
pub fn charge(mut loom: Loom<'_>, request: &Request<'_>, text: &str) -> Trace {
    let took = millis(number_after(text, "authorised in").unwrap_or(120.0));
    let (route, call) = (post("/api/pay"), post("/v1/charges"));
    let (_, charge) = one(&mut loom, request, (route, "payment", call), took);
    loom.query(charge, "INSERT INTO charges VALUES ($1, $2, $3)", (0.04, 0.14));
    let time = loom.part(charge, (0.16, 0.84));
    acquirer(&mut loom, charge, time);
    loom.query(
        charge,
        "UPDATE charges SET state = $2 WHERE id = $1",
        (0.86, 0.96),
    );
    loom.done()
}

const HOLD: (Call, &str, Call) = (post("/api/cart/hold"), "inventory", post("/v1/reservations"));

/// Stock is held for a cart.
pub fn reserved(mut loom: Loom<'_>, request: &Request<'_>) -> Trace {
    let took = around(&mut loom, 35.0);
    let (_, stock) = one(&mut loom, request, HOLD, took);
    reserve(&mut loom, stock);
    loom.done()
}

/// Stock is not held: two transactions wait for each other.
pub fn deadlock(mut loom: Loom<'_>, request: &Request<'_>, text: &str) -> Trace {
    let took = around(&mut loom, 180.0);
    let (root, stock) = one(&mut loom, request, HOLD, took);
    loom.query(
        stock,
        "SELECT left FROM stock WHERE sku = ANY($1) FOR UPDATE",
        (0.05, 0.2),
    );
    let update = loom.query(
        stock,
        "UPDATE stock SET left = left - $2 WHERE sku = $1",
        (0.22, 0.98),
    );
    loom.set(update, "db.response.status_code", "40P01");
    loom.throw(update, "pq.Error", "deadlock detected", DEADLOCK);
    let message = text
        .split_once("\"msg\":\"")
        .and_then(|(_, rest)| rest.split('"').next());
    loom.refuse_asker(stock, 500, message.unwrap_or("deadlock detected").to_owned());
    loom.refuse(root, 500, "stock could not be held");
    loom.done()
}

const DEADLOCK: &str = "pq.Error: deadlock detected (40P01)\n\
    \tshop/inventory/stock.(*Store).Reserve(store.go:132)\n\
    \tshop/inventory/api.(*Handler).Reserve(handler.go:47)";

/// The carrier gives no quote.
pub fn quote_failed(mut loom: Loom<'_>, request: &Request<'_>, text: &str) -> Trace {
    let took = millis(number_after(text, "502 after").unwrap_or(1_200.0));
    let (route, call) = (get("/api/shipping"), get("/v1/quotes"));
    let (root, quote) = one(&mut loom, request, (route, "shipping", call), took + 2 * MS);
    let (_, end) = loom.time(quote);
    let asked = carrier(&mut loom, quote, (end - took, end - MS / 8));
    loom.refuse(asked, 502, "502 Bad Gateway");
    loom.refuse_asker(quote, 502, "no quote from https://carrier.example/v2/quotes");
    loom.refuse(root, 502, "upstream answered 502");
    loom.done()
}

/// Somebody signs in.
pub fn token(mut loom: Loom<'_>, request: &Request<'_>) -> Trace {
    let took = around(&mut loom, 20.0);
    let (route, call) = (post("/api/sign-in"), post("/v1/tokens"));
    let (_, token) = one(&mut loom, request, (route, "auth", call), took);
    loom.query(token, "SELECT hash FROM subjects WHERE name = $1", (0.05, 0.3));
    loom.inside(token, "argon2.verify", (0.32, 0.85));
    loom.cache(token, "SETEX", (0.87, 0.97));
    loom.done()
}

/// A gift card is redeemed.
pub fn gift_card(mut loom: Loom<'_>, request: &Request<'_>) -> Trace {
    let took = around(&mut loom, 50.0);
    let (route, call) = (post("/api/giftcards"), post("/v1/redemptions"));
    let (_, card) = one(&mut loom, request, (route, "giftcard", call), took);
    loom.cache(card, "DECRBY", (0.3, 0.8));
    loom.done()
}

/// Points of a member. What sent the message never reported its span.
pub fn points(mut loom: Loom<'_>, request: &Request<'_>) -> Trace {
    let place = Place {
        service: "loyalty",
        pod: request.pod,
    };
    let (end, took) = (request.at, around(&mut loom, 40.0));
    let work = loom.open(
        None,
        place,
        (SpanKind::Consumer, "points process"),
        (end - took, end),
    );
    messaging(&mut loom, work, "points", "process");
    loom.lose_parent(work);
    loom.cache(work, "INCRBY", (0.3, 0.7));
    loom.done()
}

//! Good orders, and what hangs on them: every service asked once, messages sent, labels printed.

use super::loom::{Call, Loom, MS, Node, Place, get, post};
use super::span::{SpanKind, Trace};
use super::{Kind, Request, Traces, millis, number_after, word_after};

/// An order is placed with checkout.
pub(super) const PLACE_ORDER: Call = post("/v1/orders");
/// The buyer places it with the storefront.
pub(super) const CHECKOUT: Call = post("/api/checkout");

impl Traces {
    /// A good order, all of its services asked.
    pub(super) fn order(&self, mut loom: Loom<'_>, request: &Request<'_>, text: &str) -> Trace {
        let work = number_after(text, "\"duration_ms\"").map_or_else(
            || {
                let u = loom.share().clamp(0.001, 0.999);
                // The quantile of the metrics' latencies.
                90.0 * (u / (1.0 - u)).powf(0.25)
            },
            f64::from,
        );
        let wait = if request.waits {
            900.0 + loom.share() * 1_050.0
        } else {
            0.0
        };
        let (length, end) = (millis(work + wait), request.at);
        let start = end - length;
        let (before, after) = (millis(work) / 6, millis(work) / 25);
        let front = loom.some("storefront");
        let root = loom.answer(None, front, CHECKOUT, (start - before - 2 * MS, end + after + MS));
        verify(&mut loom, root, (start - before, start - before / 3));
        let asking = loom.ask(
            root,
            "checkout",
            PLACE_ORDER,
            (start - before / 4, end + after / 2),
        );
        let place = Place {
            service: "checkout",
            pod: request.pod,
        };
        let order = loom.answer(Some(asking), place, PLACE_ORDER, (start, end));
        loom.set(order, "http.response.status_code", 201);
        if let Some(id) = word_after(text, "\"order_id\":\"") {
            loom.set(order, "order.id", id.to_owned());
        }
        // Shares of the work; the wait lies behind the first half of it.
        let cut = |from: f64, to: f64| {
            let at = |share: f64| (share * work + if share > 0.45 { wait } else { 0.0 }) / (work + wait);
            (at(from), at(to))
        };
        let cart = loom.some("cart");
        let cart = loom.call(order, cart, get("/v1/carts/{id}"), cut(0.01, 0.13));
        loom.cache(cart, "HGETALL", (0.2, 0.8));
        let stock = loom.some("inventory");
        let stock = loom.call(order, stock, post("/v1/reservations"), cut(0.14, 0.37));
        reserve(&mut loom, stock);
        let prices = loom.some("catalog");
        let prices = loom.call(order, prices, get("/v1/prices"), cut(0.14, 0.30));
        loom.query(
            prices,
            "SELECT id, cents FROM prices WHERE id = ANY($1)",
            (0.2, 0.8),
        );
        if loom.share() < self.quoted(request) {
            let shipping = loom.some("shipping");
            let quote = loom.call(order, shipping, get("/v1/quotes"), cut(0.14, 0.42));
            let time = loom.part(quote, (0.1, 0.9));
            carrier(&mut loom, quote, time);
        }
        let pool = loom.inside(order, "pool.acquire", cut(0.44, 0.455));
        loom.set(pool, "db.client.connection.pool.name", "primary");
        if request.waits {
            let (begin, _) = loom.time(pool);
            loom.event(pool, begin, "no free connection", vec![("pool.max", 50.into())]);
        }
        pay(&mut loom, order, cut(0.47, 0.80));
        loom.query(order, "INSERT INTO orders VALUES ($1, $2, $3)", cut(0.81, 0.88));
        loom.query(order, "COMMIT", cut(0.885, 0.93));
        self.publish(&mut loom, order, cut(0.94, 0.985));
        loom.done()
    }

    /// Half of the orders ask for a quote; what the carrier does not answer fails on its own.
    fn quoted(&self, request: &Request<'_>) -> f64 {
        let s = self.second_of(request.at) as f64;
        let fate = self.world.story().fate("shipping");
        fate.map_or(0.0, |fate| 0.5 * (1.0 - fate.errors.at(s)))
    }

    /// Tells the others of the order; loyalty, behind, works on a few when the buyer has long been answered.
    fn publish(&self, loom: &mut Loom<'_>, order: Node, cut: (f64, f64)) {
        let time = loom.part(order, cut);
        let place = loom.place(order);
        let sent = loom.open(Some(order), place, (SpanKind::Producer, "orders publish"), time);
        messaging(loom, sent, "orders", "send");
        let s = self.second_of(time.0) as f64;
        let share = |service: &str| {
            let fate = self.world.story().fate(service);
            fate.map_or(0.0, |fate| fate.service.rps * fate.traffic.at(s))
        };
        if loom.share() >= share("loyalty") / share("checkout").max(1.0) {
            return;
        }
        let start = time.1 + loom.number(120, 1_800) * MS;
        let end = start + loom.number(20, 90) * MS;
        let consumer = loom.some("loyalty");
        let work = loom.open(
            Some(sent),
            consumer,
            (SpanKind::Consumer, "orders process"),
            (start, end),
        );
        messaging(loom, work, "orders", "process");
        let (trace, span) = (loom.trace_id(), loom.span_id(sent));
        loom.link(work, trace, span);
        loom.cache(work, "INCRBY", (0.3, 0.7));
    }

    /// A parcel's label: a trace of its own, which says of which order it is.
    pub(super) fn label(&self, mut loom: Loom<'_>, request: &Request<'_>, text: &str) -> Trace {
        let place = Place {
            service: "shipping",
            pod: request.pod,
        };
        let end = request.at - place.skew();
        let start = end - millis(number_after(text, " in ").unwrap_or(80.0));
        let work = loom.open(None, place, (SpanKind::Consumer, "orders process"), (start, end));
        messaging(&mut loom, work, "orders", "process");
        loom.query(work, "SELECT * FROM parcels WHERE order_id = $1", (0.05, 0.3));
        loom.inside(work, "label.print", (0.32, 0.8));
        loom.query(work, "UPDATE parcels SET label = $2 WHERE id = $1", (0.82, 0.95));
        let before = self.second(self.second_of(start) - 3, Some("checkout"));
        let orders: Vec<_> = before.iter().filter(|other| other.kind == Kind::Order).collect();
        let picked = loom.draw() as usize % orders.len().max(1);
        if let Some(order) = orders.get(picked) {
            let trace = self.trace(order);
            let sent = trace.spans().find(|span| span.kind == SpanKind::Producer);
            if let Some(sent) = sent {
                loom.link(work, trace.id, sent.id);
            }
        }
        loom.done()
    }
}

/// The session is verified.
pub(super) fn verify(loom: &mut Loom<'_>, root: Node, time: (i64, i64)) {
    let call = post("/v1/verify");
    let asking = loom.ask(root, "auth", call, time);
    let within = loom.part(asking, (0.1, 0.9));
    let place = loom.some("auth");
    let verifying = loom.answer(Some(asking), place, call, within);
    loom.cache(verifying, "GET", (0.2, 0.8));
}

/// What is ordered is taken from the stock.
pub(super) fn reserve(loom: &mut Loom<'_>, stock: Node) {
    loom.query(
        stock,
        "SELECT left FROM stock WHERE sku = ANY($1) FOR UPDATE",
        (0.1, 0.5),
    );
    loom.query(
        stock,
        "UPDATE stock SET left = left - $2 WHERE sku = $1",
        (0.52, 0.9),
    );
}

/// The order is paid: by charge, or by gift card now and then.
fn pay(loom: &mut Loom<'_>, order: Node, cut: (f64, f64)) {
    if loom.share() < 0.07 {
        let place = loom.some("giftcard");
        let card = loom.call(order, place, post("/v1/redemptions"), cut);
        loom.cache(card, "DECRBY", (0.3, 0.8));
        return;
    }
    let place = loom.some("payment");
    let charge = loom.call(order, place, post("/v1/charges"), cut);
    loom.query(charge, "INSERT INTO charges VALUES ($1, $2, $3)", (0.04, 0.14));
    let time = loom.part(charge, (0.16, 0.84));
    acquirer(loom, charge, time);
    loom.query(
        charge,
        "UPDATE charges SET state = $2 WHERE id = $1",
        (0.86, 0.96),
    );
}

/// The acquirer, who is not traced, is asked.
pub(super) fn acquirer(loom: &mut Loom<'_>, charge: Node, time: (i64, i64)) -> Node {
    let hold = loom.ask(charge, "acquirer.example", post("/v2/holds"), time);
    loom.set(hold, "url.full", "https://acquirer.example/v2/holds");
    loom.set(hold, "server.port", 443);
    hold
}

/// The carrier, who is not traced, is asked.
pub(super) fn carrier(loom: &mut Loom<'_>, quote: Node, time: (i64, i64)) -> Node {
    let asked = loom.ask(quote, "carrier.example", get("/v2/quotes"), time);
    loom.set(asked, "url.full", "https://carrier.example/v2/quotes");
    loom.set(asked, "server.port", 443);
    asked
}

/// What spans of messages have.
pub(super) fn messaging(loom: &mut Loom<'_>, node: Node, queue: &'static str, operation: &'static str) {
    loom.set(node, "messaging.system", "kafka");
    loom.set(node, "messaging.destination.name", queue);
    loom.set(node, "messaging.operation.type", operation);
    loom.set(node, "peer.service", "kafka");
}

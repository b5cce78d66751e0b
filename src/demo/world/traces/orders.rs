//! Orders, and what hangs on them: the story's main thread as requests.
//!
//! A good order asks every service once. When checkout's pool is dry, attempt after attempt waits for a connection
//! until their time is up; the storefront, which tried before, answers 503 or keeps the order for later. Payment
//! gives up on checkout's confirmation, and takes the acquirer's answer with it.

use super::loom::{Call, Loom, MS, Node, Place, get, post};
use super::span::{SpanKind, Trace, Value};
use super::{Kind, Request, Traces, failing, millis, number_after, word_after};

const PLACE_ORDER: Call = post("/v1/orders");
const CHECKOUT: Call = post("/api/checkout");

/// What checkout's code was doing when it got no connection.
const STACK: &str = "*pool.ExhaustedError: pool primary exhausted\n\
    \tshop/checkout/pool.(*Pool).Acquire(pool.go:118)\n\
    \tshop/checkout/orders.(*Store).Write(store.go:74)\n\
    \tshop/checkout/orders.(*Handler).Place(handler.go:141)\n\
    \tnet/http.HandlerFunc.ServeHTTP(server.go:2294)";

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

    /// Checkout has no connection for the order.
    pub(super) fn denied(&self, mut loom: Loom<'_>, request: &Request<'_>) -> Trace {
        let (refused_at, refused) = self.said(request, "upstream answered 503");
        let (denied_at, denied) = self.said(request, "pool exhausted");
        let (retried_at, retried) = self.said(request, "retry");
        let length = millis(number_after(&refused, "duration=").unwrap_or(2_100.0));
        let waited = millis(number_after(&denied, "waited ").unwrap_or(2.0) * 1e3);
        let start = refused_at - length;
        let tries = number_after(&refused, "attempt=").map_or(1, |n| n as i64);
        // What was tried before was turned away at checkout's door.
        let mut turned_away = Vec::new();
        let mut begin = start;
        for _ in 1..tries {
            let from = begin - loom.number(110, 260) * MS;
            turned_away.push((from, from + loom.number(2, 9) * MS));
            begin = from;
        }
        let front = Place {
            service: "storefront",
            pod: request.pod,
        };
        let signing = loom.number(8, 20) * MS;
        let until = refused_at + loom.number(3, 14) * MS;
        let root = loom.answer(None, front, CHECKOUT, (begin - signing - 2 * MS, until));
        verify(&mut loom, root, (begin - signing, begin - signing / 4));
        for (nth, time) in turned_away.into_iter().rev().enumerate() {
            let away = loom.ask(root, "checkout", PLACE_ORDER, time);
            loom.set(away, "http.request.resend_count", nth as i64);
            loom.set(away, "http.response.header.x-envoy-overloaded", "true");
            loom.refuse(
                away,
                503,
                "upstream overflow: too many requests wait for checkout",
            );
        }
        let asking = loom.ask(root, "checkout", PLACE_ORDER, (start, refused_at));
        loom.set(asking, "http.request.resend_count", tries - 1);
        loom.refuse(asking, 503, "upstream answered 503");
        let place = Place {
            service: "checkout",
            pod: request.pod,
        };
        let lead = ((denied_at - waited - start) / 2).max(MS);
        let serving = (denied_at - waited - lead, denied_at);
        let order = loom.answer(Some(asking), place, PLACE_ORDER, serving);
        let message = word_of(&denied, "\"msg\":\"");
        loom.refuse(order, 503, message.to_owned());
        if let Some(id) = word_after(&denied, "\"order_id\":\"") {
            loom.set(order, "order.id", id.to_owned());
        }
        if lead > 4 * MS {
            let cart = loom.some("cart");
            let share = lead as f64 / (serving.1 - serving.0) as f64;
            let cart = loom.call(order, cart, get("/v1/carts/{id}"), (share * 0.1, share * 0.9));
            loom.cache(cart, "HGETALL", (0.2, 0.8));
        }
        writes(
            &mut loom,
            order,
            denied_at - waited,
            &(retried_at, retried),
            message,
        );
        self.answer_buyer(&mut loom, root, asking);
        loom.done()
    }

    /// Of the orders and charges that fail, so many are told to the buyer as errors as the storefront's metrics say;
    /// the others are kept for later.
    fn answer_buyer(&self, loom: &mut Loom<'_>, root: Node, failed: Node) {
        let (_, at) = loom.time(failed);
        let s = self.second_of(at) as f64;
        let rate = |service: &str| failing(self.world.story(), service, s);
        let told = rate("storefront") / (rate("checkout") + rate("payment")).max(f64::MIN_POSITIVE);
        if loom.share() < told {
            loom.refuse(root, 503, "checkout is not available");
            return;
        }
        let (_, end) = loom.time(root);
        loom.set(root, "http.response.status_code", 202);
        loom.event(
            root,
            at,
            "order kept for later",
            vec![("queue", "orders.parked".into())],
        );
        let place = loom.place(root);
        let name = (SpanKind::Producer, "orders.parked publish");
        let kept = loom.open(Some(root), place, name, (at + MS / 2, end - MS / 2));
        messaging(loom, kept, "orders.parked", "send");
    }

    /// Payment waits for checkout's confirmation in vain; the acquirer's answer is no longer waited for.
    pub(super) fn charge_failed(&self, mut loom: Loom<'_>, request: &Request<'_>, text: &str) -> Trace {
        let (end, waited) = (
            request.at,
            millis(number_after(text, "failed after").unwrap_or(2_000.0)),
        );
        let start = end - waited;
        let front = loom.some("storefront");
        let until = end + loom.number(3, 14) * MS;
        let root = loom.answer(None, front, post("/api/pay"), (start - 4 * MS, until));
        let charges = post("/v1/charges");
        let asking = loom.ask(root, "payment", charges, (start - 2 * MS, end + MS));
        let place = Place {
            service: "payment",
            pod: request.pod,
        };
        let charge = loom.answer(Some(asking), place, charges, (start, end));
        loom.query(charge, "INSERT INTO charges VALUES ($1, $2, $3)", (0.002, 0.008));
        let confirm = post("/v1/orders/{id}/confirm");
        // The exception says that 2,000 ms passed.
        let from = end - 2_000 * MS;
        let confirming = loom.ask(charge, "checkout", confirm, (from.max(start), end - MS / 2));
        loom.set(confirming, "error.type", "timeout");
        loom.set(confirming, "http.response.status_code", 0);
        loom.fail(confirming, "Read timed out");
        let checkout = loom.some("checkout");
        // Nobody waits for it any more, and it waits on.
        let outlasting = loom.number(40, 900) * MS;
        let order = loom.answer(
            Some(confirming),
            checkout,
            confirm,
            (from + 3 * MS, end + outlasting),
        );
        loom.refuse(order, 503, "pool primary exhausted");
        let pool = loom.inside(order, "pool.acquire", (0.002, 0.999));
        loom.set(pool, "db.client.connection.pool.name", "primary");
        loom.throw(pool, "*pool.ExhaustedError", "pool primary exhausted", STACK);
        let hold = post("/v2/holds");
        let asked = from + loom.number(200, 1_500) * MS;
        let holding = loom.ask(charge, "acquirer.example", hold, (asked, end - MS / 4));
        loom.set(holding, "error.type", "cancelled");
        loom.set(holding, "http.response.status_code", 0);
        loom.fail(holding, "context canceled");
        let (_, stack) = text.split_once('\n').unwrap_or_default();
        let message = "no answer from checkout within 2000ms";
        loom.throw(charge, "shop.payment.UpstreamTimeoutException", message, stack);
        loom.refuse(charge, 500, message);
        loom.refuse(asking, 500, "upstream answered 500");
        self.answer_buyer(&mut loom, root, asking);
        loom.done()
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
fn verify(loom: &mut Loom<'_>, root: Node, time: (i64, i64)) {
    let call = post("/v1/verify");
    let asking = loom.ask(root, "auth", call, time);
    let within = loom.part(asking, (0.1, 0.9));
    let place = loom.some("auth");
    let verifying = loom.answer(Some(asking), place, call, within);
    loom.cache(verifying, "GET", (0.2, 0.8));
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

/// The order is written in attempts, each of which waits for a connection; all their time is up at the end.
fn writes(loom: &mut Loom<'_>, order: Node, from: i64, retry: &(i64, String), message: &str) {
    let (retried_at, retried) = retry;
    let (_, end) = loom.time(order);
    let attempt = number_after(retried, "attempt ").map_or(2, |n| n as i64);
    let pause = millis(number_after(retried, " of 3 in").unwrap_or(100.0));
    let mut times = Vec::new();
    let (before, gap) = (attempt - 1, 90 * MS);
    let each = (retried_at - from - gap * (before - 1)) / before;
    for nth in 0..before {
        let start = from + nth * (each + gap);
        times.push((start, start + each));
    }
    let again = retried_at + pause;
    if again < end - 5 * MS {
        times.push((again, end - MS / 4));
    } else {
        loom.event(order, end, "no time left for another attempt", Vec::new());
    }
    let last = times.len() - 1;
    for (nth, time) in times.into_iter().enumerate() {
        let place = loom.place(order);
        let write = loom.open(Some(order), place, (SpanKind::Internal, "order.write"), time);
        loom.set(write, "attempt", nth as i64 + 1);
        let pool = loom.inside(write, "pool.acquire", (0.001, 0.999));
        loom.set(pool, "db.client.connection.pool.name", "primary");
        loom.set(
            pool,
            "db.client.connection.count",
            number_after(message, "exhausted").unwrap_or(50.0) as i64,
        );
        let waited = format!("no free connection within {} ms", (time.1 - time.0) / MS);
        loom.throw(
            pool,
            "*pool.ExhaustedError",
            if nth == last { message } else { &waited },
            STACK,
        );
        loom.fail(write, "no connection");
        let (_, at) = loom.time(write);
        if nth != last {
            loom.event(
                order,
                at,
                "retry",
                vec![("attempt", Value::Whole(nth as i64 + 2))],
            );
        }
    }
}

/// What stands between a key and the next quotation mark.
fn word_of<'t>(text: &'t str, key: &str) -> &'t str {
    let after = text.split_once(key).map_or("", |(_, rest)| rest);
    after.split('"').next().unwrap_or_default()
}

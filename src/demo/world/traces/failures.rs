//! Orders and charges that fail: the story's main thread as requests.
//!
//! When checkout's pool is dry, attempt after attempt waits for a connection until their time is up; the storefront,
//! which tried before, answers 503 or keeps the order for later. Payment gives up on checkout's confirmation, and
//! waits no longer for the acquirer's answer.

use super::loom::{Loom, MS, Node, Place, get, post};
use super::orders::{CHECKOUT, PLACE_ORDER, acquirer, messaging, verify};
use super::span::{SpanKind, Trace};
use super::{Request, Traces, failing, millis, number_after, word_after};

/// What checkout's code was doing when it got no connection.
const STACK: &str = "*pool.ExhaustedError: pool primary exhausted\n\
    \tshop/checkout/pool.(*Pool).Acquire(pool.go:118)\n\
    \tshop/checkout/orders.(*Store).Write(store.go:74)\n\
    \tshop/checkout/orders.(*Handler).Place(handler.go:141)\n\
    \tnet/http.HandlerFunc.ServeHTTP(server.go:2294)";

impl Traces {
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
            loom.set(away, "http.request.resend_count", nth);
            loom.set(away, "http.response.header.x-envoy-overloaded", true);
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
        loom.unset(confirming, "http.response.status_code");
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
        let asked = from + loom.number(200, 1_500) * MS;
        let holding = acquirer(&mut loom, charge, (asked, end - MS / 4));
        loom.set(holding, "error.type", "cancelled");
        loom.unset(holding, "http.response.status_code");
        loom.fail(holding, "context canceled");
        let (_, stack) = text.split_once('\n').unwrap_or_default();
        let message = "no answer from checkout within 2000ms";
        loom.throw(charge, "shop.payment.UpstreamTimeoutException", message, stack);
        loom.refuse(charge, 500, message);
        loom.refuse(asking, 500, "upstream answered 500");
        self.answer_buyer(&mut loom, root, asking);
        loom.done()
    }
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
        loom.set(write, "attempt", nth + 1);
        let pool = loom.inside(write, "pool.acquire", (0.001, 0.999));
        loom.set(pool, "db.client.connection.pool.name", "primary");
        loom.set(
            pool,
            "db.client.connection.count",
            number_after(message, "exhausted").unwrap_or(50.0) as i64,
        );
        // Attempts that fail alike are one failure, which began with the first.
        if nth == 0 {
            loom.breaks(pool);
        }
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
            loom.event(order, at, "retry", vec![("attempt", (nth + 2).into())]);
        }
    }
}

/// What stands between a key and the next quotation mark.
fn word_of<'t>(text: &'t str, key: &str) -> &'t str {
    let after = text.split_once(key).map_or("", |(_, rest)| rest);
    after.split('"').next().unwrap_or_default()
}

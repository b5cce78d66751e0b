//! Requests that an incident breaks: its strike says which way they take and what breaks at the end of it.
//!
//! The last service that is reached fails by itself, or with what it asks; everybody above it fails with it, a little
//! later. Moments and messages are those of the lines.

use super::super::incident::{Hop, Leaf, Strike};
use super::loom::{Call, Loom, MS, Node, Place};
use super::orders::verify;
use super::span::Trace;
use super::{Request, Traces};

/// Between the begins of two services on the way: what the upper one does first.
const LEAD: i64 = 16 * MS;
/// Between their ends.
const TRAIL: i64 = 8 * MS;

const STACK: &str =
    "\tshop/api.(*Handler).ServeHTTP(handler.go:61)\n\tnet/http.HandlerFunc.ServeHTTP(server.go:2294)";

fn call(hop: Hop) -> Call {
    Call {
        method: hop.method,
        route: hop.route,
    }
}

impl Traces {
    /// The trace of a request that a strike breaks.
    pub(super) fn struck(&self, mut loom: Loom<'_>, request: &Request<'_>, strike: &Strike) -> Trace {
        let hops = strike.failing();
        let Some(line) = request.lines.first() else {
            return loom.done();
        };
        let message = self.logs.message(line);
        let end = line.at;
        let took = loom.number(strike.took.0, strike.took.1) * MS;
        let start = end - took - 3 * MS;
        let mut asking: Option<Node> = None;
        let mut last: Option<Node> = None;
        for (index, hop) in hops.iter().enumerate() {
            let above = i64::from(strike.below(index));
            let time = (start - LEAD * above, end + TRAIL * above + MS / 2);
            let place = Place {
                service: hop.service,
                pod: request.pod,
            };
            let node = loom.answer(asking, place, call(*hop), time);
            if let Some(next) = hops.get(index + 1) {
                before_it_asks(&mut loom, node, *hop, time.0);
                let within = (time.0 + LEAD - 3 * MS, time.1 - TRAIL + 3 * MS);
                asking = Some(loom.ask(node, next.service, call(*next), within));
                let refusal = format!("upstream {} answered 503", next.service);
                loom.refuse(node, 503, refusal);
            }
            last = Some(node);
        }
        if let Some(node) = last {
            break_leaf(&mut loom, node, strike, &message, (start + MS, end));
            loom.refuse_asker(node, 503, message.clone());
            if strike.leaf == Leaf::Itself {
                loom.throw(node, strike.kind, &message, STACK);
            }
        }
        loom.done()
    }
}

/// The storefront verifies the session of who orders; checkout reads the cart.
fn before_it_asks(loom: &mut Loom<'_>, node: Node, hop: Hop, start: i64) {
    match (hop.service, hop.route) {
        ("storefront", "/api/checkout") => verify(loom, node, (start + MS, start + 11 * MS)),
        ("checkout", _) => {
            let cart = loom.some("cart");
            let get = super::loom::get("/v1/carts/{id}");
            let asking = loom.ask(node, "cart", get, (start + MS, start + 11 * MS));
            let within = loom.part(asking, (0.1, 0.9));
            let answering = loom.answer(Some(asking), cart, get, within);
            loom.cache(answering, "HGETALL", (0.2, 0.8));
        }
        _ => {}
    }
}

/// What breaks within the last service.
fn break_leaf(loom: &mut Loom<'_>, node: Node, strike: &Strike, message: &str, time: (i64, i64)) {
    // Shares of the span that answers.
    let (begin, end) = loom.time(node);
    let share = |at: i64| (at - begin) as f64 / (end - begin).max(1) as f64;
    let cut = (share(time.0), share(time.1));
    match strike.leaf {
        Leaf::Itself => {}
        Leaf::Statement(statement) => {
            let query = loom.query(node, statement, cut);
            loom.breaks(query);
            loom.throw(query, strike.kind, message, STACK);
        }
        Leaf::Cache(verb) => {
            let command = loom.cache(node, verb, cut);
            loom.breaks(command);
            loom.throw(command, strike.kind, message, STACK);
        }
        Leaf::Rebuild => {
            let (from, to) = cut;
            let miss = loom.cache(node, "GET", (from, from + (to - from) * 0.004));
            loom.set(miss, "cache.hit", false);
            let acquire = loom.inside(node, "pool.acquire", (from + (to - from) * 0.01, to));
            loom.set(acquire, "db.client.connection.pool.name", "primary");
            loom.breaks(acquire);
            loom.throw(acquire, strike.kind, message, STACK);
        }
        Leaf::Outside(host, method, route) => {
            let asked = loom.ask(node, host, Call { method, route }, time);
            loom.set(asked, "url.full", format!("https://{host}{route}"));
            loom.set(asked, "server.port", 443);
            loom.unset(asked, "http.response.status_code");
            loom.breaks(asked);
            loom.throw(asked, strike.kind, message, STACK);
        }
        Leaf::Unreached => {
            if let Some(missing) = strike.chain.hops().last() {
                let asked = loom.ask(node, missing.service, call(*missing), time);
                loom.unset(asked, "http.response.status_code");
                loom.breaks(asked);
                loom.throw(asked, strike.kind, message, STACK);
            }
        }
    }
}

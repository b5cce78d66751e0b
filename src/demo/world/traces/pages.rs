//! Pages of the storefront, searches and lists of products: many reads, and where they are slow.

use super::loom::{Call, Loom, MS, Node, Place, get};
use super::span::Trace;
use super::{Request, millis, number_after, word_after};

/// The storefront answers within so much before and after what it asks.
fn framed(loom: &mut Loom<'_>, route: Call, (start, end): (i64, i64)) -> Node {
    let front = loom.some("storefront");
    loom.answer(None, front, route, (start - 3 * MS, end + 2 * MS))
}

/// The one service that a page is about is asked, between two moments.
pub(super) fn asked(loom: &mut Loom<'_>, root: Node, to: Place, call: Call, time: (i64, i64)) -> Node {
    let asking = loom.ask(root, to.service, call, (time.0 - MS, time.1 + MS));
    loom.answer(Some(asking), to, call, time)
}

/// A page that was served.
pub fn page(mut loom: Loom<'_>, request: &Request<'_>, text: &str) -> Trace {
    let (end, length) = (
        request.at,
        millis(number_after(text, "duration=").unwrap_or(45.0)),
    );
    let front = Place {
        service: "storefront",
        pod: request.pod,
    };
    let path = word_after(text, "path=").unwrap_or("/").to_owned();
    let (route, shop): (&'static str, &[(&'static str, &'static str)]) = match path.as_str() {
        "/cart" => ("/cart", &[("cart", "/v1/carts/{id}"), ("catalog", "/v1/prices")]),
        "/search" => ("/search", &[("search", "/v1/suggestions")]),
        "/product/1182" => (
            "/product/{id}",
            &[
                ("catalog", "/v1/products/{id}"),
                ("inventory", "/v1/stock/{sku}"),
                ("recommendation", "/v1/similar"),
            ],
        ),
        "/checkout" => (
            "/checkout",
            &[("auth", "/v1/session"), ("cart", "/v1/carts/{id}")],
        ),
        "/account/orders" => (
            "/account/orders",
            &[("auth", "/v1/session"), ("checkout", "/v1/orders")],
        ),
        _ => (
            "/",
            &[("recommendation", "/v1/home"), ("catalog", "/v1/products")],
        ),
    };
    let root = loom.answer(None, front, get(route), (end - length, end));
    loom.set(root, "url.path", path);
    if let Some(client) = word_after(text, "client=") {
        loom.set(root, "client.address", client.to_owned());
    }
    // One after the other, but for a product's page, which asks for everything at once.
    let at_once = route == "/product/{id}";
    let step = 0.74 / shop.len() as f64;
    for (nth, (service, route)) in shop.iter().enumerate() {
        let from = 0.05 + if at_once { 0.0 } else { step * nth as f64 };
        let length = if at_once {
            0.3 + loom.share() * 0.4
        } else {
            step * 0.9
        };
        let to = loom.some(service);
        let served = loom.call(root, to, get(route), (from, from + length));
        match *service {
            "catalog" => loom.query(
                served,
                "SELECT id, name, cents FROM products WHERE id = ANY($1)",
                (0.2, 0.8),
            ),
            "inventory" => loom.query(served, "SELECT left FROM stock WHERE sku = $1", (0.2, 0.8)),
            "checkout" => loom.query(
                served,
                "SELECT id, state FROM orders WHERE buyer = $1",
                (0.2, 0.8),
            ),
            "recommendation" => loom.inside(served, "rank", (0.1, 0.9)),
            "search" => loom.inside(served, "suggest", (0.1, 0.9)),
            _ => loom.cache(served, "GET", (0.2, 0.8)),
        };
    }
    loom.inside(root, "render", (0.82, 0.99));
    loom.done()
}

const QUERY: Call = get("/v1/query");
const SHARDS: usize = 4;

fn searching(loom: &mut Loom<'_>, request: &Request<'_>, took: i64) -> (Node, i64) {
    let end = request.at;
    let root = framed(loom, get("/search"), (end - took, end));
    let place = Place {
        service: "search",
        pod: request.pod,
    };
    let search = asked(loom, root, place, QUERY, (end - took, end));
    (search, took)
}

/// A search: its shards at once, then the products found.
pub fn search(mut loom: Loom<'_>, request: &Request<'_>, text: &str) -> Trace {
    let took = millis(number_after(text, "\"took_ms\"").unwrap_or(70.0));
    let (search, _) = searching(&mut loom, request, took);
    if let Some(hits) = number_after(text, "\"hits\"") {
        loom.set(search, "search.hits", hits as i64);
    }
    for shard in 0..SHARDS {
        let until = 0.35 + loom.share() * 0.25;
        let read = loom.inside(search, "shard.read", (0.04, until));
        loom.set(read, "shard", shard);
    }
    let to = loom.some("catalog");
    let products = loom.call(search, to, get("/v1/products"), (0.64, 0.96));
    loom.query(
        products,
        "SELECT id, name, cents FROM products WHERE id = ANY($1)",
        (0.2, 0.8),
    );
    loom.done()
}

/// A search whose third shard reads a segment that was never merged.
pub fn slow_search(mut loom: Loom<'_>, request: &Request<'_>, text: &str) -> Trace {
    let took = millis(number_after(text, ", took").unwrap_or(1_900.0));
    let (search, _) = searching(&mut loom, request, took);
    for shard in 0..SHARDS {
        let slow = shard == 3;
        let until = if slow { 0.97 } else { 0.01 + loom.share() * 0.03 };
        let read = loom.inside(search, "shard.read", (0.004, until));
        loom.set(read, "shard", shard);
        if slow {
            let segment = loom.inside(read, "segment.scan", (0.01, 0.99));
            let number = number_after(text, "segment ").unwrap_or_default();
            loom.set(segment, "segment", number as i64);
            loom.set(segment, "segment.merged", false);
        }
    }
    loom.done()
}

const PRODUCTS: Call = get("/v1/products");
/// From so many products on, prices are read one by one.
const ONE_BY_ONE: i64 = 24;

/// A list of products. The list of a category reads the price of each on its own.
pub fn products(mut loom: Loom<'_>, request: &Request<'_>, text: &str) -> Trace {
    let (end, took) = (request.at, millis(number_after(text, "took=").unwrap_or(25.0)));
    let count = number_after(text, "count=").map_or(1, |n| n as i64);
    let route = if count < ONE_BY_ONE {
        get("/product/{id}")
    } else {
        get("/category/{name}")
    };
    let root = framed(&mut loom, route, (end - took, end));
    let place = Place {
        service: "catalog",
        pod: request.pod,
    };
    let list = asked(&mut loom, root, place, PRODUCTS, (end - took, end));
    loom.set(list, "product.count", count);
    loom.query(
        list,
        "SELECT id, name FROM products WHERE category = $1",
        (0.02, 0.12),
    );
    if count < ONE_BY_ONE {
        loom.query(
            list,
            "SELECT id, cents FROM prices WHERE id = ANY($1)",
            (0.15, 0.9),
        );
        return loom.done();
    }
    for nth in 0..count {
        let at = |n: i64| 0.13 + 0.84 * n as f64 / count as f64;
        let read = loom.query(
            list,
            "SELECT cents FROM prices WHERE id = $1",
            (at(nth), at(nth + 1) - 0.002),
        );
        loom.set(read, "db.response.returned_rows", 1);
    }
    loom.done()
}

/// A list of products whose fourth shard does not answer in time.
pub fn shard_timed_out(mut loom: Loom<'_>, request: &Request<'_>, text: &str) -> Trace {
    let took = millis(number_after(text, "timed out after").unwrap_or(500.0));
    let end = request.at;
    let root = framed(&mut loom, get("/category/{name}"), (end - took - 4 * MS, end));
    let place = Place {
        service: "catalog",
        pod: request.pod,
    };
    let list = asked(&mut loom, root, place, PRODUCTS, (end - took - 3 * MS, end));
    for shard in 1..=SHARDS {
        let late = shard == SHARDS;
        let until = if late { 1.0 } else { 0.02 + loom.share() * 0.04 };
        let read = loom.query(
            list,
            "SELECT id, name FROM products WHERE category = $1",
            (0.005, until),
        );
        loom.set(read, "shard", shard);
        if late {
            let message = format!("shard 4 timed out after {}ms", took / MS);
            loom.throw(read, "*catalog.ShardTimeoutError", &message, LATE);
            loom.refuse_asker(list, 503, message);
        }
    }
    loom.refuse(root, 503, "products are not available");
    loom.done()
}

const LATE: &str = "*catalog.ShardTimeoutError\n\
    \tshop/catalog/shard.(*Set).Query(set.go:96)\n\
    \tshop/catalog/list.(*Handler).Category(handler.go:58)";

/// Recommendations that load their model within the request.
pub fn model_reload(mut loom: Loom<'_>, request: &Request<'_>, text: &str) -> Trace {
    let (end, took) = (
        request.at,
        millis(number_after(text, "took=").unwrap_or(1.9) * 1e3),
    );
    let start = end - took - 40 * MS;
    let root = framed(&mut loom, get("/"), (start, end));
    let place = Place {
        service: "recommendation",
        pod: request.pod,
    };
    let home = asked(&mut loom, root, place, get("/v1/home"), (start, end));
    let share = took as f64 / (end - start) as f64;
    let load = loom.inside(home, "model.load", (0.002, 0.002 + share * 0.99));
    if let Some(model) = word_after(text, "model=") {
        loom.set(load, "model", model.to_owned());
    }
    loom.set(load, "model.load.seconds", took as f64 / 1e9);
    loom.inside(home, "rank", (0.005 + share * 0.99, 0.999));
    loom.done()
}

//! What each service says over and over: one voice is one template.

use std::fmt::Write as _;

use super::super::Story;
use super::super::story::PODS;
use super::words::Words;
use super::{failing, noise};

/// One kind of line of one service.
#[derive(Debug)]
pub struct Voice {
    /// Its true template, by name.
    pub name: &'static str,
    /// Voices of the same requests share it; the name where empty.
    request: &'static str,
    /// Level.
    pub level: &'static str,
    /// Whether it carries its request's trace id.
    pub traced: bool,
    /// Whether it is said by what breaks its request, in a span of its own.
    pub breaks: bool,
    /// How long after its request began it is said, milliseconds, below 500.
    pub after_ms: u16,
    /// Lines per second and pod.
    pub rate: fn(&Story, f64) -> f64,
    /// The text.
    pub say: fn(&mut Words) -> String,
}

impl Voice {
    /// What its requests are drawn by.
    pub fn salt(&self) -> u64 {
        number(if self.request.is_empty() {
            self.name
        } else {
            self.request
        })
    }

    /// What its values are drawn by.
    pub fn own_salt(&self) -> u64 {
        number(self.name)
    }
}

pub fn number(text: &str) -> u64 {
    text.bytes()
        .fold(0, |state, byte| noise([state, u64::from(byte), 0, 0]))
}

const fn voice(
    name: &'static str,
    level: &'static str,
    rate: fn(&Story, f64) -> f64,
    say: fn(&mut Words) -> String,
) -> Voice {
    Voice {
        name,
        request: "",
        level,
        traced: true,
        breaks: false,
        after_ms: 0,
        rate,
        say,
    }
}

impl Voice {
    /// Part of the same requests as other voices, so much later in them.
    const fn within(mut self, request: &'static str, after_ms: u16) -> Self {
        self.request = request;
        self.after_ms = after_ms;
        self
    }

    /// What breaks the request says it.
    const fn breaking(mut self) -> Self {
        self.breaks = true;
        self
    }

    const fn untraced(mut self) -> Self {
        self.traced = false;
        self
    }
}

/// The requests of checkout that fail.
const DENIED: &str = "checkout denied";

/// So many lines a second while the service has traffic.
fn busy(story: &Story, service: &str, s: f64, per_second: f64) -> f64 {
    story
        .fate(service)
        .map_or(0.0, |fate| fate.traffic.at(s) * per_second)
}

/// Connections in use, of those there are.
fn pool_use(story: &Story, service: &str, s: f64) -> f64 {
    let Some(fate) = story.fate(service).filter(|fate| fate.service.pool > 0) else {
        return 0.0;
    };
    let after = fate.connections.partition_point(|(at, _)| *at <= s);
    let before = after.checked_sub(1).and_then(|i| fate.connections.get(i));
    let held = match (before, fate.connections.get(after)) {
        (Some((from, low)), Some((to, high))) => low + (high - low) * (s - from) / (to - from).max(1.0),
        (Some((_, held)), None) | (None, Some((_, held))) => *held,
        (None, None) => 0.0,
    };
    held / f64::from(fate.service.pool)
}

const STOREFRONT: [Voice; 2] = [
    voice(
        "request served",
        "info",
        |story, s| busy(story, "storefront", s, 3.0),
        |w| {
            let path = w.pick(&["/", "/cart", "/search", "/product/1182", "/checkout", "/account/orders"]);
            format!(
                "ts={} level=info msg=\"request served\" method=GET path={path} status=200 duration={:.1}ms client={} trace_id={}",
                w.time("%Y-%m-%dT%H:%M:%S%.3fZ"),
                w.millis(45.0),
                w.address(),
                w.trace()
            )
        },
    ),
    voice(
        "upstream answered 503",
        "warn",
        |story, s| failing(story, "checkout", s),
        |w| {
            format!(
                "ts={} level=warn msg=\"upstream answered 503\" upstream=checkout method=POST path=/api/checkout duration={:.1}ms attempt={} trace_id={}",
                w.time("%Y-%m-%dT%H:%M:%S%.3fZ"),
                // Longer than checkout waited within it.
                2_100.0 + w.millis(40.0),
                w.number(1, 4),
                w.trace()
            )
        },
    )
    .within(DENIED, 480),
];

const CHECKOUT: [Voice; 4] = [
    voice(
        "order placed",
        "info",
        |story, s| busy(story, "checkout", s, 0.8),
        |w| {
            let total = w.number(900, 48_000);
            json(w, "info", "order placed", |w| {
                format!(
                    ",\"order_id\":\"{}\",\"items\":{},\"total_cents\":{total},\"duration_ms\":{:.1}",
                    w.hex(12),
                    w.number(1, 9),
                    w.millis(90.0)
                )
            })
        },
    ),
    voice(
        "connection held",
        "warn",
        |story, s| {
            if pool_use(story, "checkout", s) > 0.4 {
                0.12
            } else {
                0.0
            }
        },
        |w| {
            let message = format!(
                "connection {} held for {}s without release by applyGiftcard",
                w.number(1, 50),
                w.number(31, 900)
            );
            json(w, "warn", &message, |_| ",\"pool\":\"primary\"".to_owned())
        },
    )
    .untraced(),
    voice(
        "retry",
        "warn",
        |story, s| failing(story, "checkout", s),
        |w| {
            let message = format!(
                "retrying order write, attempt {} of 3 in {}ms",
                w.number(2, 4),
                w.number(100, 400)
            );
            json(w, "warn", &message, |_| String::new())
        },
    )
    .within(DENIED, 120),
    voice(
        "pool exhausted",
        "error",
        |story, s| failing(story, "checkout", s),
        |w| {
            let message = format!(
                "pool primary exhausted: {} of 50 connections in use, waited 2.{:03}s",
                w.number(48, 51),
                w.number(0, 60)
            );
            json(w, "error", &message, |w| {
                format!(",\"order_id\":\"{}\",\"status\":503", w.hex(12))
            })
        },
    )
    .within(DENIED, 440)
    .breaking(),
];

const PAYMENT: [Voice; 2] = [
    voice(
        "charge authorised",
        "info",
        |story, s| busy(story, "payment", s, 0.6),
        |w| {
            format!(
                "{} INFO  [http-nio-8080-exec-{}] c.s.payment.ChargeHandler - charge ch_{} authorised in {:.0}ms",
                w.time("%Y-%m-%d %H:%M:%S%.3f"),
                w.number(1, 40),
                w.hex(16),
                w.millis(120.0)
            )
        },
    ),
    voice(
        "charge failed",
        "error",
        |story, s| failing(story, "payment", s),
        |w| {
            let line = w.number(80, 92);
            format!(
                "{} ERROR [http-nio-8080-exec-{}] c.s.payment.ChargeHandler - charge ch_{} failed after {}ms\n\
                 shop.payment.UpstreamTimeoutException: no answer from checkout within 2000ms\n\
                 \tat shop.payment.CheckoutClient.confirm(CheckoutClient.java:{line})\n\
                 \tat shop.payment.ChargeHandler.settle(ChargeHandler.java:212)\n\
                 \tat shop.payment.ChargeHandler.handle(ChargeHandler.java:61)\n\
                 \tat java.base/java.lang.Thread.run(Thread.java:1583)\n\
                 Caused by: java.net.SocketTimeoutException: Read timed out\n\
                 \tat java.base/sun.nio.ch.NioSocketImpl.timedRead(NioSocketImpl.java:278)\n\
                 \t... 14 more",
                w.time("%Y-%m-%d %H:%M:%S%.3f"),
                w.number(1, 40),
                w.hex(16),
                w.number(2_000, 2_040)
            )
        },
    ),
];

const CART: [Voice; 2] = [
    voice(
        "cart updated",
        "info",
        |story, s| busy(story, "cart", s, 1.2),
        |w| {
            format!(
                "I{} {} handler.go:{}] cart {} updated: {} items in {:.1}ms",
                w.time("%m%d %H:%M:%S%.6f"),
                w.pod + 1,
                w.number(88, 92),
                w.hex(10),
                w.number(1, 12),
                w.millis(30.0)
            )
        },
    ),
    voice(
        "stale price",
        "warn",
        |story, s| busy(story, "cart", s, 0.04),
        |w| {
            format!(
                "W{} {} price.go:41] price of product {} is {}s old, asking catalog again",
                w.time("%m%d %H:%M:%S%.6f"),
                w.pod + 1,
                w.number(1_000, 9_000),
                w.number(61, 400)
            )
        },
    )
    .untraced(),
];

const SEARCH: [Voice; 2] = [
    voice(
        "query answered",
        "info",
        |story, s| busy(story, "search", s, 1.6),
        |w| {
            json(w, "info", "query answered", |w| {
                format!(
                    ",\"terms\":\"{}\",\"hits\":{},\"took_ms\":{:.1}",
                    w.pick(&["lamp", "red shoes", "usb-c cable", "desk", "garden hose"]),
                    w.number(0, 4_000),
                    w.millis(70.0)
                )
            })
        },
    ),
    voice(
        "slow query",
        "warn",
        |story, s| {
            story.fate("search").map_or(0.0, |fate| {
                fate.service.rps / PODS as f64 * fate.traffic.at(s) * fate.own_slow(s) * 0.2
            })
        },
        |w| {
            let message = format!(
                "slow query: segment {} not merged, took {:.0}ms",
                w.number(100, 180),
                w.millis(1_900.0)
            );
            json(w, "warn", &message, |_| ",\"shard\":3".to_owned())
        },
    ),
];

const CATALOG: [Voice; 3] = [
    voice(
        "products read",
        "debug",
        |story, s| busy(story, "catalog", s, 2.0),
        |w| {
            format!(
                "ts={} level=debug msg=\"products read\" count={} shard={} took={:.1}ms trace_id={}",
                w.time("%Y-%m-%dT%H:%M:%S%.3fZ"),
                w.number(1, 60),
                w.number(1, 5),
                w.millis(25.0),
                w.trace()
            )
        },
    ),
    // Once in half a minute the whole cache is built anew.
    voice(
        "product indexed",
        "info",
        |story, s| {
            if s.rem_euclid(30.0) < 1.0 {
                busy(story, "catalog", s, 80.0)
            } else {
                0.0
            }
        },
        |w| {
            format!(
                "ts={} level=info msg=\"product {} indexed\" generation={}",
                w.time("%Y-%m-%dT%H:%M:%S%.3fZ"),
                w.number(1_000, 9_000),
                w.time("%H%M")
            )
        },
    )
    .untraced(),
    voice(
        "shard timed out",
        "error",
        |story, s| failing(story, "catalog", s),
        |w| {
            format!(
                "ts={} level=error msg=\"shard 4 timed out after {}ms\" trace_id={}",
                w.time("%Y-%m-%dT%H:%M:%S%.3fZ"),
                w.number(500, 540),
                w.trace()
            )
        },
    ),
];

const INVENTORY: [Voice; 2] = [
    voice(
        "stock reserved",
        "info",
        |story, s| busy(story, "inventory", s, 0.7),
        |w| {
            json(w, "info", "stock reserved", |w| {
                format!(
                    ",\"sku\":\"SKU-{}\",\"left\":{}",
                    w.number(10_000, 99_999),
                    w.number(0, 400)
                )
            })
        },
    ),
    voice(
        "reservation failed",
        "error",
        |story, s| failing(story, "inventory", s),
        |w| {
            let message = format!(
                "could not reserve SKU-{}: deadlock detected",
                w.number(10_000, 99_999)
            );
            json(w, "error", &message, |_| String::new())
        },
    ),
];

const SHIPPING: [Voice; 2] = [
    voice(
        "label printed",
        "info",
        |story, s| busy(story, "shipping", s, 0.4),
        |w| {
            format!(
                "{} [INFO] label {} printed for {} in {:.0}ms",
                w.time("%Y/%m/%d %H:%M:%S"),
                w.number(100_000, 999_999),
                w.pick(&["DE", "FR", "NL", "SE"]),
                w.millis(80.0)
            )
        },
    ),
    voice(
        "quote failed",
        "error",
        |story, s| failing(story, "shipping", s),
        |w| {
            format!(
                "{} [ERROR] no quote from https://carrier.example/v2/quotes: 502 after {:.0}ms",
                w.time("%Y/%m/%d %H:%M:%S"),
                w.millis(1_200.0)
            )
        },
    ),
];

const AUTH: [Voice; 2] = [
    voice(
        "token issued",
        "info",
        |story, s| busy(story, "auth", s, 0.9),
        |w| {
            format!(
                "ts={} level=info msg=\"token issued\" subject=u-{} ttl=15m client={} trace_id={}",
                w.time("%Y-%m-%dT%H:%M:%S%.3fZ"),
                w.number(1_000, 99_999),
                w.address(),
                w.trace()
            )
        },
    ),
    voice(
        "sign-in refused",
        "warn",
        |story, s| busy(story, "auth", s, 0.06),
        |w| {
            format!(
                "ts={} level=warn msg=\"sign-in of {} refused: wrong password\" client={}",
                w.time("%Y-%m-%dT%H:%M:%S%.3fZ"),
                w.pick(&["anna", "ben", "cleo", "dora", "emil", "finn", "greta"]),
                w.address()
            )
        },
    )
    .untraced(),
];

const RECOMMENDATION: [Voice; 2] = [
    voice(
        "health check",
        "unknown",
        |_, _| 12.0,
        |w| {
            format!(
                "{} - - [{}] \"GET /healthz HTTP/1.1\" 200 2 \"-\" \"kube-probe/1.31\"",
                w.address(),
                w.time("%d/%b/%Y:%H:%M:%S +0000")
            )
        },
    )
    .untraced(),
    voice(
        "model reload",
        "warn",
        |story, s| {
            let slow = story.fate("recommendation").map_or(0.0, |fate| fate.own_slow(s));
            if slow > 0.01 { 0.25 } else { 0.0 }
        },
        |w| {
            format!(
                "level=warn msg=\"model loaded again within one request\" model=als-{} took={:.1}s trace_id={}",
                w.number(10, 14),
                w.millis(1_900.0) / 1_000.0,
                w.trace()
            )
        },
    ),
];

const GIFTCARD: [Voice; 1] = [voice(
    "card redeemed",
    "info",
    |story, s| busy(story, "giftcard", s, 0.2),
    |w| {
        json(w, "info", "gift card redeemed", |w| {
            format!(",\"card\":\"{}\",\"cents\":{}", w.hex(12), w.number(500, 10_000))
        })
    },
)];

const LOYALTY: [Voice; 2] = [
    voice(
        "points booked",
        "info",
        |story, s| busy(story, "loyalty", s, 0.3),
        |w| {
            format!(
                "booked {} points for member {}",
                w.number(1, 500),
                w.number(10_000, 99_999)
            )
        },
    ),
    // Its metrics are gone; its log says why.
    voice(
        "metrics listener",
        "error",
        |story, s| {
            story
                .fate("loyalty")
                .map_or(0.0, |fate| if s > fate.scraped_until { 0.1 } else { 0.0 })
        },
        |_| {
            "metrics listener: listen tcp :9102: bind: address already in use; trying again in 10s".to_owned()
        },
    )
    .untraced(),
];

/// The voices of a service.
pub fn of(service: &str) -> &'static [Voice] {
    match service {
        "storefront" => &STOREFRONT,
        "checkout" => &CHECKOUT,
        "payment" => &PAYMENT,
        "cart" => &CART,
        "search" => &SEARCH,
        "catalog" => &CATALOG,
        "inventory" => &INVENTORY,
        "shipping" => &SHIPPING,
        "auth" => &AUTH,
        "recommendation" => &RECOMMENDATION,
        "giftcard" => &GIFTCARD,
        "loyalty" => &LOYALTY,
        _ => &[],
    }
}

/// A JSON document; `more` are fields that follow, each with its comma.
pub fn json(w: &mut Words, level: &str, message: &str, more: impl FnOnce(&mut Words) -> String) -> String {
    let mut more = more(w);
    if w.is_traced() {
        let _ = write!(more, ",\"trace_id\":\"{}\"", w.trace());
    }
    format!(
        "{{\"time\":\"{}\",\"level\":\"{level}\",\"msg\":\"{message}\"{more}}}",
        w.time("%Y-%m-%dT%H:%M:%S%.6fZ")
    )
}

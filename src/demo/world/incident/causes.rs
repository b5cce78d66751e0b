//! The seven kinds of incident, each laid out by its dice.

use super::super::flow::Levels;
use super::super::story::{DeployKind, HOUR, MIN, PODS, SERVICES};
use super::super::traces::Place;
use super::{Chain, Course, Dice, Incident, Leaf, Murmur, Rollout, Strike, next_version, rps};
use crate::domain::drill::{Cause, Help, Signal};

/// The incident of the dice's kind, without what else is odd that day.
pub fn lay_out(dice: Dice) -> Incident {
    match dice.cause {
        Cause::BadDeploy => bad_deploy(dice),
        Cause::DependencyTimeout => dependency_timeout(dice),
        Cause::CacheStampede => cache_stampede(dice),
        Cause::CertificateExpiry => certificate_expiry(dice),
        Cause::NoisyNeighbour => noisy_neighbour(dice),
        Cause::DiskFull => disk_full(dice),
        Cause::RegionLoss => region_loss(dice),
    }
}

/// When it begins and ends, and nobody struck yet.
fn bare(dice: Dice, culprit: &'static str) -> Incident {
    let onset = dice.seconds("onset", 12.0, 40.0);
    let mended = onset + dice.seconds("mended", 11.0 * MIN, 15.0 * MIN);
    Incident {
        cause: dice.cause,
        culprit,
        felt: culprit,
        signal: Signal::Log,
        sign: String::new(),
        told: String::new(),
        help: Help::NotNeeded,
        onset,
        mended,
        strikes: Vec::new(),
        murmurs: Vec::new(),
        disk: None,
        load: None,
        lost: None,
        rollouts: Vec::new(),
        traffic: None,
        drained: None,
        herrings: Vec::new(),
    }
}

/// How hard a chain is struck at most: the share of its requests that fail. Of the busiest ones less is a lot.
fn hardness(dice: Dice, chain: Chain) -> f64 {
    match chain {
        Chain::Catalog => dice.between("share", 0.22, 0.32),
        Chain::Cart | Chain::Auth => dice.between("share", 0.2, 0.4),
        Chain::Checkout | Chain::Payment | Chain::Inventory | Chain::Shipping => {
            dice.between("share", 0.3, 0.55)
        }
    }
}

/// Requests a second that fail, in steps: (seconds after the onset, part of the greatest share).
fn course(of: &Incident, chain: Chain, greatest: f64, steps: &[(f64, f64)]) -> Levels {
    let least = chain
        .hops()
        .iter()
        .map(|hop| rps(hop.service))
        .fold(f64::INFINITY, f64::min);
    let mut levels = Levels::flat(0.0);
    for (after, part) in steps {
        levels.then(of.onset + after, least * greatest * part);
    }
    levels.then(of.mended, 0.0);
    levels
}

/// Lines a second from one moment to another.
fn while_between(from: f64, to: f64, per_second: f64) -> Levels {
    let mut levels = Levels::flat(0.0);
    levels.then(from, per_second);
    levels.then(to, 0.0);
    levels
}

/// A release is rolled out whose code does not fit what is there; it is rolled back in the end.
fn bad_deploy(dice: Dice) -> Incident {
    let culprit = dice.pick("culprit", "checkout", &["payment", "catalog", "inventory"]);
    let mut made = bare(dice, culprit);
    let chain = Chain::to(culprit);
    let (leaf, kind, message) = match culprit {
        "payment" => (
            Leaf::Itself,
            "java.lang.NullPointerException",
            "Cannot invoke Money.currency() because charge.tip is null",
        ),
        "catalog" => (
            Leaf::Statement("SELECT id, name, cents FROM products WHERE id = ANY($1)"),
            "pq.Error",
            "column products.price_net does not exist (42703)",
        ),
        "inventory" => (
            Leaf::Statement("SELECT left FROM stock WHERE sku = ANY($1) FOR UPDATE"),
            "pq.Error",
            "operator does not exist: uuid = bigint (42883)",
        ),
        _ => (
            Leaf::Statement("INSERT INTO orders VALUES ($1, $2, $3)"),
            "pq.Error",
            "column orders.channel does not exist (42703)",
        ),
    };
    let version = next_version(culprit);
    let rolled_out = made.onset - dice.seconds("rolled out", 8.0, 70.0);
    let before = SERVICES.iter().find(|service| service.name == culprit);
    made.rollouts.push(Rollout {
        service: culprit,
        at: rolled_out,
        version: version.clone(),
        kind: DeployKind::Release,
    });
    made.rollouts.push(Rollout {
        service: culprit,
        at: made.mended,
        version: before.map_or("1.0.0", |service| service.version).to_owned(),
        kind: DeployKind::Rollback,
    });
    // One pod after the other serves it.
    let rate = course(&made, chain, hardness(dice, chain), &[(0.0, 0.6), (24.0, 1.0)]);
    made.strikes.push(Strike {
        name: "release broken",
        chain,
        leaf,
        kind,
        message: message.to_owned(),
        took: (4, 40),
        rate,
        pods: (0..PODS).collect(),
    });
    made.signal = Signal::Deploy;
    made.sign = format!("{culprit}: deploy {version}");
    made.told =
        format!("{culprit} {version} does not fit its surroundings: {message}; it is rolled back in the end");
    made
}

/// Somebody outside does not answer any more, first now and then, later most of the time.
fn dependency_timeout(dice: Dice) -> Incident {
    let culprit = dice.pick("culprit", "payment", &["shipping", "checkout"]);
    let mut made = bare(dice, culprit);
    let chain = Chain::to(culprit);
    let (host, method, route, kind) = match culprit {
        "payment" => (
            "acquirer.example",
            "POST",
            "/v2/holds",
            "java.net.SocketTimeoutException",
        ),
        "shipping" => ("carrier.example", "GET", "/v2/quotes", "net.TimeoutError"),
        _ => ("tax.example", "GET", "/v1/rates", "net.TimeoutError"),
    };
    let rate = course(
        &made,
        chain,
        hardness(dice, chain),
        &[
            (0.0, 0.45),
            (50.0, 0.75),
            (150.0, 1.0),
            (330.0, 0.8),
            (420.0, 1.0),
        ],
    );
    made.strikes.push(Strike {
        name: "dependency timed out",
        chain,
        leaf: Leaf::Outside(host, method, route),
        kind,
        message: format!("no answer from {host} within 3000ms, gave up after {{n:3000-3040}}ms"),
        took: (3_000, 3_040),
        rate,
        pods: pods(chain),
    });
    made.signal = Signal::Trace;
    made.sign = format!("{method} {route} to {host} takes 3 s and fails");
    made.told = format!("{host}, which {culprit} asks, stopped answering; nothing of the shop was changed");
    made
}

/// The cache was emptied: everybody reads the same keys anew, and the database has no connection left.
fn cache_stampede(dice: Dice) -> Incident {
    let culprit = dice.pick("culprit", "catalog", &["inventory"]);
    let mut made = bare(dice, culprit);
    let chain = Chain::to(culprit);
    let key = dice.pick("key", "home", &["sale", "season"]);
    let rate = course(
        &made,
        chain,
        hardness(dice, chain),
        &[
            (0.0, 1.0),
            (140.0, 0.7),
            (200.0, 1.0),
            (390.0, 0.75),
            (470.0, 0.95),
        ],
    );
    made.strikes.push(Strike {
        name: "rebuild failed",
        chain,
        leaf: Leaf::Rebuild,
        kind: "*pool.ExhaustedError",
        message: format!(
            "rebuilding {culprit}:{key} after a cache miss: no database connection within 1500ms, {{n:180-260}} wait"
        ),
        took: (1_500, 1_540),
        rate,
        pods: (0..PODS).collect(),
    });
    made.murmurs.push(Murmur {
        name: "cache cold",
        service: culprit,
        level: "warn",
        rate: while_between(made.onset - 20.0, made.mended, 0.5),
        text: "cache hit rate {n:1-6}% over the last 10s, redis-0 restarted empty".to_owned(),
    });
    made.drained = Some(culprit);
    "cache hit rate … over the last 10s, redis-0 restarted empty".clone_into(&mut made.sign);
    made.told = format!(
        "redis-0 restarted empty: every pod of {culprit} read {culprit}:{key} anew at once, until its database had no connection left"
    );
    made
}

/// A service's certificate is over: whoever calls it does not trust it any more.
fn certificate_expiry(dice: Dice) -> Incident {
    let culprit = dice.pick("culprit", "payment", &["inventory", "shipping"]);
    let mut made = bare(dice, culprit);
    let chain = Chain::to(culprit);
    // With one pod's certificate renewed, half of the calls still work.
    let greatest = dice.pick("how many", 0.5, &[0.95]);
    let rate = course(&made, chain, greatest, &[(0.0, 1.0)]);
    made.strikes.push(Strike {
        name: "certificate refused",
        chain,
        leaf: Leaf::Unreached,
        kind: "x509.CertificateInvalidError",
        message: format!(
            "calling {culprit}: x509: certificate of {culprit}.shop.internal has expired or is not yet valid"
        ),
        took: (3, 18),
        rate,
        pods: (0..PODS).collect(),
    });
    made.murmurs.push(Murmur {
        name: "renewal failed",
        service: culprit,
        level: "warn",
        rate: while_between(made.onset - 9.0 * HOUR, made.mended, 0.02),
        text: format!("renewing the certificate of {culprit}.shop.internal failed: 403 from ca.shop.internal, attempt {{n:100-400}}"),
    });
    made.traffic = Some((culprit, 1.0 - greatest));
    made.felt = "checkout";
    made.sign = format!("x509: certificate of {culprit}.shop.internal has expired or is not yet valid");
    made.told = format!(
        "the certificate of {culprit}.shop.internal ended; its renewal had failed for hours, and nobody read that"
    );
    made
}

/// A service writes so much into the shared cache that others do not get a word in.
fn noisy_neighbour(dice: Dice) -> Incident {
    let culprit = dice.pick("culprit", "recommendation", &["search"]);
    let victim = dice.pick("victim", "inventory", &["catalog"]);
    let mut made = bare(dice, culprit);
    made.felt = victim;
    let message = "GET redis-0:6379: i/o timeout after {n:1500-1540}ms, {n:300-900} commands wait";
    for (chain, part) in [(Chain::to(victim), 1.0), (Chain::Cart, 0.35)] {
        let greatest = hardness(dice, Chain::to(victim)).min(0.4) * part;
        let rate = course(
            &made,
            chain,
            greatest,
            &[(0.0, 1.0), (170.0, 0.6), (230.0, 1.0), (400.0, 0.8)],
        );
        made.strikes.push(Strike {
            name: if chain == Chain::Cart {
                "cart cache timed out"
            } else {
                "cache timed out"
            },
            chain,
            leaf: Leaf::Cache(if chain == Chain::Cart { "HGETALL" } else { "GET" }),
            kind: "redis.TimeoutError",
            message: if chain == Chain::Cart {
                message.replace("GET", "HGETALL")
            } else {
                message.to_owned()
            },
            took: (1_500, 1_540),
            rate,
            pods: pods(chain),
        });
    }
    let what = if culprit == "search" {
        "suggestion"
    } else {
        "embedding"
    };
    made.murmurs.push(Murmur {
        name: "bulk write",
        service: culprit,
        level: "info",
        rate: while_between(made.onset - 35.0, made.mended, 8.0),
        text: format!("{what} sync: {{n:4000-6000}} keys written to redis-0 in {{n:600-980}}ms, backfill of all products"),
    });
    let quiet = made.onset - 45.0;
    made.load = Some(Course {
        node: "node-b",
        points: vec![
            (quiet, 2.4),
            (made.onset + 20.0, 13.5),
            (made.mended, 13.5),
            (made.mended + 90.0, 2.4),
        ],
    });
    made.sign = format!("{what} sync: … keys written to redis-0, backfill of all products");
    made.told = format!(
        "{culprit} began a backfill into redis-0, which it shares with {victim} and cart: their commands wait too long"
    );
    made
}

/// The disk under a database fills up over hours; then writes fail.
fn disk_full(dice: Dice) -> Incident {
    let culprit = dice.pick("culprit", "inventory", &["payment", "checkout"]);
    let node = dice.pick("node", "node-a", &["node-b"]);
    let mut made = bare(dice, culprit);
    let chain = Chain::to(culprit);
    let statement = match culprit {
        "inventory" => "UPDATE stock SET left = left - $2 WHERE sku = $1",
        "payment" => "INSERT INTO charges VALUES ($1, $2, $3)",
        _ => "INSERT INTO orders VALUES ($1, $2, $3)",
    };
    let rate = course(&made, chain, hardness(dice, chain), &[(0.0, 0.7), (70.0, 1.0)]);
    made.strikes.push(Strike {
        name: "no space left",
        chain,
        leaf: Leaf::Statement(statement),
        kind: "pq.Error",
        message: "could not extend file base/16384/{n:20000-29999}: No space left on device (53100)"
            .to_owned(),
        took: (5, 60),
        rate,
        pods: (0..PODS).collect(),
    });
    made.murmurs.push(Murmur {
        name: "disk filling",
        service: culprit,
        level: "warn",
        rate: while_between(-20.0 * MIN, made.mended, 0.05),
        text: format!("postgres-{culprit}-0 on {node}: {{n:91-99}}% of /data used by write-ahead log"),
    });
    let begun = -dice.seconds("fills for", 3.0 * HOUR, 7.0 * HOUR);
    made.disk = Some(Course {
        node,
        points: vec![
            (begun, 0.4),
            (-30.0 * MIN, 0.13),
            (made.onset, 0.0),
            (made.mended - 20.0, 0.0),
            (made.mended, 0.35),
        ],
    });
    made.signal = Signal::Alert;
    made.sign = format!("DiskSpaceLow of {node}, and: No space left on device");
    made.told = format!(
        "/data of {node} filled up with write-ahead log: the database of {culprit} cannot write any more"
    );
    made
}

/// A node, which is all there is of a zone, is gone with every pod on it.
fn region_loss(dice: Dice) -> Incident {
    let node = dice.pick("node", "node-b", &["node-a"]);
    let mut made = bare(dice, node);
    made.felt = "storefront";
    made.lost = Some(node);
    made.help = Help::Wanted;
    let zone = if node == "node-a" { "eu-1a" } else { "eu-1b" };
    for (name, chain, part) in [
        ("no route to checkout", Chain::Checkout, 0.9),
        ("no route to auth", Chain::Auth, 0.5),
        ("no route to payment", Chain::Payment, 0.6),
    ] {
        let greatest = dice.between("share", 0.4, 0.5) * part;
        // Clients go on trying the pods that are gone; in time they are tried less.
        let rate = course(&made, chain, greatest, &[(0.0, 1.0), (120.0, 0.7), (300.0, 0.6)]);
        let to = chain.hops().last().map_or("", |hop| hop.service);
        let mut strike = Strike {
            name,
            chain,
            leaf: Leaf::Unreached,
            kind: "net.OpError",
            message: format!(
                "calling {to}: dial tcp 10.42.{{n:0-8}}.{{n:2-250}}:8080: no route to host, zone {zone}"
            ),
            took: (700, 980),
            rate,
            pods: Vec::new(),
        };
        let writes = |pod: usize| {
            let mut hops = strike.failing().iter();
            hops.all(|hop| {
                Place {
                    service: hop.service,
                    pod,
                }
                .host()
                    != node
            })
        };
        strike.pods = (0..PODS).filter(|pod| writes(*pod)).collect();
        made.strikes.push(strike);
    }
    made.signal = Signal::Alert;
    made.sign = format!("TargetDown of {node} and of every pod on it, all at once");
    made.told = format!(
        "zone {zone} is gone, and with {node} one pod of every service; the calls to it fail until it is back"
    );
    made
}

/// The pods whose clocks agree with the others'.
fn pods(chain: Chain) -> Vec<usize> {
    let true_time = |pod: usize| {
        chain.hops().iter().all(|hop| {
            Place {
                service: hop.service,
                pod,
            }
            .skew()
                == 0
        })
    };
    (0..PODS).filter(|pod| true_time(*pod)).collect()
}

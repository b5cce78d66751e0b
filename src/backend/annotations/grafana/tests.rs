use std::collections::VecDeque;
use std::sync::Mutex;

use super::*;

/// Answers one after the other, and remembers what was asked.
#[derive(Default)]
struct Stand {
    answers: Mutex<VecDeque<BackendResult<Answer>>>,
    asked: Mutex<Vec<Call>>,
}

impl Asker for Stand {
    fn call(&self, call: Call) -> BoxFuture<'_, BackendResult<Answer>> {
        self.asked.lock().unwrap().push(call);
        let next = self
            .answers
            .lock()
            .unwrap()
            .pop_front()
            .expect("an answer is left");
        Box::pin(async move { next })
    }
}

impl Stand {
    /// A parameter of a request; every value it was given.
    fn param(&self, index: usize, name: &str) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        let pairs = asked[index].query.iter().filter(|(n, _)| n == name);
        pairs.map(|(_, value)| value.clone()).collect()
    }
}

fn answer(status: u16, body: &Value) -> Answer {
    Answer {
        status,
        body: body.to_string().into_bytes(),
        date: None,
        content_type: "application/json".into(),
        retry_after: None,
    }
}

fn server(answers: Vec<Answer>) -> (Grafana, Arc<Stand>) {
    told(answers.into_iter().map(Ok).collect())
}

fn told(answers: Vec<BackendResult<Answer>>) -> (Grafana, Arc<Stand>) {
    let stand = Arc::new(Stand {
        answers: Mutex::new(answers.into()),
        asked: Mutex::default(),
    });
    let asker = Arc::clone(&stand) as Arc<dyn Asker>;
    (Grafana::new("annotations", asker, Duration::from_secs(5)), stand)
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    futures::executor::block_on(future)
}

fn at(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).expect("a time")
}

fn mark(id: i64, time: i64) -> Value {
    json!({"id": id, "time": time, "timeEnd": time, "text": format!("mark {id}"), "tags": ["deploy"]})
}

fn draft() -> AnnotationDraft {
    AnnotationDraft {
        at: at(1_793_000_000_123),
        until: None,
        text: "cache\u{1b}[31m cold".into(),
        tags: vec!["midwatch".into()],
    }
}

fn marker() -> Marker {
    Marker::from_bits(0x0123_4567_89ab_cdef)
}

#[test]
fn an_answer_of_the_documentation_is_read_and_what_is_missing_is_missing() {
    let body = json!([
        {"id": 1124, "alertId": 0, "dashboardUID": null, "panelId": 0, "userId": 7, "login": "ci", "newState": "",
         "time": 1_793_000_000_000_i64, "timeEnd": 1_793_000_300_000_i64, "text": "deploy api v812",
         "tags": ["deploy", "service:api", "mw:ABCDEFGHIJ"], "data": {}},
        {"id": "k8s-name", "time": 1_792_000_000_000_i64, "timeEnd": null, "text": null, "tags": null, "login": null},
        {"id": null, "time": 5},
    ]);
    let (grafana, stand) = server(vec![answer(200, &body)]);
    let marks = wait(grafana.list(
        at(1_790_000_000_000),
        at(1_794_000_000_000),
        vec!["deploy".into()],
    ))
    .unwrap();
    assert_eq!(marks.partial, None);
    let [bare, deploy] = &marks.annotations[..] else {
        panic!("two, oldest first: {marks:?}");
    };
    assert_eq!(
        (bare.id.as_ref(), bare.until, &bare.author),
        ("k8s-name", None, &None)
    );
    assert_eq!(deploy.id.as_ref(), "1124");
    assert_eq!(deploy.until, Some(at(1_793_000_300_000)));
    assert_eq!(deploy.author.as_deref(), Some("ci"));
    assert_eq!(deploy.marker, Marker::from_digits("ABCDEFGHIJ"));
    assert_eq!(stand.param(0, "from"), ["1790000000000"]);
    assert_eq!(stand.param(0, "tags"), ["deploy"]);
    assert_eq!(stand.param(0, "type"), ["annotation"]);
}

#[test]
fn any_of_several_tags_is_asked_for_as_such() {
    let (grafana, stand) = server(vec![answer(200, &Value::Null)]);
    let tags = vec!["deploy".to_owned(), "release".to_owned()];
    assert_eq!(wait(grafana.list(at(-5), at(1_000), tags)), Ok(Marks::default()));
    assert_eq!(stand.param(0, "tags"), ["deploy", "release"]);
    assert_eq!(stand.param(0, "matchAny"), ["true"]);
    assert_eq!(
        stand.param(0, "from"),
        ["1"],
        "at zero the server would forget the span"
    );
}

#[test]
fn full_pages_are_followed_back_in_time_and_the_seam_counts_once() {
    let newest: Vec<Value> = (0..500).map(|n| mark(10_000 - n, 2_000_000 - n)).collect();
    let older = vec![mark(9_501, 1_999_501), mark(7, 1_500_000)];
    let (grafana, stand) = server(vec![answer(200, &json!(newest)), answer(200, &json!(older))]);
    let marks = wait(grafana.list(at(1), at(3_000_000), Vec::new())).unwrap();
    assert_eq!((marks.annotations.len(), marks.partial), (501, None));
    assert_eq!(marks.annotations[0].id.as_ref(), "7");
    assert_eq!(stand.param(1, "to"), ["1999501"]);
}

#[test]
fn a_list_has_an_end_and_says_what_it_left_out() {
    let page = |from: i64| {
        let marks: Vec<Value> = (0..500).map(|n| mark(from - n, from - n)).collect();
        answer(200, &json!(marks))
    };
    let (grafana, stand) = server((0..8).map(|n| page(1_000_000 - n * 499)).collect());
    let marks = wait(grafana.list(at(1), at(1_000_000), Vec::new())).unwrap();
    assert_eq!(stand.asked.lock().unwrap().len(), PAGES);
    assert_eq!(
        marks.partial,
        Some(format!(
            "only the newest {} marks were read",
            marks.annotations.len()
        ))
    );
}

#[test]
fn a_page_full_of_one_moment_does_not_hold_the_list_up() {
    let crowd: Vec<Value> = (0..500).map(|n| mark(1_000 + n, 700)).collect();
    let (grafana, stand) = server(vec![
        answer(200, &json!(crowd)),
        answer(200, &json!(crowd)),
        answer(200, &json!([mark(1, 600)])),
    ]);
    let marks = wait(grafana.list(at(1), at(900), Vec::new())).unwrap();
    assert_eq!(stand.param(1, "to"), ["700"]);
    assert_eq!(stand.param(2, "to"), ["699"]);
    assert_eq!(marks.annotations.len(), 501);
    assert!(marks.partial.is_some_and(|why| why.contains("one moment")));
}

#[test]
fn a_mark_is_sent_once_in_milliseconds_with_its_marker_as_a_tag() {
    let (grafana, stand) = server(vec![answer(
        200,
        &json!({"message": "Annotation added", "id": 1125}),
    )]);
    let made = wait(grafana.create(draft(), marker())).unwrap();
    assert_eq!(made.as_ref(), "1125");
    let asked = stand.asked.lock().unwrap();
    assert_eq!(asked[0].repeat, crate::backend::http::Repeat::Never);
    let crate::backend::http::Body::Json(body) = &asked[0].body else {
        panic!("JSON is sent");
    };
    let body: Value = serde_json::from_str(body).unwrap();
    let tag = format!("mw:{}", marker().digits());
    assert_eq!(
        body,
        json!({"time": 1_793_000_000_123_i64, "text": "cache\u{1b}[31m cold", "tags": ["midwatch", tag]})
    );
}

#[test]
fn an_accepted_mark_whose_name_is_lost_may_have_arrived() {
    let (grafana, _) = server(vec![answer(200, &json!({"message": "Annotation added"}))]);
    let error = wait(grafana.create(draft(), marker())).unwrap_err();
    assert_eq!(error.delivery, Delivery::Unknown);
}

#[test]
fn only_a_mark_with_our_own_marker_is_found() {
    let ours = json!({"id": 9, "time": 1_793_000_000_123_i64, "text": "x", "tags": [format!("mw:{}", marker().digits())]});
    let other = json!({"id": 8, "time": 1_793_000_000_123_i64, "text": "x", "tags": ["mw:ABCDEFGHIJ"]});
    let (grafana, stand) = server(vec![
        answer(200, &json!([other, ours])),
        answer(200, &json!([other])),
    ]);
    assert_eq!(wait(grafana.find(draft().at, marker())), Ok(Some("9".into())));
    assert_eq!(wait(grafana.find(draft().at, marker())), Ok(None));
    assert_eq!(stand.param(0, "tags"), [format!("mw:{}", marker().digits())]);
    assert_eq!(stand.param(0, "to"), ["1793003600123"]);
}

#[test]
fn refusals_say_what_is_missing() {
    let cases = [
        (404, json!({"message": "Not found"}), "newer API"),
        (410, json!({"message": "Gone"}), "newer API"),
        (
            400,
            json!({"message": "Failed to save annotation", "error": "text field should not be empty"}),
            "",
        ),
        (500, json!({}), ""),
    ];
    for (status, body, mend) in cases {
        let (grafana, _) = server(vec![answer(status, &body)]);
        let error = wait(grafana.create(draft(), marker())).unwrap_err();
        assert_eq!(error.status, Some(status));
        assert!(error.mend.contains(mend), "{error}");
        assert_eq!(error.delivery, Delivery::Answered);
    }
    // The client tells these by itself; what they need is known here.
    for (status, write, mend) in [
        (403, true, "annotations:create"),
        (403, false, "annotations:read"),
        (401, true, "token"),
    ] {
        let refused = BackendError {
            kind: ErrorKind::NotSignedIn,
            backend: "annotations".into(),
            tried: "GET /api/annotations".into(),
            detail: "HTTP 403: You'll need additional permissions".into(),
            mend: String::new(),
            status: Some(status),
            retry_after: None,
            delivery: Delivery::Answered,
        };
        let (grafana, _) = told(vec![Err(refused)]);
        let error = if write {
            wait(grafana.create(draft(), marker())).unwrap_err()
        } else {
            wait(grafana.list(at(1), at(2), Vec::new())).unwrap_err()
        };
        assert!(error.mend.contains(mend), "{error}");
    }
}

#[test]
fn what_is_no_list_is_no_answer_of_grafana() {
    let (grafana, _) = server(vec![answer(200, &json!({"annotations": []}))]);
    let error = wait(grafana.list(at(1), at(2), Vec::new())).unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadAnswer);
    assert!(error.detail.contains("does not read as Grafana's"), "{error}");
}

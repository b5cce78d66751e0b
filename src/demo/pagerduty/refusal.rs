//! Errors as REST API v2 says them.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value as Json, json};

/// A request that is not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
    code: u16,
    message: &'static str,
    errors: Vec<String>,
}

impl Refusal {
    fn new(status: StatusCode, code: u16, message: &'static str, error: Option<String>) -> Self {
        Self {
            status,
            code,
            message,
            errors: error.into_iter().collect(),
        }
    }

    /// 400, with a code and message of its own.
    pub fn coded(code: u16, message: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message, None)
    }

    /// 400, invalid input.
    pub fn input(error: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            2001,
            "Invalid Input Provided",
            Some(error.into()),
        )
    }

    /// 401.
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, 2006, "Unauthorized", None)
    }

    /// 402: the plan has no such thing.
    pub fn plan() -> Self {
        Self::new(
            StatusCode::PAYMENT_REQUIRED,
            2014,
            "Required abilities are unavailable",
            None,
        )
    }

    /// 404.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, 2100, "Not Found", None)
    }

    /// 413.
    pub fn too_many() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            2001,
            "Invalid Input Provided",
            Some("Too many incidents in one request".to_owned()),
        )
    }

    /// 429.
    pub fn rate() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, 2020, "Rate Limit Exceeded", None)
    }

    /// In a batch, an item's own code is folded into the words of one error for the whole.
    pub fn of_batch(self) -> Self {
        if self.status == StatusCode::BAD_REQUEST && self.errors.is_empty() {
            Self::input(self.message)
        } else {
            self
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut error = json!({"message": self.message, "code": self.code});
        if !self.errors.is_empty() {
            error["errors"] = json!(self.errors);
        }
        answer(self.status, &json!({"error": error}))
    }
}

/// A JSON answer.
pub fn answer(status: StatusCode, body: &Json) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "application/json; charset=utf-8")],
        body.to_string(),
    )
        .into_response()
}

//! The one shape in which things go wrong: `{"status":"error","message":…,"error":{"code":…,"message":…}}`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::answers::Situation;
use super::chat::ChatMessage;
use super::words::Failed;
use crate::domain::refused::Offer;
use crate::engine;
use crate::telegram::{self, Fault};

/// An answer that says no.
#[derive(Clone, Debug)]
pub(super) struct ApiError {
    pub(super) code: Code,
    pub(super) message: String,
    /// What would work instead.
    pub(super) offer: Option<Offer>,
}

/// What clients branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Code {
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Refused,
    TooLarge,
    UnsupportedMediaType,
    Invalid,
    KeyReused,
    TooManyAttempts,
    Internal,
    Unavailable,
}

impl Code {
    /// All there are, by status.
    pub(super) const ALL: [Self; 13] = [
        Self::BadRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Refused,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::Invalid,
        Self::KeyReused,
        Self::TooManyAttempts,
        Self::Internal,
        Self::Unavailable,
    ];

    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Refused => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid | Self::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl Code {
    /// Whose failure it is.
    fn fault(self) -> Fault {
        match self {
            Self::BadRequest
            | Self::Unauthorized
            | Self::Forbidden
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::Refused
            | Self::TooLarge
            | Self::UnsupportedMediaType
            | Self::KeyReused
            | Self::TooManyAttempts => Fault::Request,
            Self::Invalid => Fault::TaskFile,
            Self::Internal | Self::Unavailable => Fault::Inside,
        }
    }
}

impl ApiError {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), offer: None }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(Code::BadRequest, message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, message)
    }
}

/// Why a request was not carried out.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Failure {
    status: Failed,
    /// Why, for a person.
    message: String,
    error: Details,
    pub(super) telegram: ChatMessage,
}

/// Why, for a program.
#[derive(Debug, Serialize, ToSchema)]
struct Details {
    code: Code,
    /// The same as outside.
    message: String,
}

/// A legal request that can't be carried out now; the message says why, and what would work.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Refusal {
    #[serde(flatten)]
    pub(super) failure: Failure,
    #[serde(flatten)]
    pub(super) situation: Situation,
}

impl From<&ApiError> for Failure {
    fn from(ApiError { code, message, .. }: &ApiError) -> Self {
        let error = Details { code: *code, message: message.clone() };
        let telegram = telegram::failure(message, code.fault()).into();
        Self { status: Failed::Error, message: message.clone(), error, telegram }
    }
}

/// Causes that lie inside are logged here, once, and not told to clients.
impl From<&engine::Error> for ApiError {
    fn from(error: &engine::Error) -> Self {
        match error {
            engine::Error::Bad(message) => Self::bad_request(message),
            engine::Error::NotFound(message) => Self::not_found(message),
            engine::Error::Missing { message, offer } => {
                Self { offer: Some(offer.clone()), ..Self::not_found(message) }
            }
            engine::Error::Refused(message) => Self::new(Code::Refused, message),
            engine::Error::Instead { message, offer } => {
                Self { offer: Some(offer.clone()), ..Self::new(Code::Refused, message) }
            }
            engine::Error::Invalid(message) => Self::new(Code::Invalid, message),
            engine::Error::KeyReused(_) => Self::new(Code::KeyReused, error.to_string()),
            engine::Error::Store(cause) => cause.into(),
            engine::Error::Interrupted => {
                tracing::error!("failed to carry out a command: its task is gone");
                Self::new(Code::Internal, "the command was interrupted: ask /status before you repeat it")
            }
        }
    }
}

impl From<&crate::store::Error> for ApiError {
    fn from(error: &crate::store::Error) -> Self {
        use crate::store::Error;
        tracing::error!("failed to use the database: {error}");
        match error {
            Error::Unavailable(_) => Self::new(
                Code::Unavailable,
                "the database can't be used now, so nothing was changed: repeat the request in a while, with the same key",
            ),
            Error::Fatal(_) => Self::new(
                Code::Unavailable,
                "the database failed: ask /status later whether it was done, or repeat the request with the same key",
            ),
            Error::Open { .. }
            | Error::ReadOnly { .. }
            | Error::Aside { .. }
            | Error::Mixed { .. }
            | Error::Newer { .. }
            | Error::Migrate { .. }
            | Error::Missing { .. }
            | Error::OtherVersion { .. }
            | Error::Corrupt { .. }
            | Error::Statement(_) => {
                Self::new(Code::Internal, "something went wrong inside, and was logged: nothing was changed")
            }
        }
    }
}

impl From<crate::store::Error> for ApiError {
    fn from(error: crate::store::Error) -> Self {
        (&error).into()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.code.status(), axum::Json(Failure::from(&self))).into_response();
        let headers = response.headers_mut();
        match self.code {
            Code::Unauthorized => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Code::TooManyAttempts => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
            }
            Code::BadRequest
            | Code::Forbidden
            | Code::NotFound
            | Code::MethodNotAllowed
            | Code::Refused
            | Code::TooLarge
            | Code::UnsupportedMediaType
            | Code::Invalid
            | Code::KeyReused
            | Code::Internal
            | Code::Unavailable => {}
        }
        response
    }
}

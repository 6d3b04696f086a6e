//! Which handler answers what: each is named once, for the router that serves it and for the document that describes it.
//!
//! The two are made apart: what a daemon serves knows the paths and methods alone, and the document, a megabyte while it is
//! put together, is made where somebody asks for it.

use axum::Router;
use axum::handler::Handler;
use axum::routing::MethodRouter;
use pastey::paste;
use utoipa_axum::PathItemExt as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{App, commands, events, health, metrics, notifications, openapi, reads};

macro_rules! handlers {
    ($served:ident, $described:ident: $($module:ident::$handler:ident),+ $(,)?) => {
        pub(super) fn $served() -> Router<App> {
            paste! { Router::new()$(.merge(at::<$module::[<__path_ $handler>], _>(&$module::$handler)))+ }
        }

        pub(super) fn $described() -> OpenApiRouter<App> {
            OpenApiRouter::new()$(.routes(routes!($module::$handler)))+
        }
    };
}

// What answers at `/…` and at `/webhook/…`.
handlers!(
    commands, described_commands:
    commands::command,
    commands::start,
    commands::approve,
    commands::reject,
    commands::pause,
    commands::resume,
    commands::skip,
    commands::retry,
    commands::continue_,
    commands::stop,
    reads::status,
    reads::tasks,
    reads::sessions,
    reads::gates,
    reads::logs,
    notifications::notifications,
    notifications::retry,
    notifications::drop,
);

// What has one name.
handlers!(others, described_others: health::health, events::events, metrics::metrics, openapi::openapi);

/// A handler at the path and the methods of its description.
fn at<P: utoipa::Path, T: 'static>(handler: &impl Handler<T, App>) -> Router<App> {
    let methods = P::methods()
        .iter()
        .fold(MethodRouter::new(), |methods, method| methods.on(method.to_method_filter(), handler.clone()));
    Router::new().route(&P::path(), methods)
}

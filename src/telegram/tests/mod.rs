//! Held by the parser in `tests/support/telegram_html.rs`, too.

//! Everything that the product says in a chat.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

#[path = "messages/answers.rs"]
mod answers;
#[path = "messages/gallery.rs"]
mod gallery;
#[path = "messages/in_between.rs"]
mod in_between;
#[path = "messages/notifications.rs"]
mod notifications;
#[path = "messages/properties.rs"]
mod properties;
#[path = "messages/refusals.rs"]
mod refusals;
#[path = "messages/seen.rs"]
mod seen;
mod support;

use gallery::Gallery;
use support::document::Document;
use support::telegram_html::{Entity, parse, plain};

/// `UPDATE_DOCS=1 cargo test --test messages` brings the page up to date.
#[test]
fn every_message_is_in_the_gallery() {
    let mut gallery = Gallery::new();
    notifications::show(&mut gallery);
    answers::show(&mut gallery);
    refusals::show(&mut gallery);
    in_between::show(&mut gallery);
    gallery.seen.is_everything();
    Document::read("docs/messages.md").must_be(&gallery.page);
    insta::assert_snapshot!("html", gallery.html);
}

#[test]
fn html_is_read_as_telegram_reads_it() {
    let parsed = parse("  <b>A &amp; <i>B</i></b> 🤖 <code>x &lt; y</code> &copy; &#128512; &lt ").unwrap();
    assert_eq!(parsed.text, "A & B 🤖 x < y &copy; 😀 <");
    let entity = |kind, offset, length| Entity { kind, offset, length, argument: None };
    assert_eq!(parsed.entities, [entity("bold", 0, 5), entity("italic", 4, 1), entity("code", 9, 5)]);

    let block = parse("<pre><code class=\"language-rust\">fn</code></pre>").unwrap();
    assert_eq!((block.entities[0].kind, block.entities[0].argument.as_deref()), ("pre", Some("rust")));
    assert_eq!(block.entities.len(), 1);
    assert_eq!(parse("<pre>a <b>b</b></pre>").unwrap().entities, [entity("pre", 0, 3)]);
    let moved = parse("a\r\u{202e}b <b>c\td</b>").unwrap();
    assert_eq!((moved.text.as_str(), moved.entities), ("ab c d", vec![entity("bold", 3, 3)]));
    let link = parse("<a href='https://e.org/?a=1&amp;b=2'>here</a>").unwrap().entities.remove(0);
    assert_eq!((link.kind, link.argument.as_deref()), ("text_link", Some("https://e.org/?a=1&b=2")));
}

#[test]
fn html_that_telegram_refuses_is_refused_in_its_words() {
    for (html, error) in [
        ("<b>a", "can't parse entities: Can't find end tag corresponding to start tag \"b\""),
        ("a</b>", "can't parse entities: Unexpected end tag at byte offset 1"),
        (
            "<b><i>a</b></i>",
            "can't parse entities: Unmatched end tag at byte offset 7, expected \"</i>\", found \"</b>\"",
        ),
        ("<x>a</x>", "can't parse entities: Unsupported start tag \"x\" at byte offset 0"),
        ("1 < 2", "can't parse entities: Unsupported start tag \"\" at byte offset 2"),
        ("1 <2", "can't parse entities: Unclosed start tag at byte offset 2"),
        (
            "<a href>x</a>",
            "can't parse entities: Expected equal sign in declaration of an attribute of the tag \"a\" at byte offset 0",
        ),
        ("<b>a</b", "can't parse entities: Unclosed end tag at byte offset 4"),
        (
            "&#xd800;",
            "can't parse entities: Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units",
        ),
        (" <b> </b>\n", "message text is empty"),
    ] {
        assert_eq!(parse(html).unwrap_err(), error, "{html}");
    }
    assert_eq!(parse(&"&amp;".repeat(4096)).unwrap().text.len(), 4096);
    assert_eq!(parse(&"😀".repeat(2049)).unwrap_err(), "message is too long");
    assert_eq!(plain(&"<".repeat(4097)).unwrap_err(), "message is too long");
}

//! Everything that the product says in a chat.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, missing_docs)]

mod support;

use orchestrator::domain::policy::Policy;
use orchestrator::telegram::{self, Message};
use support::desk::{self, Desk};
use support::telegram_html::{Entity, parse, plain};

#[test]
fn peek() {
    let mut desk = Desk::new(desk::baptisms(), Policy::default());
    let show = |desk: &Desk, told: &desk::Told| {
        let notice = telegram::notice(&told.events, &desk.scene());
        let print = |message: &Message| {
            println!("{}", parse(&message.text).unwrap().text);
            for row in message.reply_markup.iter().flat_map(orchestrator::telegram::Keyboard::rows) {
                println!(
                    "   {}",
                    row.iter()
                        .map(|b| format!("[{} | {}]", b.label(), b.says()))
                        .collect::<Vec<_>>()
                        .join(" ")
                );
            }
        };
        match notice {
            Some(notice) => {
                println!(
                    "\n######## NOTICE {:?} {} {:?} {:?}\n{}\n--",
                    notice.kind, notice.event, notice.task, notice.gate, notice.message
                );
                print(&notice.telegram);
            }
            None => println!("\n######## NO NOTICE"),
        }
        println!("---- ANSWER");
        print(&telegram::answer(&told.events, &told.message, &desk.scene()));
        println!("---- STATUS");
        print(&telegram::status(&telegram::Status::default(), &desk.scene()));
    };
    let told = desk.start();
    show(&desk, &told);
    let told = desk.approve();
    show(&desk, &told);
    let told = desk.claim();
    show(&desk, &told);
    let told = desk.finish(desk::completed("Migration created: 20251120_create_baptisms.sql"));
    show(&desk, &told);
    let told = desk.tell(desk::reject(Some("Use the <weddings> pattern & keep RLS")));
    show(&desk, &told);
    let told = desk.tell(orchestrator::domain::command::Command::Pause { now: false });
    show(&desk, &told);
    let told = desk.approve();
    show(&desk, &told);
    let told = desk.tell(orchestrator::domain::command::Command::Resume);
    show(&desk, &told);
    desk.claim();
    let told = desk.finish(desk::reported("no such table: weddings"));
    show(&desk, &told);
    let told = desk.tell(desk::retry(None));
    show(&desk, &told);
    desk.claim();
    let told = desk.tell(desk::skip());
    show(&desk, &told);
    let told = desk.finish(orchestrator::domain::run::Verdict::Lost);
    show(&desk, &told);
    let told = desk.work(desk::completed("Done."));
    show(&desk, &told);
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

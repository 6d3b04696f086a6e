//! The dialogue of the seed, by messages and by buttons.

use crate::stage::Stage;
use crate::support::model::{Script, Turn};
use crate::support::taskfile::Task;

#[test]
fn smoke() {
    let stage = Stage::set(|work| {
        let file = work.path().join("migration.sql");
        Script::new().on("write-migration", [Turn::says("I write.").writes(&file, "x"), Turn::says("Done.")])
    });
    let ana = stage.ana();
    stage.daemon.write_tasks(
        "2025-11-20-tasks.md",
        &[Task::new("Create baptisms migration", "Please write-migration.")],
    );
    ana.says("/status");
    println!("{:#?}", ana.hears(""));
    ana.says("/start 2025-11-20-tasks.md");
    println!("{:#?}", ana.hears(""));
    ana.says("/approve");
    println!("{:#?}", ana.hears(""));
    stage.daemon.await_status("completed");
    println!("{:#?}", ana.hears("ompleted"));
    println!("{:#?}", ana.unheard());
    println!(
        "{:#?}",
        stage.telegram.calls().iter().map(|c| (c.method.clone(), c.parameters.clone())).collect::<Vec<_>>()
    );
    println!("{:#?}", stage.telegram.refusals());
}

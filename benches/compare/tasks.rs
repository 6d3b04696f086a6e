//! What a task costs that takes no time itself.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use crate::bare;
use crate::contender::{folder, until};
use crate::context::{Context, in_turn};
use crate::daemon::{Daemon, Setup};
use crate::listening::Receiver;
use crate::peers::{Flask, Peers, Queue, Under};
use crate::stand_in;
use crate::statistics::Rounds;
use crate::table::Table;
use crate::watched::Watched;
use crate::{Section, attempt};

pub const SECTION: Section = Section {
    name: "tasks",
    title: "Cost per task",
    method: "One session whose tasks need no approval, run by a stand-in that answers at once. The time is that from the first \
        task's last line to the last task's, by the number of tasks between: what a task costs with everything around it. \
        Processor time is the kernel's account of the contender's own process, and of the children it waited for (the \
        launcher, the stand-in, git). The durable loop is the limit: it starts the stand-in through the daemon's own launcher, \
        reads the output and commits as many rows, in one transaction a task, to the same schema. Handing over is what the one \
        waits for who has the work done, until all of it is taken: the daemon commits a task file at once, a queue a job at a \
        time.",
    measure,
};

const A_SESSION: Duration = Duration::from_mins(5);
/// pueue looks at its processes every 0.3 s: more tasks would say no more.
const POLLED: usize = 20;

/// Seconds a task.
struct Cost {
    /// To put it in line, for those that have a line.
    handed: Option<f64>,
    wall: f64,
    own: f64,
    children: f64,
}

struct Contender {
    name: &'static str,
    tasks: usize,
    measure: Box<dyn Fn(usize) -> Cost>,
    handed: Rounds,
    /// From hand to end.
    whole: Rounds,
    wall: Rounds,
    own: Rounds,
    children: Rounds,
    has_failed: bool,
}

impl Contender {
    /// Its other rounds would stand beside the wrong ones of ours.
    fn fail(&mut self) {
        self.has_failed = true;
        let all = [&mut self.handed, &mut self.whole, &mut self.wall, &mut self.own, &mut self.children];
        for rounds in all {
            *rounds = Rounds::default();
        }
    }
}

fn measure(context: &Context) -> Vec<Table> {
    let mut contenders = contenders(context.tasks);
    for (round, backwards) in context.rounds() {
        in_turn(&mut contenders, backwards, |contender| {
            eprintln!("tasks: round {}: {}", round + 1, contender.name);
            if contender.has_failed {
                return;
            }
            let Some(cost) = attempt(contender.name, || (contender.measure)(contender.tasks)) else {
                contender.fail();
                return;
            };
            if let Some(handed) = cost.handed {
                contender.handed.push(handed * 1000.0);
                contender.whole.push((handed + cost.wall) * 1000.0);
            }
            contender.wall.push(cost.wall * 1000.0);
            contender.own.push(cost.own * 1000.0);
            contender.children.push(cost.children * 1000.0);
        });
    }
    let head = [
        "",
        "tasks",
        "ms a task",
        "ours is … times that",
        "to hand it over, ms",
        "with that, ours is … times theirs",
        "own processor time, ms",
        "its children's, ms",
    ];
    let mut table = Table::new("A task", &head);
    let (ours, whole) = (contenders[0].wall.clone(), contenders[0].whole.clone());
    for contender in &contenders {
        table.row([
            contender.name.to_owned(),
            contender.tasks.to_string(),
            contender.wall.to_string(),
            ours.over(&contender.wall).to_string(),
            contender.handed.to_string(),
            whole.over(&contender.whole).to_string(),
            contender.own.to_string(),
            contender.children.to_string(),
        ]);
    }
    table.note("Durable: orchestrator, the durable loop and huey. pueue and task-spooler keep their queue in memory or unsynced.");
    table.note(
        "huey, like task-spooler and pueue, goes by the exit code and keeps nothing of a job that is done. As one that judges it \
         reads what was printed, and keeps the CLI's result, as the daemon does.",
    );
    table.note("task-spooler doesn't wait for its children, so the kernel books none of their time on it.");
    vec![table]
}

fn contenders(tasks: usize) -> Vec<Contender> {
    let contender = |name, tasks, measure: Box<dyn Fn(usize) -> Cost>| Contender {
        name,
        tasks,
        measure,
        handed: Rounds::default(),
        whole: Rounds::default(),
        wall: Rounds::default(),
        own: Rounds::default(),
        children: Rounds::default(),
        has_failed: false,
    };
    let few = tasks.div_ceil(5);
    let mut all = vec![
        contender("orchestrator", tasks, Box::new(|tasks| of_daemon(&Setup::default(), tasks))),
        contender(
            "orchestrator, project in git",
            few,
            Box::new(|tasks| of_daemon(&Setup { git: true, ..Setup::default() }, tasks)),
        ),
        contender(
            "orchestrator, with notifications",
            few,
            Box::new(|tasks| {
                let receiver = Receiver::start();
                of_daemon(&Setup { notify: Some(receiver.url()), ..Setup::default() }, tasks)
            }),
        ),
        contender("durable loop (limit)", tasks, Box::new(|tasks| of_loop("durable-loop", tasks))),
        contender("plain spawn loop", tasks, Box::new(|tasks| of_loop("plain-loop", tasks))),
    ];
    let peers = Peers::get();
    if let Some(python) = peers.python.as_deref() {
        all.push(contender("Flask program", tasks, Box::new(|tasks| of_flask(python, tasks))));
        for (name, job) in [("huey, SQLite, fsync", "run"), ("huey that judges and keeps results", "judge")] {
            all.push(contender(
                name,
                tasks,
                Box::new(move |tasks| of_queue(&Queue::huey(python, job), tasks)),
            ));
        }
    }
    if let Some(programs) = peers.task_spooler.as_deref() {
        all.push(contender(
            "task-spooler",
            tasks,
            Box::new(|tasks| of_queue(&Queue::task_spooler(programs), tasks)),
        ));
    }
    if let Some(programs) = peers.pueue.as_deref() {
        all.push(contender("pueue", POLLED, Box::new(|tasks| of_queue(&Queue::pueue(programs), tasks))));
    }
    all
}

fn of_daemon(setup: &Setup, tasks: usize) -> Cost {
    let daemon = Daemon::start(setup);
    let watched = Watched::one(daemon.server().running.pid());
    cost(&watched, tasks, || {
        let began = Instant::now();
        let session = daemon.start_session(tasks);
        let handed = began.elapsed();
        daemon.see_through(&session, tasks);
        (handed, daemon.printed_at(&session, 1), daemon.printed_at(&session, tasks))
    })
}

fn of_flask(python: &Path, tasks: usize) -> Cost {
    let flask = Flask::start(python, Under::Werkzeug, "auto", None, None);
    let watched = Watched::one(flask.server.running.pid());
    cost(&watched, tasks, || {
        let began = Instant::now();
        flask.start_session(tasks);
        let handed = began.elapsed();
        let last = flask.output_of(tasks);
        until("Flask's last task", A_SESSION, || last.exists().then_some(()));
        flask.see_through();
        (handed, changed(&flask.output_of(1)), changed(&last))
    })
}

/// The queue is filled behind a task that waits, so that filling it is measured by itself.
fn of_queue(queue: &Queue, tasks: usize) -> Cost {
    let folder = queue.folder();
    let (go, waits) = (folder.join("go"), folder.join("wait-for-go"));
    let script = format!("#!/bin/sh\nuntil [ -e '{}' ]; do sleep 0.02; done\n", go.display());
    fs::write(&waits, script).unwrap();
    fs::set_permissions(&waits, fs::Permissions::from_mode(0o755)).unwrap();
    let program = stand_in::at_once(folder);
    let output = |task: usize| folder.join(format!("out-{task}"));
    let mut commands = vec![waits.display().to_string()];
    commands.extend((1..=tasks).map(|task| format!("{} {}", program.display(), output(task).display())));
    let handed = queue.add(&commands);
    cost(&Watched::one(queue.pid), tasks, || {
        fs::write(go, "").unwrap();
        let printed = || output(tasks).metadata().ok().filter(|file| file.len() > 0).map(|_| ());
        until("the queue's last task", A_SESSION, printed);
        sleep(Duration::from_millis(100));
        (handed, changed(&output(1)), changed(&output(tasks)))
    })
}

fn of_loop(part: &str, tasks: usize) -> Cost {
    let folder = folder("loop");
    let program = stand_in::at_once(folder.path());
    if part == "durable-loop" {
        let mut daemon = Daemon::start(&Setup::default());
        daemon.stop();
        fs::copy(daemon.database(), folder.path().join("orchestrator.db")).unwrap();
    }
    let looped = bare::looped(part, folder.path(), &program, tasks);
    let count = tasks as f64;
    Cost {
        handed: None,
        wall: looped.seconds / count,
        own: looped.own / count,
        children: looped.children / count,
    }
}

/// What `session` costs, which answers with how long it took to hand it over, and when the first and the last task were done.
fn cost(
    watched: &Watched,
    tasks: usize,
    session: impl FnOnce() -> (Duration, SystemTime, SystemTime),
) -> Cost {
    let before = watched.cpu();
    let (handed, first, last) = session();
    let cpu = watched.cpu().since(before);
    Cost {
        handed: Some(handed.as_secs_f64() / tasks as f64),
        wall: last.duration_since(first).unwrap_or_default().as_secs_f64() / (tasks - 1) as f64,
        own: cpu.own.as_secs_f64() / tasks as f64,
        children: cpu.children.as_secs_f64() / tasks as f64,
    }
}

fn changed(file: &Path) -> SystemTime {
    file.metadata().unwrap().modified().unwrap()
}

//! How the daemon ends: in two stages, and never because one of its parts died unnoticed.
//!
//! The *soft* token asks everything to finish what it is doing; the *hard* one, its parent, asks to drop it. The first
//! SIGTERM or SIGINT cancels the soft token, the second the hard one, and so does a drain that takes too long. A task
//! that panics, or that ends before it was asked to, drains the whole daemon and makes its end an unclean one: nothing
//! limps. Knows nothing of what the tasks do.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// How long tasks may take to drop what they are doing before they are aborted.
const LAST_MOMENT: Duration = Duration::from_secs(2);

/// The tasks that make up the daemon, and the tokens that end them.
#[derive(Debug)]
pub struct Lifecycle {
    soft: CancellationToken,
    hard: CancellationToken,
    signals: mpsc::Receiver<Signal>,
    tasks: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

/// A wish from outside that the daemon end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT, from a terminal.
    Interrupt,
    /// SIGTERM, from a service manager.
    Terminate,
}

/// How the daemon ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Whether it was asked to, and every task finished in time: whether to exit with 0.
    pub clean: bool,
    /// What made it end.
    pub why: Why,
    /// The tasks that didn't finish what they were doing.
    pub unfinished: Vec<&'static str>,
}

/// What made the daemon end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Somebody sent a signal.
    Signal(Signal),
    /// A part of the daemon cancelled a token: the work is done.
    Asked,
    /// This task ended by itself, which it must not.
    EndedEarly(&'static str),
    /// This task panicked.
    Panicked(&'static str),
}

impl Lifecycle {
    /// Begins to listen for signals, which from now on don't end the process by themselves. Needs a runtime.
    pub fn new() -> io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let (sender, signals) = mpsc::channel(2);
        tokio::spawn(async move {
            loop {
                let signal = tokio::select! {
                    Some(()) = interrupt.recv() => Signal::Interrupt,
                    Some(()) = terminate.recv() => Signal::Terminate,
                    else => return,
                };
                if sender.send(signal).await.is_err() {
                    return;
                }
            }
        });
        Ok(Self::with_signals(signals))
    }

    fn with_signals(signals: mpsc::Receiver<Signal>) -> Self {
        let hard = CancellationToken::new();
        Self { soft: hard.child_token(), hard, signals, tasks: JoinSet::new(), names: HashMap::new() }
    }

    /// The token that asks to begin nothing new and to finish.
    pub fn soft(&self) -> CancellationToken {
        self.soft.clone()
    }

    /// The token that asks to drop everything at once.
    pub fn hard(&self) -> CancellationToken {
        self.hard.clone()
    }

    /// Starts a task that must live until the soft token is cancelled.
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let id = self.tasks.spawn(task).id();
        self.names.insert(id, name);
    }

    /// Waits until the daemon is to end, and leaves it at that.
    pub async fn asked(&mut self) -> Why {
        self.wait_for_the_end().await
    }

    /// Waits until the daemon is to end, then until its tasks have; those that take longer than `grace` are told to drop
    /// what they are doing, and in the end aborted.
    pub async fn run_until_drained(mut self, grace: Duration) -> Ended {
        let why = self.wait_for_the_end().await;
        self.soft.cancel();
        tracing::info!("draining: {why}");
        let unfinished = self.drain(Instant::now() + grace).await;
        let asked_for = match why {
            Why::Signal(_) | Why::Asked => true,
            Why::EndedEarly(_) | Why::Panicked(_) => false,
        };
        Ended { clean: asked_for && unfinished.is_empty(), why, unfinished }
    }

    async fn wait_for_the_end(&mut self) -> Why {
        tokio::select! {
            biased;
            () = self.soft.cancelled() => Why::Asked,
            Some(signal) = self.signals.recv() => Why::Signal(signal),
            Some(ended) = self.tasks.join_next_with_id() => match self.name(ended) {
                Ok(name) => Why::EndedEarly(name),
                Err(name) => Why::Panicked(name),
            },
        }
    }

    /// Waits for the tasks to finish; gives the names of those that didn't.
    async fn drain(&mut self, deadline: Instant) -> Vec<&'static str> {
        let mut unfinished = Vec::new();
        loop {
            tokio::select! {
                biased;
                ended = self.tasks.join_next_with_id() => match ended {
                    Some(ended) => unfinished.extend(self.name(ended).err()),
                    None => return unfinished,
                },
                Some(_) = self.signals.recv() => break,
                () = self.hard.cancelled() => break,
                () = sleep_until(deadline) => break,
            }
        }
        let mut late: Vec<_> = self.names.values().copied().collect();
        late.sort_unstable();
        tracing::warn!("dropping what isn't finished: {}", late.join(", "));
        unfinished.append(&mut late);
        self.end_at_once().await;
        unfinished
    }

    /// Gives the tasks a last moment. One that blocks its thread can't be aborted, and isn't waited for.
    async fn end_at_once(&mut self) {
        self.hard.cancel();
        let all_ended = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(LAST_MOMENT, all_ended).await.is_err() {
            self.tasks.abort_all();
        }
    }

    /// The name of a task that ended; as an error, of one that panicked.
    fn name(&mut self, ended: Result<(Id, ()), JoinError>) -> Result<&'static str, &'static str> {
        let (id, panicked) = match ended {
            Ok((id, ())) => (id, false),
            Err(error) => (error.id(), true),
        };
        let name = self.names.remove(&id).unwrap_or("a task");
        if panicked { Err(name) } else { Ok(name) }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(Signal::Interrupt) => f.write_str("received SIGINT"),
            Self::Signal(Signal::Terminate) => f.write_str("received SIGTERM"),
            Self::Asked => f.write_str("the work is done"),
            Self::EndedEarly(name) => write!(f, "{name} ended by itself"),
            Self::Panicked(name) => write!(f, "{name} panicked"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ended, Lifecycle, Signal, Why};
    use std::future::pending;
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use rustix::process::{Pid, Signal as UnixSignal, kill_process};
    use tokio::sync::mpsc;

    const LONG: Duration = Duration::from_mins(5);

    fn lifecycle() -> (mpsc::Sender<Signal>, Lifecycle) {
        let (sender, signals) = mpsc::channel(2);
        (sender, Lifecycle::with_signals(signals))
    }

    #[tokio::test]
    async fn the_first_signal_lets_tasks_finish() {
        let (signals, mut lifecycle) = lifecycle();
        let (soft, hard) = (lifecycle.soft(), lifecycle.hard());
        let (sender, mut finished) = mpsc::channel(1);
        lifecycle.spawn("worker", async move {
            soft.cancelled().await;
            sender.send(()).await.unwrap();
        });
        signals.send(Signal::Terminate).await.unwrap();
        let ended = lifecycle.run_until_drained(LONG).await;
        assert_eq!(ended, Ended { clean: true, why: Why::Signal(Signal::Terminate), unfinished: vec![] });
        assert_eq!(finished.recv().await, Some(()));
        assert!(!hard.is_cancelled());
    }

    #[tokio::test]
    async fn the_second_signal_drops_what_is_unfinished() {
        let (signals, mut lifecycle) = lifecycle();
        let hard = lifecycle.hard();
        lifecycle.spawn("stubborn", async move { hard.cancelled().await });
        signals.send(Signal::Interrupt).await.unwrap();
        signals.send(Signal::Interrupt).await.unwrap();
        let ended = lifecycle.run_until_drained(LONG).await;
        let why = Why::Signal(Signal::Interrupt);
        assert_eq!(ended, Ended { clean: false, why, unfinished: vec!["stubborn"] });
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_that_takes_too_long_is_cut_short() {
        let (signals, mut lifecycle) = lifecycle();
        lifecycle.spawn("deaf", pending());
        signals.send(Signal::Terminate).await.unwrap();
        let ended = lifecycle.run_until_drained(Duration::from_secs(10)).await;
        assert!(!ended.clean);
        assert_eq!(ended.unfinished, ["deaf"]);
    }

    #[tokio::test]
    async fn a_task_that_dies_drains_the_others() {
        for (why, panics) in [(Why::EndedEarly("notifier"), false), (Why::Panicked("notifier"), true)] {
            let (_signals, mut lifecycle) = lifecycle();
            let soft = lifecycle.soft();
            lifecycle.spawn("worker", async move { soft.cancelled().await });
            lifecycle.spawn("notifier", async move { assert!(!panics, "on purpose") });
            let ended = lifecycle.run_until_drained(LONG).await;
            assert_eq!(ended, Ended { clean: false, why, unfinished: vec![] });
        }
    }

    #[tokio::test]
    async fn a_panic_during_the_drain_is_no_clean_end() {
        let (_signals, mut lifecycle) = lifecycle();
        let soft = lifecycle.soft();
        lifecycle.soft().cancel();
        lifecycle.spawn("worker", async move {
            soft.cancelled().await;
            panic!("on purpose");
        });
        let ended = lifecycle.run_until_drained(LONG).await;
        assert_eq!(ended, Ended { clean: false, why: Why::Asked, unfinished: vec!["worker"] });
    }

    const CHILD: &str = "LIFECYCLE_TEST_CHILD";

    /// Runs this test's own program again, as a process that may be signalled.
    #[test]
    fn a_real_sigterm_ends_a_real_process() {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "lifecycle::tests::waits_for_a_signal_in_a_child"])
            .env(CHILD, "yes")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("listening")));
        kill_process(Pid::from_child(&child), UnixSignal::TERM).unwrap();
        let said: Vec<_> = lines.map(Result::unwrap).collect();
        assert!(child.wait().unwrap().success(), "{said:?}");
        assert!(said.iter().any(|line| line.contains("received SIGTERM")), "{said:?}");
    }

    #[tokio::test]
    async fn waits_for_a_signal_in_a_child() {
        if std::env::var_os(CHILD).is_none() {
            return;
        }
        let mut lifecycle = Lifecycle::new().unwrap();
        let soft = lifecycle.soft();
        lifecycle.spawn("worker", async move { soft.cancelled().await });
        println!("listening");
        let ended = lifecycle.run_until_drained(LONG).await;
        println!("{}", ended.why);
        assert!(ended.clean);
    }
}

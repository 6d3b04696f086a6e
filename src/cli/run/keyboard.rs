//! The lines that are typed, and that nothing typed between two questions disturbs what is shown.

use std::io::{self, BufRead as _};
use std::thread;

use rustix::process::getpgrp;
use rustix::stdio::stdin;
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, Termios, isatty, tcflush, tcgetattr, tcgetpgrp, tcsetattr,
};
use tokio::sync::mpsc;

/// A terminal's keyboard. Between questions it does not echo; dropped, the terminal is as it was.
#[derive(Debug)]
pub(super) struct Keyboard {
    lines: mpsc::Receiver<String>,
    before: Option<Termios>,
}

impl Keyboard {
    /// The keyboard of the terminal on stdin, if this process may read from it.
    pub(super) fn open() -> Option<Self> {
        if !isatty(stdin()) || !is_in_foreground() {
            return None;
        }
        let (sender, lines) = mpsc::channel(16);
        // It ends with the process: a read from a terminal can't be called off.
        thread::spawn(move || {
            for line in io::stdin().lock().split(b'\n') {
                let Ok(line) = line else { return };
                if sender.blocking_send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
            }
        });
        let keyboard = Self { lines, before: tcgetattr(stdin()).ok() };
        keyboard.silence();
        Some(keyboard)
    }

    /// The next line; `None` when there will be no more.
    pub(super) async fn line(&mut self) -> Option<String> {
        self.lines.recv().await
    }

    /// Forgets what was typed before the question was asked, and shows what is typed from now on.
    pub(super) fn listen(&mut self) {
        // Without it, an old line would only be taken for an answer that can't be understood.
        let _ = tcflush(stdin(), QueueSelector::IFlush);
        while self.lines.try_recv().is_ok() {}
        self.restore();
    }

    /// Shows nothing of what is typed until the next question.
    pub(super) fn silence(&self) {
        if let Some(before) = &self.before {
            let mut silent = before.clone();
            silent.local_modes.remove(LocalModes::ECHO);
            set(&silent);
        }
    }

    fn restore(&self) {
        if let Some(before) = &self.before {
            set(before);
        }
    }
}

/// Changes the terminal, unless it is somebody else's now: that would stop this process.
fn set(modes: &Termios) {
    if is_in_foreground() {
        let _ = tcsetattr(stdin(), OptionalActions::Now, modes);
    }
}

fn is_in_foreground() -> bool {
    tcgetpgrp(stdin()).is_ok_and(|foreground| foreground == getpgrp())
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        self.restore();
    }
}

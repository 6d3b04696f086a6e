//! Asks a server at an even rate, or as fast as it answers, over connections that are kept.
//!
//! One thread waits for all connections at once, so that little of the machine goes into asking. At a rate, a question that
//! can't be asked when it is due, because every connection still waits for an answer, counts from when it was due: a slow
//! answer isn't hidden by the questions that it keeps from being asked.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::connection::{connect, parse};
use crate::statistics::quantile;

/// How many connections ask.
pub const CONNECTIONS: usize = 8;
/// What a thread that slept may be late by without anybody's fault.
const LATE: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(20);

/// How fast to ask.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// So many times a second.
    PerSecond(u32),
    /// The next question with each answer.
    Saturation,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    took: Vec<Duration>,
    statuses: BTreeMap<u16, usize>,
    broken: usize,
    lasted: Duration,
}

/// Asks for so long; the n-th question is what `question` makes of n.
pub fn ask(
    port: u16,
    pace: Pace,
    lasting: Duration,
    question: &dyn Fn(u64) -> Vec<u8>,
) -> io::Result<Answers> {
    let mut callers = (0..CONNECTIONS).map(|_| Caller::new(port)).collect::<io::Result<Vec<_>>>()?;
    let mut answers = Answers::default();
    let began = Instant::now();
    let mut asked = 0;
    loop {
        let now = Instant::now();
        let is_over = now >= began + lasting;
        if is_over && callers.iter().all(|caller| caller.since.is_none()) {
            break;
        }
        if now >= began + lasting + PATIENCE {
            answers.broken += callers.iter().filter(|caller| caller.since.is_some()).count();
            break;
        }
        while !is_over && pace.due(began, asked) <= Instant::now() {
            let Some(caller) = callers.iter_mut().find(|caller| caller.since.is_none()) else { break };
            let (due, now) = (pace.due(began, asked), Instant::now());
            let from = if pace == Pace::Saturation || now - due < LATE { now } else { due };
            caller.ask(question(asked), from)?;
            asked += 1;
        }
        let wait = match pace {
            Pace::PerSecond(_) if !is_over && callers.iter().any(|caller| caller.since.is_none()) => {
                pace.due(began, asked).saturating_duration_since(Instant::now())
            }
            Pace::PerSecond(_) | Pace::Saturation => PATIENCE,
        };
        await_any(&callers, wait)?;
        for caller in callers.iter_mut().filter(|caller| caller.since.is_some()) {
            caller.take_in(&mut answers)?;
        }
    }
    answers.lasted = began.elapsed();
    answers.took.sort_unstable();
    Ok(answers)
}

impl Pace {
    fn due(self, began: Instant, number: u64) -> Instant {
        match self {
            Self::PerSecond(rate) => began + Duration::from_nanos(number * 1_000_000_000 / u64::from(rate)),
            Self::Saturation => began,
        }
    }
}

fn await_any(callers: &[Caller], wait: Duration) -> io::Result<()> {
    let mut polled: Vec<PollFd<'_>> = callers
        .iter()
        .filter(|caller| caller.since.is_some())
        .map(|caller| PollFd::new(&caller.stream, PollFlags::IN))
        .collect();
    let wait = Timespec { tv_sec: wait.as_secs().cast_signed(), tv_nsec: wait.subsec_nanos().into() };
    match poll(&mut polled, Some(&wait)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// One connection, and the question that it waits for an answer to.
struct Caller {
    port: u16,
    stream: TcpStream,
    question: Vec<u8>,
    since: Option<Instant>,
    seen: Vec<u8>,
    answered: bool,
}

impl Caller {
    fn new(port: u16) -> io::Result<Self> {
        Ok(Self {
            port,
            stream: fresh(port)?,
            question: Vec::new(),
            since: None,
            seen: Vec::new(),
            answered: false,
        })
    }

    fn ask(&mut self, question: Vec<u8>, from: Instant) -> io::Result<()> {
        self.question = question;
        self.since = Some(from);
        self.seen.clear();
        if self.stream.write_all(&self.question).is_err() {
            self.ask_again()?;
        }
        Ok(())
    }

    /// On a new connection: the server has ended the old one.
    fn ask_again(&mut self) -> io::Result<()> {
        self.answered = false;
        self.stream = fresh(self.port)?;
        self.stream.write_all(&self.question)
    }

    fn take_in(&mut self, answers: &mut Answers) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return self.is_ended(answers),
                Ok(count) => self.seen.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(_) => return self.is_ended(answers),
            }
            if let Some(answer) = parse(&self.seen) {
                answers.took.extend(self.since.take().map(|since| since.elapsed()));
                *answers.statuses.entry(answer.status).or_default() += 1;
                self.answered = true;
                if answer.closes() {
                    self.answered = false;
                    self.stream = fresh(self.port)?;
                }
                return Ok(());
            }
        }
    }

    fn is_ended(&mut self, answers: &mut Answers) -> io::Result<()> {
        if self.answered && self.seen.is_empty() {
            return self.ask_again();
        }
        answers.broken += 1;
        self.since = None;
        self.stream = fresh(self.port)?;
        Ok(())
    }
}

fn fresh(port: u16) -> io::Result<TcpStream> {
    let stream = connect(port)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

impl Answers {
    pub fn count(&self) -> usize {
        self.took.len()
    }

    pub fn per_second(&self) -> f64 {
        self.took.len() as f64 / self.lasted.as_secs_f64()
    }

    /// Milliseconds within which this share of the answers came.
    pub fn milliseconds(&self, share: f64) -> f64 {
        quantile(&self.took, share).map_or(f64::NAN, |took| took.as_secs_f64() * 1000.0)
    }

    /// How many answers had another status than this one, or never came.
    pub fn other_than(&self, status: u16) -> usize {
        let others = self.statuses.iter().filter(|(other, _)| **other != status);
        self.broken + others.map(|(_, count)| count).sum::<usize>()
    }

    /// Takes another round's answers for this one's, too.
    pub fn join(&mut self, other: &Self) {
        self.took.extend(&other.took);
        self.took.sort_unstable();
    }
}

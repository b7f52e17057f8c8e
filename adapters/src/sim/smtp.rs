//! A simulated mail relay: a real SMTP server on loopback that keeps what it is given.
//!
//! The wire's mischief is asked once per message, when its content has been received: like any relay it
//! cannot be asked later what it accepted.

use super::{
    ledger::Ledger,
    wire::{Call, Delivery, Fate, Meddler},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use navette_domain::ports::Neighbour;
use std::{
    fmt, io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// The effect that the ledger notes, keyed by the Message-ID.
pub const MAIL: &str = "mail";

const LONGEST_LINE: u64 = 64 << 10;

/// From an address to the answer that refuses it, if any.
pub type Refuse = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// How the relay behaves. The default takes everything from everybody, up to 20 MiB.
#[derive(Clone)]
pub struct Options {
    /// The login and password that are asked for.
    pub account: Option<(String, String)>,
    /// The answer to `RCPT TO` for an address, such as `550 5.1.1 unknown`, when it is not taken.
    pub refuse: Refuse,
    /// The largest message.
    pub largest: usize,
    /// The port to listen on; any free one otherwise.
    pub port: Option<u16>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            account: None,
            refuse: Arc::new(|_| None),
            largest: 20 << 20,
            port: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").finish_non_exhaustive()
    }
}

/// A message that the relay accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Its Message-ID, without angle brackets.
    pub message_id: String,
    /// The addresses it goes to.
    pub to: Vec<String>,
    /// The message as it was sent.
    pub raw: Vec<u8>,
}

struct Relay {
    ledger: Ledger,
    meddler: Meddler,
    options: Options,
    accepted: Mutex<Vec<Accepted>>,
}

/// A running relay; it stops when dropped.
pub struct SmtpSim {
    address: SocketAddr,
    relay: Arc<Relay>,
    accepting: JoinHandle<()>,
}

impl SmtpSim {
    /// Starts on loopback.
    pub async fn start(ledger: Ledger, meddler: Meddler, options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", options.port.unwrap_or(0))).await?;
        let address = listener.local_addr()?;
        let relay = Arc::new(Relay {
            ledger,
            meddler,
            options,
            accepted: Mutex::default(),
        });
        let serving = relay.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let session = Session::new(serving.clone(), stream);
                // An error here is a connection cut on purpose, or by the client.
                tokio::spawn(async move { session.run().await.ok() });
            }
        });
        Ok(Self {
            address,
            relay,
            accepting,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it accepted, in order.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.relay
            .accepted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for SmtpSim {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

struct Session {
    relay: Arc<Relay>,
    stream: BufReader<TcpStream>,
    known: bool,
    from: Option<String>,
    to: Vec<String>,
}

impl Session {
    fn new(relay: Arc<Relay>, stream: TcpStream) -> Self {
        Self {
            known: relay.options.account.is_none(),
            relay,
            stream: BufReader::new(stream),
            from: None,
            to: Vec::new(),
        }
    }

    async fn run(mut self) -> io::Result<()> {
        self.say("220 simulateur ESMTP").await?;
        loop {
            let line = self.line().await?;
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" | "HELO" => self.greet().await?,
                "AUTH" => self.authenticate(rest).await?,
                "MAIL" => self.begin(rest).await?,
                "RCPT" => self.address(rest).await?,
                "DATA" => self.receive().await?,
                "RSET" => {
                    self.forget();
                    self.say("250 2.0.0 forgotten").await?;
                }
                "NOOP" => self.say("250 2.0.0 here").await?,
                "QUIT" => return self.say("221 2.0.0 bye").await,
                _ => self.say("502 5.5.1 unknown command").await?,
            }
        }
    }

    async fn greet(&mut self) -> io::Result<()> {
        let size = format!("250-SIZE {}", self.relay.options.largest);
        self.say("250-simulateur").await?;
        self.say(&size).await?;
        if self.relay.options.account.is_some() {
            self.say("250-AUTH PLAIN").await?;
        }
        self.say("250 8BITMIME").await
    }

    /// `AUTH PLAIN`, with its initial response (RFC 4616).
    async fn authenticate(&mut self, rest: &str) -> io::Result<()> {
        let given = rest
            .strip_prefix("PLAIN ")
            .and_then(|text| BASE64_STANDARD.decode(text).ok());
        let expected = self.relay.options.account.as_ref();
        let expected =
            expected.map(|(login, password)| format!("\0{login}\0{password}").into_bytes());
        self.known = given.is_some() && given == expected;
        let answer = if self.known {
            "235 2.7.0 welcome"
        } else {
            "535 5.7.8 bad credentials"
        };
        self.say(answer).await
    }

    async fn begin(&mut self, rest: &str) -> io::Result<()> {
        self.forget();
        let announced = rest
            .split(' ')
            .find_map(|word| word.strip_prefix("SIZE=")?.parse().ok());
        if !self.known {
            return self.say("530 5.7.0 authentication required").await;
        }
        if announced.is_some_and(|size: usize| size > self.relay.options.largest) {
            return self.say("552 5.3.4 too large").await;
        }
        self.from = bracketed(rest);
        match self.from {
            Some(_) => self.say("250 2.1.0 sender ok").await,
            None => self.say("501 5.5.4 no address").await,
        }
    }

    async fn address(&mut self, rest: &str) -> io::Result<()> {
        let Some(address) = bracketed(rest).filter(|_| self.from.is_some()) else {
            return self.say("503 5.5.1 sender first").await;
        };
        if let Some(refusal) = (self.relay.options.refuse)(&address) {
            return self.say(&refusal).await;
        }
        self.to.push(address);
        self.say("250 2.1.5 recipient ok").await
    }

    async fn receive(&mut self) -> io::Result<()> {
        if self.to.is_empty() {
            return self.say("503 5.5.1 recipient first").await;
        }
        self.say("354 go on").await?;
        let raw = self.content().await?;
        let call = Call {
            neighbour: Neighbour::Smtp,
            operation: "DATA".into(),
        };
        let mischief = self.relay.meddler.current();
        match mischief.before(&call) {
            Fate::Serve => {}
            Fate::Delay(pause) => tokio::time::sleep(pause).await,
            Fate::Unavailable => return self.say("451 4.3.0 try again later").await,
            Fate::HangUp => return Err(io::ErrorKind::ConnectionReset.into()),
        }
        if raw.len() > self.relay.options.largest {
            return self.say("552 5.3.4 too large").await;
        }
        self.keep(raw);
        if mischief.applied(&call) == Delivery::Lose {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        self.say("250 2.0.0 accepted").await?;
        mischief.answered(&call);
        Ok(())
    }

    fn keep(&mut self, raw: Vec<u8>) {
        let message_id = message_id(&raw);
        self.relay
            .ledger
            .note(Neighbour::Smtp, MAIL, &message_id, Some(&raw));
        let accepted = Accepted {
            message_id,
            to: std::mem::take(&mut self.to),
            raw,
        };
        self.relay
            .accepted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(accepted);
        self.forget();
    }

    /// The lines up to the lone dot, without the dots that were doubled on the way.
    async fn content(&mut self) -> io::Result<Vec<u8>> {
        let mut raw = Vec::new();
        loop {
            let line = self.line().await?;
            if line == b".\r\n" {
                return Ok(raw);
            }
            // What exceeds the limit is read, for the answer to be heard, but not kept.
            if raw.len() <= self.relay.options.largest {
                raw.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            }
        }
    }

    fn forget(&mut self) {
        self.from = None;
        self.to.clear();
    }

    async fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        (&mut self.stream)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
            .await?;
        if line.ends_with(b"\n") {
            Ok(line)
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }

    async fn say(&mut self, text: &str) -> io::Result<()> {
        self.stream
            .write_all(format!("{text}\r\n").as_bytes())
            .await?;
        self.stream.flush().await
    }
}

/// `FROM:<address> SIZE=12` → `address`
fn bracketed(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('<')?;
    rest.split_once('>').map(|(address, _)| address.to_owned())
}

fn message_id(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    let headers = text
        .split("\r\n\r\n")
        .next()
        .unwrap_or_default()
        .replace("\r\n ", " ");
    let value = headers.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("Message-ID")
            .then(|| value.trim().to_owned())
    });
    let value = value.unwrap_or_default();
    value.trim_matches(['<', '>']).to_owned()
}

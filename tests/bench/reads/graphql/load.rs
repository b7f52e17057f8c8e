//! Whoever asks: the same for both servers, over connections that stay open.

use super::server::Server;
use anyhow::{Context as _, ensure};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, StatusCode,
    body::Bytes,
    client::conn::http1::{self, SendRequest},
    header,
};
use hyper_util::rt::TokioIo;
use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, task::LocalSet};

/// One connection to a server.
pub struct Line<'s> {
    server: &'s Server,
    sender: SendRequest<Full<Bytes>>,
}

impl<'s> Line<'s> {
    pub async fn open(server: &'s Server) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(server.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            // A connection that breaks is seen by whoever asks.
            let _ = connection.await;
        });
        Ok(Self { server, sender })
    }

    /// What a question is answered; anything but data is an error.
    pub async fn ask(&mut self, question: &Bytes) -> anyhow::Result<Bytes> {
        let mut request = Request::post("/graphql")
            .header(header::HOST, self.server.address.to_string())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json");
        if let Some(token) = &self.server.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Full::new(question.clone()))?;
        let answer = self.sender.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        let whole = status == StatusCode::OK
            && body.starts_with(b"{\"data\":{")
            // Both questions end with the rows, and errors would come after them.
            && body.ends_with(b"]}}}");
        ensure!(
            whole,
            "{}: {status}: {}",
            self.server.name,
            String::from_utf8_lossy(body.get(..2_000).unwrap_or(&body))
        );
        Ok(body)
    }
}

/// What was answered in a while.
#[derive(Default)]
pub struct Answered {
    pub seconds: f64,
    /// The milliseconds of each answer.
    pub waits: Vec<f64>,
}

/// Asks over so many connections for so long; the questions take turns.
pub fn load(
    server: &Server,
    questions: &[Bytes],
    connections: usize,
    duration: Duration,
) -> anyhow::Result<Answered> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let turn = Rc::new(Cell::new(0));
    LocalSet::new().block_on(&runtime, async {
        let lines = (0..connections).map(|_| Line::open(server));
        let lines = futures::future::try_join_all(lines).await?;
        let began = Instant::now();
        let asking = lines.into_iter().map(|mut line| {
            let turn = turn.clone();
            async move {
                let mut waits = vec![];
                while began.elapsed() < duration {
                    let question = questions.get(turn.get() % questions.len());
                    turn.set(turn.get() + 1);
                    let asked = Instant::now();
                    line.ask(question.context("no questions")?).await?;
                    waits.push(asked.elapsed().as_secs_f64() * 1000.0);
                }
                anyhow::Ok(waits)
            }
        });
        let waits = futures::future::try_join_all(asking).await?;
        Ok(Answered {
            seconds: began.elapsed().as_secs_f64(),
            waits: waits.concat(),
        })
    })
}

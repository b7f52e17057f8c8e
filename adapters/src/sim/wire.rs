//! The wire under a simulated neighbour: a loopback HTTP server that can be slow, be down, lose an answer,
//! or tell a test at each of the three moments of a request.

use axum::{
    Router,
    body::Body,
    http::{Request, Response, StatusCode},
};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use navette_domain::ports::Neighbour;
use std::{
    io,
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinHandle};
use tower::ServiceExt as _;

/// One request that reached a simulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Who was called.
    pub neighbour: Neighbour,
    /// The operation, such as `CreerDossier` or `PUT`.
    pub operation: String,
}

/// What becomes of a request before the neighbour hears it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is served.
    Serve,
    /// It is served after a while.
    Delay(Duration),
    /// It is answered 503, and nothing is done.
    Unavailable,
    /// The connection is cut, and nothing is done.
    HangUp,
}

/// What becomes of an answer after the neighbour did its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It is sent.
    Answer,
    /// The connection is cut: done, but nobody knows.
    Lose,
}

/// Somebody who meddles with the wire. The default meddles with nothing.
pub trait Mischief: Send + Sync {
    /// Called before the neighbour hears the request.
    fn before(&self, _call: &Call) -> Fate {
        Fate::Serve
    }
    /// Called when the neighbour has done its work and has not answered.
    fn applied(&self, _call: &Call) -> Delivery {
        Delivery::Answer
    }
    /// Called when the answer has been handed to the wire.
    fn answered(&self, _call: &Call) {}
}

/// A wire that does its work.
#[derive(Debug, Default)]
pub struct Faithful;
impl Mischief for Faithful {}

/// The mischief of a whole run, which a test may change at any time.
#[derive(Clone)]
pub struct Meddler(Arc<RwLock<Arc<dyn Mischief>>>);

impl Default for Meddler {
    fn default() -> Self {
        Self(Arc::new(RwLock::new(Arc::new(Faithful))))
    }
}

impl Meddler {
    /// From now on, `mischief` decides.
    pub fn becomes(&self, mischief: impl Mischief + 'static) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(mischief);
    }

    /// The mischief in force.
    pub fn current(&self) -> Arc<dyn Mischief> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// A running HTTP simulator; it stops when dropped.
#[derive(Debug)]
pub struct Server {
    /// Where it listens, always on loopback.
    pub address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Server {
    /// `http://127.0.0.1:port`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// How a simulator names the operation of a request: from its method, path, headers and body.
pub type Namer = fn(&Request<()>, &[u8]) -> String;

const LARGEST_REQUEST: usize = 128 << 20;

/// Serves `router` on a free loopback port, or on `port`.
pub async fn serve(
    neighbour: Neighbour,
    router: Router,
    name: Namer,
    meddler: Meddler,
    port: Option<u16>,
) -> io::Result<Server> {
    let listener = TcpListener::bind(("127.0.0.1", port.unwrap_or(0))).await?;
    let address = listener.local_addr()?;
    let accepting = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (router, meddler) = (router.clone(), meddler.clone());
            let service = hyper::service::service_fn(move |request| {
                answer(neighbour, router.clone(), name, meddler.current(), request)
            });
            tokio::spawn(async move {
                // An error here is a connection cut on purpose, or by the client.
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    Ok(Server { address, accepting })
}

async fn answer(
    neighbour: Neighbour,
    router: Router,
    name: Namer,
    mischief: Arc<dyn Mischief>,
    request: Request<hyper::body::Incoming>,
) -> io::Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let body: Bytes = http_body_util::Limited::new(body, LARGEST_REQUEST)
        .collect()
        .await
        .map_err(io::Error::other)?
        .to_bytes();
    let head = Request::from_parts(parts.clone(), ());
    let call = Call {
        neighbour,
        operation: name(&head, &body),
    };
    match mischief.before(&call) {
        Fate::Serve => {}
        Fate::Delay(pause) => tokio::time::sleep(pause).await,
        Fate::Unavailable => {
            let mut response = Response::new(Body::from("service unavailable"));
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            return Ok(response);
        }
        Fate::HangUp => return Err(io::ErrorKind::ConnectionReset.into()),
    }
    let response = match router
        .oneshot(Request::from_parts(parts, Body::from(body)))
        .await
    {
        Ok(response) => response,
        Err(never) => match never {},
    };
    if mischief.applied(&call) == Delivery::Lose {
        return Err(io::ErrorKind::ConnectionReset.into());
    }
    tokio::spawn(async move {
        // The answer leaves right after this function returns; there is no hook later than this one.
        tokio::time::sleep(Duration::from_millis(3)).await;
        mischief.answered(&call);
    });
    Ok(response)
}

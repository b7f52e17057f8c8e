//! The HTTP door of a running process.

use crate::{
    app::App,
    config::HttpConfig,
    graphql::persisted::Persisted,
    http::{self, Doors},
    workers::{Stop, stopped},
};
use anyhow::Context as _;
use std::{future::IntoFuture as _, net::SocketAddr, time::Duration};
use tokio::{net::TcpListener, task::JoinHandle};

/// How long those who are being answered have once the process is told to stop.
const FAREWELL: Duration = Duration::from_secs(10);

/// An address that is ours.
pub struct Door {
    listener: TcpListener,
    address: SocketAddr,
}

impl Door {
    /// Takes the address, so that a port that is taken is known before anything else starts.
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("listening on {address}"))?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// The address, with the port that was given if any was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until told to stop.
    pub fn serve(
        self,
        app: &App,
        config: &HttpConfig,
        stop: Stop,
    ) -> anyhow::Result<JoinHandle<()>> {
        let doors = Doors {
            explorer: config.explorer,
            origins: config.origins.clone(),
            persisted: Persisted::open(&config.persisted)?,
            hooks: config.hooks.clone(),
        };
        let router = http::router(app, doors);
        let (mut stopping, mut leaving) = (stop.clone(), stop);
        let server = axum::serve(self.listener, router)
            .with_graceful_shutdown(async move { stopped(&mut stopping).await })
            .into_future();
        let farewell = async move {
            stopped(&mut leaving).await;
            tokio::time::sleep(FAREWELL).await;
        };
        Ok(tokio::spawn(async move {
            tokio::select! {
                ended = server => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "the HTTP door closed");
                    }
                }
                () = farewell => tracing::warn!("some callers were cut off"),
            }
        }))
    }
}

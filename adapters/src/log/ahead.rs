//! Reading far: rows are fetched while those before them are read, and both while those before are used.

use super::{
    Log,
    read::{Reading, Row, Stretch},
};
use tokio::sync::mpsc;

/// How many windows are read and wait to be used.
const AHEAD: usize = 2;

/// Rows, and how many were asked for.
type Fetched = (i64, sqlx::Result<Vec<Row>>);

impl Log {
    /// What is in the log after `position`, up to `until` or to its end, by stretches of `window` positions:
    /// up to an event that cannot be read, which is told last. It goes on as long as somebody listens.
    pub fn read_ahead(
        &self,
        position: i64,
        until: Option<i64>,
        window: i64,
    ) -> mpsc::Receiver<Result<Stretch, Reading>> {
        let (fetched, rows) = mpsc::channel(1);
        let (ahead, stretches) = mpsc::channel(AHEAD);
        tokio::spawn(fetch(self.clone(), position, until, window, fetched));
        tokio::spawn(read(self.clone(), position, rows, ahead));
        stretches
    }
}

async fn fetch(
    log: Log,
    mut position: i64,
    until: Option<i64>,
    window: i64,
    fetched: mpsc::Sender<Fetched>,
) {
    loop {
        let count = until.map_or(window, |until| window.min(until - position));
        if count <= 0 {
            return;
        }
        let rows = log.rows_after(position, count).await;
        let last = rows
            .as_ref()
            .ok()
            .and_then(|rows| rows.last())
            .map(|row| row.said.position);
        if fetched.send((count, rows)).await.is_err() {
            return;
        }
        match last {
            Some(last) => position = last,
            None => return,
        }
    }
}

async fn read(
    log: Log,
    mut position: i64,
    mut fetched: mpsc::Receiver<Fetched>,
    ahead: mpsc::Sender<Result<Stretch, Reading>>,
) {
    while let Some((count, rows)) = fetched.recv().await {
        let stretch = match rows {
            Ok(rows) if rows.is_empty() => return,
            Ok(rows) => log.stretch(position, count, rows).await,
            Err(error) => Err(error.into()),
        };
        if let Err(Reading::Unreadable { position: at, .. }) = &stretch
            && *at > position + 1
        {
            let before = log.read(position, at - 1 - position).await;
            if ahead.send(before).await.is_err() {
                return;
            }
        }
        let last = stretch.as_ref().ok().map(|stretch| stretch.last);
        if ahead.send(stretch).await.is_err() {
            return;
        }
        match last {
            Some(last) => position = last,
            None => return,
        }
    }
}

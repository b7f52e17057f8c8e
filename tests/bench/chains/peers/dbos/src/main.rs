//! Chains of eight trivial steps as DBOS does them.
//!
//! `dbos-chains DATABASE LEDGER POOL`: each line of its input, a name and a number, enqueues so many
//! workflows; each step that runs adds a byte to the ledger, when there is one.

use dbos::{Config, DBOS, Enqueue, QueueConflict, QueueOptions, StartOptions, step};
use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    task::JoinSet,
};

const STEPS: [&str; 8] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight",
];
/// How many workflows are enqueued at once.
const AT_ONCE: usize = 50;

type Fault = Box<dyn std::error::Error + Send + Sync>;

async fn one(ledger: Option<Arc<File>>) -> dbos::Result<u64> {
    if let Some(ledger) = &ledger {
        let _ = ledger.as_ref().write_all(b".");
    }
    Ok(1)
}

async fn chain(number: u64, ledger: Option<Arc<File>>) -> dbos::Result<u64> {
    let mut sum = number;
    for name in STEPS {
        sum += step(name, || one(ledger.clone())).await?;
    }
    Ok(sum)
}

#[tokio::main]
async fn main() -> Result<(), Fault> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().ok_or("DATABASE LEDGER POOL");
    let (database, ledger, pool) = (argument()?, argument()?, argument()?);
    let ledger = match ledger.as_str() {
        "-" => None,
        path => Some(Arc::new(
            OpenOptions::new().append(true).create(true).open(path)?,
        )),
    };
    let dbos = DBOS::new(Config {
        app_version: Some("1".to_owned()),
        max_connections: pool.parse()?,
        ..Config::new("chains", database)
    });
    let chain =
        dbos.register_workflow("chain", move |number: u64| chain(number, ledger.clone()))?;
    dbos.launch().await?;
    let options = QueueOptions {
        polling_interval: Duration::from_millis(10),
        ..QueueOptions::default()
    };
    dbos.register_queue("chains", options, QueueConflict::UpdateIfLatestVersion)
        .await?;
    println!("ready");
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let (name, count) = line.split_once(' ').ok_or("a name and a number")?;
        let mut begun = JoinSet::new();
        for number in 0..count.parse()? {
            while begun.len() >= AT_ONCE {
                begun.join_next().await.transpose()?.transpose()?;
            }
            let (chain, id) = (chain.clone(), format!("{name}-{number}"));
            begun.spawn(async move {
                let options = StartOptions {
                    workflow_id: Some(&id),
                    queue: Some(Enqueue::new("chains")),
                    ..StartOptions::default()
                };
                chain.start_with(number, options).await.map(drop)
            });
        }
        while let Some(one) = begun.join_next().await {
            one??;
        }
        println!("enqueued");
    }
    dbos.shutdown().await;
    Ok(())
}

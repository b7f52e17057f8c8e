//! What a bench says: a table for whoever runs it, and the same figures in `target/bench/NAME.json`.

use serde::Serialize;
use std::{fs, path::Path};

/// One figure, beside that of a peer measured in the same run.
#[derive(Debug, Clone, Default, Serialize)]
#[expect(clippy::struct_field_names, reason = "the file's format calls it so")]
pub struct Figure {
    pub figure: String,
    pub unit: &'static str,
    pub ours: f64,
    pub peer: Option<f64>,
    pub peer_name: Option<String>,
    /// Ours divided by the peer's.
    pub ratio: Option<f64>,
    pub goal: Option<String>,
    pub holds: Option<bool>,
}

/// What a ratio should be.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

impl Figure {
    pub fn new(figure: impl Into<String>, unit: &'static str, ours: f64) -> Self {
        Self {
            figure: figure.into(),
            unit,
            ours,
            ..Self::default()
        }
    }

    pub fn against(mut self, peer_name: impl Into<String>, peer: f64) -> Self {
        self.peer = Some(peer);
        self.peer_name = Some(peer_name.into());
        self.ratio = (peer > 0.0).then(|| self.ours / peer);
        self
    }

    pub fn goal(mut self, goal: Goal) -> Self {
        let (words, holds): (_, fn(f64, f64) -> bool) = match goal {
            Goal::AtMost(_) => ("at most", |ratio, limit| ratio <= limit),
            Goal::AtLeast(_) => ("at least", |ratio, limit| ratio >= limit),
        };
        let (Goal::AtMost(limit) | Goal::AtLeast(limit)) = goal;
        self.goal = Some(format!("ratio {words} {limit}"));
        self.holds = self.ratio.map(|ratio| holds(ratio, limit));
        self
    }
}

/// Prints the table and writes the file.
pub fn publish(name: &str, figures: &[Figure]) -> anyhow::Result<()> {
    let number = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.2}"));
    println!(
        "\n{:<52} {:>8} {:>10} {:>10} {:>7}  goal",
        "figure", "unit", "ours", "peer", "ratio"
    );
    for figure in figures {
        let verdict = match figure.holds {
            Some(true) => "holds",
            Some(false) => "DOES NOT HOLD",
            None => "",
        };
        println!(
            "{:<52} {:>8} {:>10.2} {:>10} {:>7}  {} {verdict}",
            figure.figure,
            figure.unit,
            figure.ours,
            number(figure.peer),
            number(figure.ratio),
            figure.goal.as_deref().unwrap_or_default(),
        );
        if let Some(peer) = &figure.peer_name {
            println!("    peer: {peer}");
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{name}.json"));
    fs::write(&file, serde_json::to_vec_pretty(figures)?)?;
    println!("\nwritten to target/bench/{name}.json");
    Ok(())
}

/// The middle one, or the mean of the two in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    match (values.get(low), values.get(high)) {
        (Some(low), Some(high)) => f64::midpoint(*low, *high),
        _ => f64::NAN,
    }
}

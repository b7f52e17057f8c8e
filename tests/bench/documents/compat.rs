//! What Navette and docxtpl make of the same DOCX templates and contexts.

use super::{
    count,
    peers::Peers,
    report::{Figure, Goal},
};
use anyhow::{Context as _, ensure};
use navette_adapters::merge::{Image, Images, Template};
use navette_domain::ports::MergeFailure;
use serde::Deserialize;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

/// How many cases there were, and what became of them.
pub struct Compat {
    cases: usize,
    equal: usize,
    pub unexplained: usize,
}

#[derive(Deserialize)]
struct Report {
    cases: Vec<Case>,
    /// Explanations that explain nothing any more.
    stale: Vec<String>,
}

#[derive(Deserialize)]
struct Case {
    #[serde(rename = "case")]
    name: String,
    differences: Vec<serde_json::Value>,
    reason: Option<String>,
}

pub fn compare(peers: &Peers) -> anyhow::Result<Compat> {
    let folder = peers.workplace("compat")?;
    succeed(
        peers
            .python("docxtpl", "compat.py")
            .arg("build")
            .arg(&folder),
    )?;
    for entry in fs::read_dir(&folder)? {
        render(&entry?.path())?;
    }
    let accepted =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/documents/accepted.json");
    let output = succeed(
        peers
            .python("docxtpl", "compat.py")
            .arg("compare")
            .args([&folder, &accepted]),
    )?;
    let report: Report =
        serde_json::from_slice(&output).context("the comparison says nothing readable")?;
    let mut compat = Compat {
        cases: report.cases.len(),
        equal: 0,
        unexplained: 0,
    };
    for case in &report.cases {
        match &case.reason {
            _ if case.differences.is_empty() => compat.equal += 1,
            Some(reason) => println!("{}: differs, as explained: {reason}", case.name),
            None => {
                compat.unexplained += 1;
                println!(
                    "{}: DIFFERS\n{:#}",
                    case.name,
                    serde_json::Value::from(case.differences.clone())
                );
            }
        }
    }
    for name in &report.stale {
        println!("{name}: the explanation in accepted.json is no longer true");
    }
    println!(
        "docxtpl: {} cases, {} equal, {} differ without an explanation",
        compat.cases, compat.equal, compat.unexplained
    );
    Ok(compat)
}

fn succeed(command: &mut Command) -> anyhow::Result<Vec<u8>> {
    let output = command.output()?;
    ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(output.stdout)
}

/// The images that stand beside a template.
struct Beside(PathBuf);

impl Images for Beside {
    fn image(&self, name: &str) -> Option<Image> {
        Image::read(&fs::read(self.0.join(name)).ok()?).ok()
    }
}

/// Writes what Navette makes of a case beside what docxtpl made of it.
fn render(case: &Path) -> anyhow::Result<()> {
    let context = serde_json::from_slice(&fs::read(case.join("context.json"))?)?;
    let template = fs::read(case.join("template.docx"))?;
    let images = Arc::new(Beside(case.to_owned()));
    match Template::compile(&template).and_then(|template| template.merge_with(&context, images)) {
        Ok(document) => fs::write(case.join("navette.docx"), document)?,
        Err(MergeFailure::Unreadable(sentence)) => fs::write(case.join("navette.txt"), sentence)?,
        Err(MergeFailure::Faults(faults)) => {
            let sentences = faults
                .iter()
                .map(|fault| format!("{} « {} » : {}\n", fault.place, fault.tag, fault.sentence));
            fs::write(case.join("navette.txt"), sentences.collect::<String>())?;
        }
    }
    Ok(())
}

impl Compat {
    pub fn figures(&self) -> Vec<Figure> {
        vec![
            Figure::new(
                "docxtpl templates that give the same",
                "cases",
                count(self.equal),
            )
            .against("all cases", count(self.cases)),
            Figure::new(
                "differences without an explanation",
                "cases",
                count(self.unexplained),
            )
            .against("none", 1.0)
            .goal(Goal::AtMost(0.0)),
        ]
    }
}

//! The merge, per core: processor time, so that what else the machine does counts little.

use super::{
    Size, count, letters,
    peers::{Driven, Peers},
    report::{Figure, Goal, median},
};
use anyhow::{Context as _, ensure};
use navette_adapters::merge::Template;
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike as _,
};
use serde_json::Value;
use std::{
    fs,
    io::{Cursor, Read, Write},
    path::Path,
};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

const DOSSIERS: usize = 1_000;
/// How many letters a slow peer makes in its turn, and how many are read to see that all say the same.
const OF_A_PEER: usize = 30;
const COMPARED: usize = 24;
/// zlib's default, which docxtpl (through Python's zipfile) and docxtemplater (as it is asked here) use too.
const LEVEL: i64 = 6;

/// The processor time of this thread, in seconds.
fn cpu() -> anyhow::Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_THREAD)?;
    let microseconds =
        usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(f64::from(u32::try_from(microseconds)?) / 1e6)
}

fn each(count_of: usize, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let before = cpu()?;
    work()?;
    Ok((cpu()? - before) / count(count_of))
}

fn merge_all(template: &Template, dossiers: &[Value]) -> anyhow::Result<()> {
    for dossier in dossiers {
        std::hint::black_box(template.merge(dossier)?);
    }
    Ok(())
}

pub fn measure(peers: &Peers, size: Size) -> anyhow::Result<Vec<Figure>> {
    let dossiers = letters::dossiers(DOSSIERS);
    let folder = peers.workplace("merge")?;
    let data = folder.join("dossiers.json");
    fs::write(&data, serde_json::to_vec(&dossiers)?)?;
    let template = folder.join("letter.docx");
    fs::write(&template, letters::DOCX)?;
    let (docx, odt) = (
        Template::compile(letters::DOCX)?,
        Template::compile(letters::ODT)?,
    );
    let mut docxtpl = Driven::start(
        peers
            .python("docxtpl", "docxtpl_letters.py")
            .args([&template, &data]),
    )?;
    let mut docxtemplater = Driven::start(
        peers
            .javascript("docxtemplater_letters.js")
            .args([&template, &data]),
    )?;
    say_the_same(
        &folder,
        &docx,
        &dossiers,
        [&mut docxtpl, &mut docxtemplater],
    )?;

    let [docx_again, odt_again] = [(letters::DOCX, &docx), (letters::ODT, &odt)]
        .map(|(bytes, template)| Rezip::new(bytes, template, &dossiers));
    let (docx_again, odt_again) = (docx_again?, odt_again?);
    let mut seconds: [Vec<f64>; 6] = Default::default();
    for round in 0..size.rounds {
        let from = round * OF_A_PEER % (DOSSIERS - OF_A_PEER);
        let turns = [
            each(DOSSIERS, || merge_all(&docx, &dossiers))?,
            each(DOSSIERS, || merge_all(&odt, &dossiers))?,
            each(DOSSIERS, || docx_again.run())?,
            each(DOSSIERS, || odt_again.run())?,
            docxtpl.turn(from, OF_A_PEER, None)?.cpu / count(OF_A_PEER),
            docxtemplater.turn(from, OF_A_PEER, None)?.cpu / count(OF_A_PEER),
        ];
        println!(
            "merge, round {}: {}",
            round + 1,
            turns.map(|each| format!("{:.0} µs", each * 1e6)).join(", ")
        );
        for (all, this) in seconds.iter_mut().zip(turns) {
            all.push(this);
        }
    }
    let [
        docx_each,
        odt_each,
        docx_again,
        odt_again,
        docxtpl,
        docxtemplater,
    ] = seconds.map(median);
    let per_second = |name: &str| {
        Figure::new(
            format!("letters merged per core: {name}"),
            "1/s",
            1.0 / docx_each,
        )
    };
    let mut figures = vec![
        per_second("DOCX")
            .against("docxtpl 0.20.2, same file and level 6", 1.0 / docxtpl)
            .goal(Goal::AtLeast(200.0)),
        per_second("DOCX")
            .against(
                "docxtemplater 3.71, same letter and level 6",
                1.0 / docxtemplater,
            )
            .goal(Goal::AtLeast(50.0)),
        Figure::new("a merge of the DOCX letter", "µs", docx_each * 1e6)
            .against("zipping the same parts again", docx_again * 1e6)
            .goal(Goal::AtMost(1.3)),
        Figure::new("a merge of the ODT letter", "µs", odt_each * 1e6)
            .against("zipping the same parts again", odt_again * 1e6)
            .goal(Goal::AtMost(1.3)),
    ];
    figures.extend(growth(&odt, size)?);
    Ok(figures)
}

/// A merge costs the same in a batch of any size.
fn growth(template: &Template, size: Size) -> anyhow::Result<Vec<Figure>> {
    let sizes: &[usize] = if size.quick {
        &[10, 100, 1_000]
    } else {
        &[10, 100, 1_000, 10_000]
    };
    let mut measured = vec![];
    for letters in sizes {
        let dossiers = letters::dossiers(*letters);
        // A few letters are merged often enough to be measured.
        let times = (10_000 / letters).max(1);
        let rounds = (0..size.rounds).map(|_| {
            each(letters * times, || {
                (0..times).try_for_each(|_| merge_all(template, &dossiers))
            })
        });
        measured.push((*letters, median(rounds.collect::<Result<_, _>>()?)));
    }
    let (first, smallest) = *measured.first().context("no size")?;
    Ok(measured
        .iter()
        .skip(1)
        .map(|(letters, each)| {
            Figure::new(
                format!("merge, each of {letters} letters"),
                "µs",
                each * 1e6,
            )
            .against(format!("each of {first}"), smallest * 1e6)
            .goal(Goal::AtMost(1.1))
        })
        .collect())
}

/// Zips what was merged again: the changed parts deflated, the others copied.
struct Rezip<'a> {
    template: &'a [u8],
    /// Of each letter, the entries that differ from the template's.
    letters: Vec<Vec<(String, Vec<u8>)>>,
}

impl<'a> Rezip<'a> {
    fn new(bytes: &'a [u8], template: &Template, dossiers: &[Value]) -> anyhow::Result<Self> {
        let before = entries(bytes)?;
        let letters = dossiers.iter().map(|dossier| {
            let after = entries(&template.merge(dossier)?)?;
            Ok(after
                .into_iter()
                .filter(|entry| !before.contains(entry))
                .collect())
        });
        Ok(Self {
            template: bytes,
            letters: letters.collect::<anyhow::Result<_>>()?,
        })
    }

    fn run(&self) -> anyhow::Result<()> {
        let options = SimpleFileOptions::DEFAULT
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(LEVEL));
        for changed in &self.letters {
            let mut source = ZipArchive::new(Cursor::new(self.template))?;
            let mut target =
                ZipWriter::new(Cursor::new(Vec::with_capacity(self.template.len() * 2)));
            for index in 0..source.len() {
                let entry = source.by_index_raw(index)?;
                let name = entry.name()?.into_owned();
                match changed.iter().find(|(changed, _)| *changed == name) {
                    Some((_, bytes)) => {
                        drop(entry);
                        target.start_file(name, options)?;
                        target.write_all(bytes)?;
                    }
                    None => target.raw_copy_file(entry)?,
                }
            }
            std::hint::black_box(target.finish()?);
        }
        Ok(())
    }
}

fn entries(bytes: &[u8]) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut zip = ZipArchive::new(Cursor::new(bytes))?;
    (0..zip.len())
        .map(|index| {
            let mut entry = zip.by_index(index)?;
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            Ok((entry.name()?.into_owned(), content))
        })
        .collect()
}

/// Nothing is compared between programs that do not make the same letter.
fn say_the_same(
    folder: &Path,
    docx: &Template,
    dossiers: &[Value],
    peers: [&mut Driven; 2],
) -> anyhow::Result<()> {
    for (peer, name) in peers.into_iter().zip(["docxtpl", "docxtemplater"]) {
        let kept = folder.join(name);
        fs::create_dir_all(&kept)?;
        peer.turn(0, COMPARED, Some(&kept))?;
        for (number, dossier) in dossiers.iter().take(COMPARED).enumerate() {
            let ours = texts(&docx.merge(dossier)?)?;
            let theirs = texts(&fs::read(kept.join(format!("{number}.docx")))?)?;
            let differing = ours
                .iter()
                .zip(&theirs)
                .find(|(ours, theirs)| ours != theirs);
            ensure!(
                ours == theirs,
                "{name} says otherwise in letter {number}: {differing:?}"
            );
        }
        println!("{name} says the same in {COMPARED} letters");
    }
    Ok(())
}

/// The paragraphs of a DOCX, headers and footers included.
#[expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "the entries of an office file are named exactly"
)]
fn texts(docx: &[u8]) -> anyhow::Result<Vec<String>> {
    let mut parts = entries(docx)?;
    parts.retain(|(name, _)| {
        name.ends_with(".xml")
            && ["word/document", "word/header", "word/footer"]
                .iter()
                .any(|part| name.starts_with(part))
    });
    parts.sort();
    let mut texts = vec![];
    for (name, bytes) in parts {
        let xml = String::from_utf8(bytes)?;
        for paragraph in xml.split("</w:p>") {
            let runs = paragraph
                .split("<w:t>")
                .flat_map(|piece| piece.split("<w:t xml:space=\"preserve\">"));
            let text: String = runs
                .skip(1)
                .filter_map(|piece| piece.split("</w:t>").next())
                .collect();
            let text = text
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
                .replace("&#34;", "\"")
                .replace("&apos;", "'")
                .replace("&#39;", "'")
                .replace("&amp;", "&");
            texts.push(format!("{name}: {text}"));
        }
    }
    Ok(texts)
}

//! Exports beside `psql \copy`, openpyxl, rust_xlsxwriter and spreadsheet-ods: 20 columns of dossiers and their
//! third parties. Each of ours is made by a process of its own, from the database to a file, so that its memory
//! and its time are its own; so is each of `psql`'s. The other peers have the rows in a file at hand: they are
//! spared the database, which counts against us.

mod data;
mod peers;
mod turn;

pub use turn::Turn;

use crate::report::{Figure, Goal, median};
use data::Data;
use navette_domain::export::Format;
use peers::Peers;
use turn::Taken;

/// What each made in its rounds.
#[derive(Default)]
struct Rounds(Vec<Taken>);

impl Rounds {
    fn seconds(&self) -> f64 {
        median(self.0.iter().map(|taken| taken.seconds).collect())
    }

    fn first_byte_ms(&self) -> f64 {
        median(self.0.iter().map(|taken| taken.first_byte_ms).collect())
    }

    fn memory_mb(&self) -> f64 {
        let most = self.0.iter().map(|taken| taken.memory_mb);
        most.fold(0.0, f64::max)
    }
}

/// All the figures of exports.
pub fn measure(quick: bool) -> anyhow::Result<Vec<Figure>> {
    let (rows, many, rounds) = if quick {
        (20_000, 100_000, 2)
    } else {
        (100_000, 1_000_000, 5)
    };
    let peers = Peers::install()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let data = runtime.block_on(Data::of(rows))?;
    let formats = [
        Format::CsvFrench,
        Format::Csv,
        Format::Xlsx,
        Format::Ods,
        Format::Ndjson,
        Format::Parquet,
    ];
    let mut ours: Vec<Rounds> = formats.iter().map(|_| Rounds::default()).collect();
    let (mut psql, mut xlsx, mut ods, mut openpyxl) = (vec![], vec![], vec![], vec![]);
    for round in 0..rounds {
        for (format, rounds) in formats.iter().zip(&mut ours) {
            rounds.0.push(Turn::new(*format, &data).run()?);
        }
        psql.push(Peers::psql(&data)?);
        xlsx.push(peers.sheets("rust_xlsxwriter", &data)?);
        ods.push(peers.sheets("spreadsheet-ods", &data)?);
        // It takes most of a minute for what the others make in seconds.
        if round == 0 || quick {
            openpyxl.push(peers.openpyxl(&data)?);
        }
    }
    peers.compare(&data, rows)?;
    runtime.block_on(data.grow(many))?;
    let mut large: Vec<Rounds> = vec![];
    for format in formats {
        large.push(Rounds(vec![Turn::new(format, &data).run()?]));
    }
    let mut figures = speed(
        rows,
        &ours,
        [median(psql), median(openpyxl), median(xlsx), median(ods)],
    );
    figures.extend(constancy(rows, many, &formats, &ours, &large));
    runtime.block_on(data.stop());
    Ok(figures)
}

fn speed(rows: usize, ours: &[Rounds], [psql, openpyxl, xlsx, ods]: [f64; 4]) -> Vec<Figure> {
    let seconds = |of: usize| ours.get(of).map_or(f64::NAN, Rounds::seconds);
    let rate = |seconds: f64| f64::from(u32::try_from(rows).unwrap_or(u32::MAX)) / seconds;
    let took = |what: &str, of: usize| {
        Figure::new(
            format!("{what}, {rows} rows × 20 columns"),
            "s",
            seconds(of),
        )
        .against("psql \\copy CSV, the same query", psql)
    };
    let made = |what: &str, of: usize| {
        Figure::new(
            format!("{what}, rows a second"),
            "rows/s",
            rate(seconds(of)),
        )
    };
    vec![
        took("French CSV", 0).goal(Goal::AtMost(0.8)),
        took("CSV (RFC 4180)", 1),
        took("NDJSON", 4),
        took("Parquet", 5),
        made("XLSX", 2)
            .against("openpyxl 3.1.5, write-only", rate(openpyxl))
            .goal(Goal::AtLeast(30.0)),
        made("XLSX", 2)
            .against("rust_xlsxwriter 0.102, constant memory", rate(xlsx))
            .goal(Goal::AtLeast(1.5)),
        made("ODS", 3)
            .against("spreadsheet-ods 1.0.4", rate(ods))
            .goal(Goal::AtLeast(5.0)),
    ]
}

fn constancy(
    rows: usize,
    many: usize,
    formats: &[Format],
    ours: &[Rounds],
    large: &[Rounds],
) -> Vec<Figure> {
    let mut figures = vec![];
    for ((format, few), many_rows) in formats.iter().zip(ours).zip(large) {
        let code = format.code();
        figures.push(
            Figure::new(
                format!("first byte, {code}, {many} rows"),
                "ms",
                many_rows.first_byte_ms(),
            )
            .against(
                format!("limit; {rows} rows: {:.1} ms", few.first_byte_ms()),
                100.0,
            )
            .goal(Goal::AtMost(1.0)),
        );
        figures.push(
            Figure::new(
                format!("peak memory, {code}, {many} rows"),
                "MB",
                many_rows.memory_mb(),
            )
            .against(
                format!("limit; {rows} rows: {:.1} MB", few.memory_mb()),
                16.0,
            )
            .goal(Goal::AtMost(1.0)),
        );
    }
    figures
}

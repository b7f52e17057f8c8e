//! Writes a workbook: PEER ROWS FILE KIND…; prints the seconds it took.

use chrono::{NaiveDate, NaiveDateTime};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use spreadsheet_ods::{Sheet, Value, WorkBook, currency, write_ods};
use std::{
    env,
    error::Error,
    fs::File,
    io::{BufRead, BufReader},
    time::Instant,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [peer, rows, file, kinds @ ..] = arguments.as_slice() else {
        return Err("PEER ROWS FILE KIND…".into());
    };
    let rows = BufReader::new(File::open(rows)?).lines();
    let began = Instant::now();
    match peer.as_str() {
        "rust_xlsxwriter" => xlsx(rows, file, kinds)?,
        "spreadsheet-ods" => ods(rows, file, kinds)?,
        other => return Err(format!("{other} is no peer").into()),
    }
    println!("{}", began.elapsed().as_secs_f64());
    Ok(())
}

type Lines = std::io::Lines<BufReader<File>>;

fn xlsx(rows: Lines, file: &str, kinds: &[String]) -> Result<(), Box<dyn Error>> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet_with_constant_memory()?;
    sheet.set_freeze_panes(1, 0)?;
    let amount = Format::new().set_num_format("#,##0.00 \"€\"");
    let date = Format::new().set_num_format("dd/mm/yyyy");
    let moment = Format::new().set_num_format("dd/mm/yyyy hh:mm:ss");
    for column in 0..u16::try_from(kinds.len())? {
        sheet.write(0, column, format!("colonne {column}"))?;
    }
    for (row, line) in (1..).zip(rows) {
        for ((column, kind), text) in (0..).zip(kinds).zip(line?.split('\t')) {
            if text == "\\N" {
                continue;
            }
            match kind.as_str() {
                "integer" => sheet.write_number(row, column, text.parse::<f64>()?)?,
                "amount" => {
                    let cents: f64 = text.parse()?;
                    sheet.write_number_with_format(row, column, cents / 100.0, &amount)?
                }
                "date" => {
                    let day = ExcelDateTime::parse_from_str(text)?;
                    sheet.write_datetime_with_format(row, column, &day, &date)?
                }
                "timestamp" => {
                    let at = ExcelDateTime::parse_from_str(&text[..19])?;
                    sheet.write_datetime_with_format(row, column, &at, &moment)?
                }
                "boolean" => sheet.write_boolean(row, column, text == "t")?,
                _ => sheet.write_string(row, column, text)?,
            };
        }
    }
    Ok(book.save(file)?)
}

fn ods(rows: Lines, file: &str, kinds: &[String]) -> Result<(), Box<dyn Error>> {
    let mut book = WorkBook::new_empty();
    let mut sheet = Sheet::new("Dossiers");
    for column in 0..u32::try_from(kinds.len())? {
        sheet.set_value(0, column, format!("colonne {column}"));
    }
    for (row, line) in (1..).zip(rows) {
        for ((column, kind), text) in (0..).zip(kinds).zip(line?.split('\t')) {
            let value = match kind.as_str() {
                _ if text == "\\N" => continue,
                "integer" => Value::Number(text.parse()?),
                "amount" => currency!("EUR", text.parse::<f64>()? / 100.0),
                "date" => {
                    let day: NaiveDate = text.parse()?;
                    Value::DateTime(day.and_hms_opt(0, 0, 0).ok_or("a day")?)
                }
                "timestamp" => {
                    let format = "%Y-%m-%d %H:%M:%S";
                    Value::DateTime(NaiveDateTime::parse_from_str(&text[..19], format)?)
                }
                "boolean" => Value::Boolean(text == "t"),
                _ => Value::Text(text.to_owned()),
            };
            sheet.set_value(row, column, value);
        }
    }
    book.push_sheet(sheet);
    Ok(write_ods(&mut book, file)?)
}

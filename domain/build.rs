//! Names the rules by what they are made of, so that what was worked out by other rules is told apart.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let mut sources = vec![];
    gather(Path::new("src"), &mut sources)?;
    // What the rules depend on may change how a state is written.
    sources.extend(Some(PathBuf::from("../Cargo.lock")).filter(|lock| lock.exists()));
    sources.sort();
    let mut rules = DefaultHasher::new();
    for source in sources {
        println!("cargo::rerun-if-changed={}", source.display());
        fs::read(&source)?.hash(&mut rules);
    }
    // Files that come or go.
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rustc-env=NAVETTE_RULES={:016x}", rules.finish());
    Ok(())
}

fn gather(folder: &Path, sources: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            gather(&path, sources)?;
        } else {
            sources.push(path);
        }
    }
    Ok(())
}

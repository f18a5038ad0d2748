//! `pyflow-fuzz seeds TARGET FOLDER` writes what a search begins with; `pyflow-fuzz try TARGET FILE...`
//! tries inputs, the last named of which is at fault when it panics.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use pyflow_fuzz::seeds::seeds;
use pyflow_fuzz::targets::target;

const USAGE: &str = "usage: pyflow-fuzz seeds TARGET FOLDER | pyflow-fuzz try TARGET FILE...";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["seeds", name, folder] if target(name).is_some() => write_seeds(name, Path::new(folder)),
        ["try", name, files @ ..] if target(name).is_some() => try_files(name, files),
        _ => Err(std::io::Error::other(USAGE)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "{error}"));
            ExitCode::from(2)
        }
    }
}

fn write_seeds(name: &str, folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (place, seed) in seeds(name)?.iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{place}")), seed)?;
    }
    Ok(())
}

fn try_files(name: &str, files: &[&str]) -> std::io::Result<()> {
    let target = target(name).expect("it was looked up");
    for file in files {
        writeln!(std::io::stdout(), "{file}")?;
        target(&std::fs::read(file)?);
    }
    Ok(())
}

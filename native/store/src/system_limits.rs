//! Limits that the system sets this process: how many files it may have open, and how long one may be.

use std::fs;
use std::io;

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

/// With fewer descriptors left than that, one operation of SQLite may have found none: it opens a few at once.
const SPARE_COUNT: u64 = 8;

/// Says an error of the system, and what to do where it is a limit.
pub fn with_way_out(error: &io::Error) -> String {
    match way_out(error) {
        Some(advice) => format!("{error}; {advice}"),
        None => error.to_string(),
    }
}

fn way_out(error: &io::Error) -> Option<String> {
    match Errno::from_io_error(error)? {
        Errno::MFILE => Some(more_files()),
        Errno::NFILE => {
            Some("the whole system has too many open; close some, or raise fs.file-max".to_owned())
        }
        Errno::FBIG => Some(longer_files().unwrap_or_else(|| {
            "the file system takes none that is longer; move the store to another".to_owned()
        })),
        _ => None,
    }
}

/// What to do where SQLite could not open a file, if there is hardly a descriptor left.
pub(crate) fn where_none_opens() -> Option<String> {
    let limit = getrlimit(Resource::Nofile).current?;
    // Where not even the list of them can be opened, there is none.
    let open_count = fs::read_dir("/dev/fd").map_or(limit, |open| open.count() as u64);
    (open_count.saturating_add(SPARE_COUNT) > limit).then(more_files)
}

/// What to do where SQLite could not write, if the system bounds the length of files.
pub(crate) fn longer_files() -> Option<String> {
    let size_max = getrlimit(Resource::Fsize).current?;
    Some(format!(
        "a file of this process may be no longer than {size_max} bytes; raise that limit (ulimit -f)"
    ))
}

fn more_files() -> String {
    let limit = getrlimit(Resource::Nofile).current;
    let limit = limit.map_or(String::new(), |limit| format!(" than {limit}"));
    format!("this process may open no more{limit}; close some, or raise that limit (ulimit -n)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_the_system_is_told_with_the_way_out() {
        let told = |error: Errno| with_way_out(&error.into());

        assert!(told(Errno::MFILE).ends_with("raise that limit (ulimit -n)"));
        assert!(told(Errno::NFILE).ends_with("raise fs.file-max"));
        assert!(told(Errno::FBIG).starts_with("File too large (os error 27); "));
        assert_eq!(told(Errno::IO), io::Error::from(Errno::IO).to_string());
    }
}

//! Store URLs: `sqlite:///relative/path.db`, `sqlite:////absolute/path.db`, `memory://`.

use std::path::PathBuf;

use crate::StoreFault;

const KNOWN: &[&str] = &["memory", "sqlite"];

/// A store URL taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// `memory://`: gone with the process.
    Memory,
    /// `sqlite:///path`: one file, with a few beside it.
    Sqlite(PathBuf),
}

impl StoreUrl {
    /// Takes a URL apart; relative paths stay relative.
    ///
    /// Fails with [`StoreFault::SchemeUnknown`] or [`StoreFault::UrlInvalid`].
    pub fn parse(url: &str) -> Result<Self, StoreFault> {
        let invalid = |reason: &str| StoreFault::UrlInvalid {
            url: url.to_owned(),
            reason: reason.to_owned(),
        };
        let (scheme, rest) = url
            .split_once("://")
            .ok_or_else(|| invalid("it has no scheme; write sqlite:///path.db or memory://"))?;
        match scheme {
            "memory" if rest.is_empty() => Ok(Self::Memory),
            "memory" => Err(invalid("memory:// takes no path")),
            "sqlite" => sqlite_path(rest).map(Self::Sqlite).map_err(invalid),
            _ => Err(StoreFault::SchemeUnknown { scheme: scheme.to_owned(), known: KNOWN }),
        }
    }
}

fn sqlite_path(rest: &str) -> Result<PathBuf, &'static str> {
    let path = rest.strip_prefix('/').ok_or(
        "it names a host; write three slashes for a relative path, four for an absolute one",
    )?;
    if path.is_empty() {
        return Err("it has no path; write sqlite:///path.db");
    }
    if path == ":memory:" {
        return Err("it would make files of that name; for a store in memory write memory://");
    }
    if path.contains(['?', '#', '\0']) {
        return Err("it holds one of ? # NUL; the path is taken as it stands, without options");
    }
    Ok(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_sqlite_has_for_memory_is_refused_with_ours() {
        let fault = StoreUrl::parse("sqlite:///:memory:").expect_err("it is no file");

        assert!(matches!(fault, StoreFault::UrlInvalid { .. }), "{fault}");
        assert!(fault.to_string().contains("write memory://"), "{fault}");
    }

    #[test]
    fn paths_are_relative_with_three_slashes_and_absolute_with_four() {
        let relative = StoreUrl::parse("sqlite:///data/flow.db");
        let absolute = StoreUrl::parse("sqlite:////var/lib/flow.db");

        assert_eq!(relative, Ok(StoreUrl::Sqlite(PathBuf::from("data/flow.db"))));
        assert_eq!(absolute, Ok(StoreUrl::Sqlite(PathBuf::from("/var/lib/flow.db"))));
        assert_eq!(StoreUrl::parse("memory://"), Ok(StoreUrl::Memory));
    }

    #[test]
    fn an_unknown_scheme_lists_the_known_ones() {
        let fault = StoreUrl::parse("mysql://host/db").expect_err("mysql is no scheme of ours");

        assert_eq!(fault.code(), "PF2008");
        assert!(fault.to_string().contains("memory, sqlite"), "{fault}");
    }

    #[test]
    fn a_url_without_a_usable_path_is_refused_with_a_hint() {
        #[rustfmt::skip] // One line of urls.
        let urls = ["flow.db", "sqlite://", "sqlite:///", "sqlite://host", "memory://x", "sqlite:///a?b=c"];
        for url in urls {
            let fault = StoreUrl::parse(url).expect_err("no usable path");

            assert!(matches!(fault, StoreFault::UrlInvalid { .. }), "{url}: {fault}");
        }
    }
}

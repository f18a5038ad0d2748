"""The house rules, as tests: layers, sizes, names, words, and documents in step with the code."""

import pytest

import pyflow
from pyflow import _native
from tests.house import crates, documents, errors, imports, maps, rust, sizes, tree, words

STUB = tree.ROOT / "pyflow" / "_native.pyi"


def test_python_modules_know_only_whom_they_may() -> None:
    assert imports.broken_rules() == []


def test_crates_know_only_whom_they_may() -> None:
    assert crates.strange_dependencies() == []


def test_the_core_names_no_clock_chance_thread_or_file() -> None:
    assert crates.impurities() == []


def test_maps_hold_names_only() -> None:
    assert maps.maps_with_logic() == []


def test_files_stay_below_the_wall() -> None:
    assert sizes.long_files() == []


def test_functions_stay_below_the_wall() -> None:
    assert sizes.long_functions() == []


def test_nothing_is_marked_as_unfinished() -> None:
    assert words.unfinished() == []


def test_file_names_say_what_is_inside() -> None:
    assert words.vague_names() == []


def test_no_test_waits_for_time_to_pass() -> None:
    assert words.sleeps_in_tests() == []


def test_no_file_names_an_outside_machine() -> None:
    assert words.outside_addresses() == []


def test_public_names_are_sorted_and_exist() -> None:
    assert list(pyflow.__all__) == sorted(pyflow.__all__)
    assert [name for name in pyflow.__all__ if not hasattr(pyflow, name)] == []


def test_drawn_pages_are_in_step() -> None:
    assert documents.pages_out_of_step() == ""


def test_every_page_that_readers_look_for_exists() -> None:
    assert documents.missing_pages() == []


def test_links_between_pages_lead_somewhere() -> None:
    assert documents.dead_links() == []


def test_the_lock_files_fix_what_the_project_names() -> None:
    assert documents.unlocked() == []


def test_the_stub_names_what_the_built_module_has() -> None:
    built = {name for name in vars(_native) if not name.startswith("_")}

    assert documents.stub_names(STUB) >= built
    assert documents.undocumented_in(STUB) == []


def test_every_error_has_a_code_of_its_own_and_a_page() -> None:
    assert errors.without_code() == []
    assert errors.shared_codes() == []
    assert errors.without_page() == []
    assert errors.fields_unsaid() == []
    assert errors.pages_of_nothing() == []


def test_python_knows_every_code_of_rust() -> None:
    assert errors.unknown_to_python() == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('fn a() {\n  let s = "}";\n}\n', [("a", 1, 3)]),
        ("fn a();\nfn b() where T: F<{ N }> { /* } */ }\n", [("b", 2, 2)]),
        ("impl<'a> X<'a> {\n  fn c(x: [u8; { 3 }]) -> char {\n    '{'\n  }\n}\n", [("c", 2, 4)]),
        ('fn d() {\n  r#"fn e() { "{" }"#;\n  // }\n}\n', [("d", 1, 4)]),
    ],
)  # fmt: skip
def test_the_reader_of_rust_finds_where_functions_end(
    source: str, expected: list[tuple[str, int, int]]
) -> None:
    assert list(rust.functions(rust.blanked(source))) == expected


@pytest.mark.parametrize("name", sorted(words.SLEEPS))
def test_sleeps_are_found_in_code_and_in_texts_of_programs(name: str) -> None:
    # The names stand apart from their brackets, so that this file does not accuse itself.
    call, program = f"{name}(1)", f"async def main():\n    await {name}(1)"

    assert list(words.sleeps_in(f"import time\n{call}\n")) == [(2, call)]
    assert list(words.sleeps_in(f"PROGRAM = {program!r}\n")) == [(1, f"{name}(")]
    assert list(words.sleeps_in(f"NAMES = {name!r}, 'pyflow.sleep(1)'\n")) == []

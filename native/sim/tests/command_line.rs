//! The program as it is typed.

use std::process::Command;

#[test]
fn help_is_no_mistake() {
    for word in ["--help", "-h"] {
        let told = Command::new(env!("CARGO_BIN_EXE_pyflow-sim")).arg(word).output();
        let told = told.expect("the program can be started");

        assert!(told.status.success(), "{word}");
        assert!(String::from_utf8_lossy(&told.stdout).starts_with("usage: pyflow-sim"), "{word}");
    }
}

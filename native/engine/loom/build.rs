//! Switches the sources that this crate shares with the engine to loom's atomics, here only.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(loom)");
    println!("cargo::rustc-cfg=loom");
}

//! Links the guest as a kernel: no C library, a fixed address, our own layout.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=linker.ld");
    let folder = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let script = format!("-Wl,-T,{folder}/linker.ld");
    // rustc asks for a position-independent executable first; what comes later wins.
    for argument in [
        "-nostartfiles",
        "-nostdlib",
        "-static",
        "-no-pie",
        "-Wl,--build-id=none",
        &script,
    ] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
}
